#include <stdio.h>

#include "keep/command/credential_options.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "keep/mount/daemon.h"

struct key_test_options {
    struct credential_options credential;
    const char *header, *key_slot;
    bool help;
};

static const struct option_row rows[] = {
    CREDENTIAL_ROWS(struct key_test_options),
    {"key-slot", 0, "NUMBER", "Try this key slot alone.",
     offsetof(struct key_test_options, key_slot)},
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct key_test_options, header)},
    COMMAND_HELP_ROW(struct key_test_options),
    {0},
};

static enum rc test(const struct luks_target *target, const struct credential *credential,
                    int key_slot, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    struct text slot = {0};
    enum rc rc = luks_target_unlock(target, credential, key_slot, &unlocked, why);

    if (rc != RC_OK)
        return rc;
    keyslot_view_name(target->header, unlocked.keyslot, &slot);
    printf("%s: opens with key slot %s\n", target->path, text_ok(&slot) ? slot.at : "");
    text_clear(&slot);
    return RC_OK;
}

static enum status key_test_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct key_test_options options = {0};
    struct credential credential;
    enum status status;
    int key_slot;
    enum rc rc;

    if (!command_parse(&command_key_test, &options, &options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (credential_options_read(&options.credential, &credential, why) != RC_OK ||
        credential_options_key_slot(options.key_slot, &key_slot, why) != RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = test(&target, &credential, key_slot, why);
    return luks_target_status(&target, rc);
}

const struct command command_key_test = {
    .name = "key test",
    .operands = "TARGET",
    .doc = "Says whether a passphrase or key opens a volume.",
    .rows = rows,
    .run = key_test_run,
};
