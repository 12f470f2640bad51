#include <stdio.h>

#include "keep/command/credential_options.h"
#include "keep/command/kdf_options.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "keep/command/passphrase.h"
#include "keep/mount/daemon.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"

struct key_change_options {
    struct credential_options credential;
    struct new_credential_options fresh;
    struct kdf_options kdf;
    const char *header, *key_slot, *name;
    bool help;
};

static const struct option_row rows[] = {
    {"name", 'n', "TEXT", "A new name too; by default it keeps the one it has.",
     offsetof(struct key_change_options, name)},
    {"key-slot", 0, "NUMBER", "Change this slot; by default the one that is opened.",
     offsetof(struct key_change_options, key_slot)},
    CREDENTIAL_ROWS(struct key_change_options),
    NEW_CREDENTIAL_ROWS(struct key_change_options),
    KDF_ROWS(struct key_change_options),
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct key_change_options, header)},
    COMMAND_HELP_ROW(struct key_change_options),
    {0},
};

/* One run of 'keep key change'. */
struct change {
    struct key_change_options options;
    struct credential credential, fresh;
    struct kdf_params kdf;
    unsigned kdf_ms;
    int key_slot;
};

static enum rc read_options(struct change *c, struct fault *why)
{
    const struct key_change_options *o = &c->options;
    enum rc rc;

    if (o->name && !keyslot_name_is_good(o->name))
        return fail(why, RC_USAGE,
                    "--name: 1 to %d bytes of UTF-8, without control characters",
                    KEYSLOT_NAME_MAX);
    if ((rc = credential_options_read(&o->credential, &c->credential, why)) ||
        (rc = new_credential_options_read(&o->fresh, &c->credential, &c->fresh, why)) ||
        (rc = credential_options_key_slot(o->key_slot, &c->key_slot, why)))
        return rc;
    return kdf_options_read(&o->kdf, &c->kdf, &c->kdf_ms, why);
}

/* New area, proved; passphrase shown, if it was made for it; header that names it; and only then the old area goes. */
static enum rc write_slot(struct change *c, struct luks_target *target,
                          const struct unlock *unlocked, const struct secret *fresh,
                          struct fault *why)
{
    struct luks2_keyslot old = target->header->keyslots[unlocked->keyslot];
    enum rc rc;

    if ((rc = kdf_options_settle(&c->kdf, c->kdf_ms, why)) ||
        (rc = keyslot_replace(target->header, target->device, unlocked->keyslot,
                              &unlocked->volume_key, fresh, &c->kdf, why)) ||
        (c->options.name &&
         (rc = keyslot_name_set(target->header, unlocked->keyslot, c->options.name, why))) ||
        (c->options.fresh.generate && (rc = passphrase_show(fresh, why))) ||
        (rc = luks2_write(target->header, target->device, why)) ||
        (rc = keyslot_wipe(target->device, old.area_offset, old.area_size, why)))
        return fault_at(why, "%s", target->place);
    return rc;
}

static enum rc change(struct change *c, struct luks_target *target, struct fault *why)
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
    struct change c = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_key_change, &c.options, &c.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (read_options(&c, why) != RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    rc = luks_target_begin(&target, words[0], c.options.header, LUKS_TARGET_CHANGE, why);
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
