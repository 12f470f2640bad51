#include <stdio.h>

#include "keep/command/keyslot_view.h"
#include "keep/command/new_key.h"
#include "keep/command/passphrase.h"
#include "keep/mount/daemon.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"

static const struct option_row rows[] = {
    NEW_KEY_ROWS("A new name too; by default it keeps the one it has.",
                 "Change this slot; by default the one that is opened."),
};

/* New area, proved; passphrase shown, if it was made for it; header that names it; and only then the old area goes. */
static enum rc write_slot(struct new_key *c, struct luks_target *target,
                          struct unlock *unlocked, const struct secret *fresh,
                          struct fault *why)
{
    struct luks2_keyslot old = target->header->keyslots[unlocked->keyslot];
    enum rc rc;

    if ((rc = new_key_settle(c, target, why)) ||
        (rc = luks_target_replace_key(target, &unlocked->keyslot, &unlocked->volume_key, fresh,
                                      &c->kdf, why)) ||
        (c->options.name &&
         (rc = keyslot_name_set(target->header, unlocked->keyslot, c->options.name, why))) ||
        (c->options.fresh.generate && (rc = passphrase_show(fresh, why))) ||
        (rc = luks_target_write(target, why)) ||
        (rc = keyslot_wipe(target->device, old.area_offset, old.area_size, why)))
        return fault_at(why, "%s", target->place);
    return rc;
}

static enum rc change(struct new_key *c, struct luks_target *target, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    SCOPED(secret) fresh = {0};
    struct text slot = {0};
    enum rc rc;

    if ((rc = luks_target_unlock(target, &c->credential, c->key_slot, &unlocked, why)) ||
        (rc = credential_options_get_new(&c->fresh, c->options.fresh.generate, target->path,
                                         &fresh, why)) ||
        (rc = write_slot(c, target, &unlocked, &fresh, why)))
        return rc;
    if (c->options.fresh.generate)
        return RC_OK;
    keyslot_view_name(target->header, unlocked.keyslot, &slot);
    printf("%s: key slot %s opens with the new passphrase or key alone\n", target->path,
           text_ok(&slot) ? slot.at : "");
    text_clear(&slot);
    return RC_OK;
}

static enum status key_change_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct new_key c = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_key_change, &c.options, &c.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (new_key_read(&c, why) != RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    rc = luks_target_begin(&target, words[0], c.options.header, LUKS_TARGET_KEYS, why);
    if (rc == RC_OK)
        rc = change(&c, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_key_change = {
    .name = "key change",
    .operands = "TARGET",
    .doc = "Puts a new passphrase or key in the place of one.",
    .rows = rows,
    .run = key_change_run,
};
