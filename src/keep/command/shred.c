#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep/command/credential_options.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/command/shred_file.h"
#include "keep/format/luks1/luks1_header.h"
#include "keep/mount/record.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot.h"

struct shred_options {
    struct credential_options credential;
    const char *header, *key_slot;
    bool all, yes, help;
};

static const struct option_row rows[] = {
    {"key-slot", 0, "NUMBER", "This key slot alone; by default every one.",
     offsetof(struct shred_options, key_slot)},
    {"all", 0, NULL, "The whole header: not even what it was can be seen.",
     offsetof(struct shred_options, all)},
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct shred_options, header)},
    {"yes", 'y', NULL, "Answer the question with yes.", offsetof(struct shred_options, yes)},
    CREDENTIAL_ROWS(struct shred_options),
    COMMAND_HELP_ROW(struct shred_options),
    {0},
};

/* One run of 'keep shred'. */
struct shredding {
    struct shred_options options;
    int key_slot;
};

static bool opens_data(const struct luks2 *header, unsigned number)
{
    int digest = digest_of_segment(header, 0);

    return digest != DIGEST_NONE && header->digests[digest].keyslots >> number & 1;
}

/* Key slots of the data beside this one. */
static unsigned count_others(const struct luks2 *header, int number)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        count += (int)i != number && opens_data(header, i);
    return count;
}

static void describe(const struct shredding *s, const struct luks_target *target,
                     struct text *text)
{
    const struct luks2 *header = target->header;

    text_printf(text, "%s: ", target->place);
    if (s->key_slot != UNLOCK_ANY) {
        text_printf(text, "key slot ");
        keyslot_view_name(header, (unsigned)s->key_slot, text);
        text_printf(text, " will be destroyed: ");
    } else {
        text_printf(text, "%s will be destroyed: ",
                    s->options.all ? "the whole header" : "every key slot");
    }
    if (s->key_slot != UNLOCK_ANY && count_others(header, s->key_slot) > 0)
        text_printf(text, "its passphrase or key opens the data no more.");
    else
        text_printf(text, "nothing opens the data again, they are lost for good.");
    text_printf(text,
                " Only a backup of the header that was made with the slot in it undoes this "
                "(keep header backup, cryptsetup luksHeaderBackup): destroy those too.");
    if (target->is_open)
        text_printf(text, " The volume is open now: save what is in it before it is closed.");
}

static enum rc ask(const struct shredding *s, const struct luks_target *target,
                   struct fault *why)
{
    struct text text = {0};
    enum rc rc;

    describe(s, target, &text);
    rc = text_ok(&text) ? question_ask(target->place, s->options.yes, why, "%s", text.at)
                        : fail(why, RC_MEMORY, "no memory");
    text_clear(&text);
    return rc;
}

static enum rc shred_slot(struct luks_target *target, unsigned number, struct fault *why)
{
    struct luks2_keyslot old = target->header->keyslots[number];
    enum rc rc;

    if ((rc = luks_target_remove_key(target, number, why)) ||
        (rc = keyslot_wipe(target->device, old.area_offset, old.area_size, why)))
        return rc;
    return luks_target_write(target, why);
}

/* Each place of a key, whether it is in use or was. */
static enum rc shred_luks1(struct luks_target *target, bool all, struct fault *why)
{
    struct luks2 *header = target->header;
    uint64_t first = header->keyslots[0].area_offset;
    enum rc rc = RC_OK;

    for (unsigned i = 0; i < LUKS1_KEYSLOTS && rc == RC_OK; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (slot->area_offset < first)
            first = slot->area_offset;
        if (slot->area_offset + slot->area_size <= target->device->size)
            rc = keyslot_wipe(target->device, slot->area_offset, slot->area_size, why);
        if (rc == RC_OK && slot->present)
            rc = luks_target_remove_key(target, i, why);
    }
    if (rc != RC_OK)
        return rc;
    return all ? keyslot_wipe(target->device, 0, first, why) : luks_target_write(target, why);
}

/* The whole area, with what former changes may have left in it. */
static enum rc shred_slots(struct luks_target *target, bool all, struct fault *why)
{
    struct luks2 *header = target->header;
    uint64_t copies = 2 * (uint64_t)header->copy_size;
    enum rc rc = RC_OK;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX && rc == RC_OK; i++)
        if (header->keyslots[i].present)
            rc = keyslot_remove(header, i, why);
    if (rc == RC_OK)
        rc = keyslot_wipe(target->device, copies, header->keyslots_size, why);
    if (rc != RC_OK)
        return rc;
    return all ? keyslot_wipe(target->device, 0, copies, why)
               : luks2_write(header, target->device, why);
}

static enum rc shred(struct shredding *s, struct luks_target *target, struct fault *why)
{
    bool one = s->key_slot != UNLOCK_ANY;
    enum rc rc;

    if (one && !target->header->keyslots[s->key_slot].present)
        return fail(why, RC_USAGE, "%s: there is no key slot %d", target->place, s->key_slot);
    if ((rc = ask(s, target, why)))
        return rc;
    rc = one                ? shred_slot(target, (unsigned)s->key_slot, why)
         : target->is_luks1 ? shred_luks1(target, s->options.all, why)
                            : shred_slots(target, s->options.all, why);
    if (rc != RC_OK)
        return fault_at(why, "%s", target->place);
    printf("%s: %s, overwritten and read back\n", target->place,
           one              ? "the key slot is destroyed"
           : s->options.all ? "the header is destroyed"
                            : "every key slot is destroyed");
    return RC_OK;
}

/* A file in a folder: the names on the way are found with the folder's key. */
static enum status shred_in_folder(const struct shredding *s, const char *folder,
                                   const char *path, struct fault *why)
{
    struct credential credential;
    struct folder_opening opening = {.path = folder,
                                     .header = s->options.header,
                                     .credential = &credential,
                                     .key_slot = s->key_slot};
    enum rc rc = credential_options_read(&s->options.credential, &credential, why);
    struct record record;
    bool alive;

    if (rc == RC_OK && record_find(&record, folder, &alive, NULL) == RC_OK && alive)
        rc = fail(why, RC_BUSY, "%s: is open; close it first", folder);
    if (rc == RC_OK)
        rc = shred_file(&opening, path, s->options.yes, why);
    return opening.foreign ? STATUS_FOREIGN : command_status_of(rc);
}

static enum status shred_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct shredding s = {0};
    const char *path;
    char *folder;
    enum status status;
    enum rc rc;

    if (!command_parse(&command_shred, &s.options, &s.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (credential_options_key_slot(s.options.key_slot, &s.key_slot, why) != RC_OK)
        return STATUS_USAGE;
    if (s.options.all && s.options.key_slot)
        return command_status_of(
            fail(why, RC_USAGE, "shred: --all and --key-slot exclude each other"));
    if ((path = shred_file_split(words[0], &folder))) {
        status = shred_in_folder(&s, folder, path, why);
        free(folder);
        return status;
    }
    rc = luks_target_begin(&target, words[0], s.options.header, LUKS_TARGET_KEYS, why);
    if (rc == RC_OK)
        rc = shred(&s, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_shred = {
    .name = "shred",
    .operands = "TARGET",
    .doc = "Destroys key slots, a whole header, or one file of a folder, for good.",
    .rows = rows,
    .run = shred_run,
};
