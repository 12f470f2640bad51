#include <stdio.h>

#include "keep/command/credential_options.h"
#include "keep/command/kdf_options.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "keep/command/passphrase.h"
#include "keep/mount/daemon.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"

struct key_add_options {
    struct credential_options credential;
    struct new_credential_options fresh;
    struct kdf_options kdf;
    const char *header, *key_slot, *name;
    bool help;
};

static const struct option_row rows[] = {
    {"name", 'n', "TEXT", "Whose key it is; shown by 'keep key list'.",
     offsetof(struct key_add_options, name)},
    {"key-slot", 0, "NUMBER", "Use this free slot; by default the first.",
     offsetof(struct key_add_options, key_slot)},
    CREDENTIAL_ROWS(struct key_add_options),
    NEW_CREDENTIAL_ROWS(struct key_add_options),
    KDF_ROWS(struct key_add_options),
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct key_add_options, header)},
    COMMAND_HELP_ROW(struct key_add_options),
    {0},
};

/* One run of 'keep key add'. */
struct addition {
    struct key_add_options options;
    struct credential credential, fresh;
    struct kdf_params kdf;
    unsigned kdf_ms;
    int key_slot;
};

static enum rc read_options(struct addition *a, struct fault *why)
{
    const struct key_add_options *o = &a->options;
    enum rc rc;

    if (o->name && !keyslot_name_is_good(o->name))
        return fail(why, RC_USAGE,
                    "--name: 1 to %d bytes of UTF-8, without control characters",
                    KEYSLOT_NAME_MAX);
    if ((rc = credential_options_read(&o->credential, &a->credential, why)) ||
        (rc = new_credential_options_read(&o->fresh, &a->credential, &a->fresh, why)) ||
        (rc = credential_options_key_slot(o->key_slot, &a->key_slot, why)))
        return rc;
    return kdf_options_read(&o->kdf, &a->kdf, &a->kdf_ms, why);
}

/* Slot first, proved by reading it back; passphrase shown, if it was made for it; then the header that names it. */
static enum rc write_slot(struct addition *a, struct luks_target *target,
                          const struct secret *key, const struct secret *fresh,
                          unsigned *number, struct fault *why)
{
    enum rc rc;

    if ((rc = kdf_options_settle(&a->kdf, a->kdf_ms, why)) ||
        (rc = keyslot_add(target->header, target->device, a->key_slot, key, fresh, &a->kdf,
                          number, why)) ||
        (a->options.name &&
         (rc = keyslot_name_set(target->header, *number, a->options.name, why))) ||
        (a->options.fresh.generate && (rc = passphrase_show(fresh, why))) ||
        (rc = luks2_write(target->header, target->device, why)))
        return fault_at(why, "%s", target->place);
    return rc;
}

static enum rc add(struct addition *a, struct luks_target *target, struct fault *why)
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
    struct addition a = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_key_add, &a.options, &a.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (read_options(&a, why) != RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    rc = luks_target_begin(&target, words[0], a.options.header, LUKS_TARGET_CHANGE, why);
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
