#include <stdio.h>
#include <string.h>

#include "keep/command/credential_options.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "keep/mount/daemon.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot.h"

struct key_remove_options {
    struct credential_options credential;
    const char *header, *key_slot;
    bool lose_everything, help;
};

static const struct option_row rows[] = {
    {"key-slot", 0, "NUMBER",
     "Remove this slot, and open another; by default the one opened is removed.",
     offsetof(struct key_remove_options, key_slot)},
    CREDENTIAL_ROWS(struct key_remove_options),
    {"yes-lose-everything", 0, NULL, "Remove the last key too: nothing opens the data again.",
     offsetof(struct key_remove_options, lose_everything)},
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct key_remove_options, header)},
    COMMAND_HELP_ROW(struct key_remove_options),
    {0},
};

/* One run of 'keep key remove'. */
struct removal {
    struct key_remove_options options;
    struct credential credential;
    int key_slot;
};

/* Is there no other slot that holds the key of the data? */
static bool is_last(const struct luks2 *header, unsigned number)
{
    int digest = digest_of_segment(header, 0);

    return digest == DIGEST_NONE ||
           (header->digests[digest].keyslots & ~(UINT32_C(1) << number)) == 0;
}

static enum rc check_last(const struct removal *r, const struct luks_target *target,
                          unsigned number, struct fault *why)
{
    if (!is_last(target->header, number) || r->options.lose_everything)
        return RC_OK;
    return fail(why, RC_USAGE,
                "%s: key slot %u is the last that opens the data; without it they are lost "
                "for good (--yes-lose-everything)",
                target->place, number);
}

/* The area first: a slot whose removal was interrupted is still listed, to be removed again. */
static enum rc take_out(struct luks_target *target, const struct luks2_keyslot *old,
                        struct fault *why)
{
    enum rc rc = keyslot_wipe(target->device, old->area_offset, old->area_size, why);

    if (rc == RC_OK)
        rc = luks_target_write(target, why);
    return rc == RC_OK ? RC_OK : fault_at(why, "%s", target->place);
}

static void say_removed(const struct luks_target *target, const struct text *slot)
{
    printf("%s: key slot %s is removed; a backup of the header made before still holds it\n",
           target->path, text_ok(slot) ? slot->at : "");
}

/* Whoever names a slot opens another one: it works, and is there afterwards. */
static enum rc remove_named(const struct removal *r, struct luks_target *target,
                            struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    unsigned number = (unsigned)r->key_slot;
    struct luks2_keyslot old = target->header->keyslots[number];
    struct text slot = {0};
    bool last = is_last(target->header, number);
    enum rc rc;

    if (!old.present)
        return fail(why, RC_USAGE, "%s: there is no key slot %u", target->place, number);
    if (!target->is_luks1 && strcmp(old.type, "luks2") != 0)
        return fail(why, RC_UNSUPPORTED, "%s: slot %u is no key, but of type \"%s\"",
                    target->place, number, old.type);
    if ((rc = check_last(r, target, number, why)))
        return rc;
    keyslot_view_name(target->header, number, &slot);
    if ((rc = luks_target_remove_key(target, number, why)) == RC_OK && !last)
        rc = luks_target_unlock(target, &r->credential, UNLOCK_ANY, &unlocked, why);
    if (rc == RC_DENIED)
        rc =
            fail(why, rc,
                 "%s: none of the key slots that stay opens with this passphrase or key: give "
                 "that of another slot than %u",
                 target->place, number);
    if (rc == RC_OK && (rc = take_out(target, &old, why)) == RC_OK)
        say_removed(target, &slot);
    text_clear(&slot);
    return rc;
}

static enum rc remove_opened(const struct removal *r, struct luks_target *target,
                             struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    struct luks2_keyslot old;
    struct text slot = {0};
    enum rc rc;

    if ((rc = luks_target_unlock(target, &r->credential, UNLOCK_ANY, &unlocked, why)) ||
        (rc = check_last(r, target, unlocked.keyslot, why)))
        return rc;
    old = target->header->keyslots[unlocked.keyslot];
    keyslot_view_name(target->header, unlocked.keyslot, &slot);
    if ((rc = luks_target_remove_key(target, unlocked.keyslot, why)) == RC_OK &&
        (rc = take_out(target, &old, why)) == RC_OK)
        say_removed(target, &slot);
    text_clear(&slot);
    return rc;
}

static enum status key_remove_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct removal r = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_key_remove, &r.options, &r.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (credential_options_read(&r.options.credential, &r.credential, why) != RC_OK ||
        credential_options_key_slot(r.options.key_slot, &r.key_slot, why) != RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    rc = luks_target_begin(&target, words[0], r.options.header, LUKS_TARGET_KEYS, why);
    if (rc == RC_OK)
        rc = r.key_slot == UNLOCK_ANY ? remove_opened(&r, &target, why)
                                      : remove_named(&r, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_key_remove = {
    .name = "key remove",
    .operands = "TARGET",
    .doc = "Removes a passphrase or key, and overwrites its slot.",
    .rows = rows,
    .run = key_remove_run,
};
