#include <stdio.h>

#include "keep/command/keyslot_view.h"
#include "keep/command/new_key.h"
#include "keep/command/passphrase.h"
#include "keep/mount/daemon.h"
#include "vault/header/keyslot_name.h"

static const struct option_row rows[] = {
    NEW_KEY_ROWS("Whose key it is; shown by 'keep key list'.",
                 "Use this free slot; by default the first."),
};

/* Slot first, proved by reading it back; passphrase shown, if it was made for it; then the header that names it. */
static enum rc write_slot(struct new_key *a, struct luks_target *target,
                          const struct secret *key, const struct secret *fresh,
                          unsigned *number, struct fault *why)
{
    enum rc rc;

    if ((rc = new_key_settle(a, target, why)) ||
        (rc = luks_target_add_key(target, a->key_slot, key, fresh, &a->kdf, number, why)) ||
        (a->options.name &&
         (rc = keyslot_name_set(target->header, *number, a->options.name, why))) ||
        (a->options.fresh.generate && (rc = passphrase_show(fresh, why))) ||
        (rc = luks_target_write(target, why)))
        return fault_at(why, "%s", target->place);
    return rc;
}

static enum rc add(struct new_key *a, struct luks_target *target, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    SCOPED(secret) fresh = {0};
    struct text slot = {0};
    unsigned number;
    enum rc rc;

    if ((rc = luks_target_unlock(target, &a->credential, UNLOCK_ANY, &unlocked, why)) ||
        (rc = credential_options_get_new(&a->fresh, a->options.fresh.generate, target->path,
                                         &fresh, why)) ||
        (rc = write_slot(a, target, &unlocked.volume_key, &fresh, &number, why)))
        return rc;
    if (a->options.fresh.generate)
        return RC_OK;
    keyslot_view_name(target->header, number, &slot);
    printf("%s: opens with key slot %s too\n", target->path, text_ok(&slot) ? slot.at : "");
    text_clear(&slot);
    return RC_OK;
}

static enum status key_add_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct new_key a = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_key_add, &a.options, &a.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (new_key_read(&a, why) != RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    rc = luks_target_begin(&target, words[0], a.options.header, LUKS_TARGET_KEYS, why);
    if (rc == RC_OK)
        rc = add(&a, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_key_add = {
    .name = "key add",
    .operands = "TARGET",
    .doc = "Adds a passphrase or key that opens a volume.",
    .rows = rows,
    .run = key_add_run,
};
