#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/create_target.h"
#include "keep/command/credential_options.h"
#include "keep/command/header_copy.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "keep/mount/daemon.h"

struct header_backup_options {
    struct credential_options credential;
    const char *header;
    bool help;
};

static const struct option_row rows[] = {
    CREDENTIAL_ROWS(struct header_backup_options),
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct header_backup_options, header)},
    COMMAND_HELP_ROW(struct header_backup_options),
    {0},
};

/* One run of 'keep header backup'. */
struct backup {
    struct header_backup_options options;
    struct credential credential;
    const char *file;
    unsigned keyslot; /* which opened the backup */
    bool opened;
};

/* The backup is a header by itself: read as one, mended where the original is not, and opened.
 */
static enum rc prove(struct backup *b, struct luks_target *copy, const char *uuid,
                     struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    enum rc rc = luks_target_read_header(&copy->header, copy->device, why);

    if (rc != RC_OK)
        return rc;
    if (strcmp(copy->header->uuid, uuid) != 0)
        return fail(why, RC_IO, "the backup is not of this volume");
    if ((copy->header->repair_due && (rc = luks2_repair(copy->header, copy->device, why))) ||
        (!b->credential.passphrase_file && !b->credential.key_file))
        return rc;
    if ((rc = luks_target_unlock(copy, &b->credential, UNLOCK_ANY, &unlocked, why)))
        return rc;
    b->keyslot = unlocked.keyslot;
    b->opened = true;
    return RC_OK;
}

static enum rc write_backup(struct backup *b, const struct luks_target *target,
                            const char *path, struct fault *why)
{
    SCOPED(luks_target) copy = {.path = b->file, .place = b->file};
    enum rc rc = device_open_file(&copy.device, path, false, DEVICE_EXCLUSIVE, why);

    if (rc == RC_OK)
        rc = luks_target_hold(target->device, false, why);
    if (rc == RC_OK)
        rc = header_copy(target->device, copy.device, 0, luks_target_header_size(target), why);
    return rc == RC_OK ? prove(b, &copy, target->header->uuid, why) : rc;
}

static enum rc back_up(struct backup *b, const struct luks_target *target, struct fault *why)
{
    SCOPED(create_target) file = {0};
    char size[16];
    enum rc rc;

    if (access(b->file, F_OK) == 0)
        return fail(why, RC_USAGE, "%s: is there already, and a backup overwrites nothing",
                    b->file);
    if ((rc = create_target_begin(&file, b->file, luks_target_header_size(target), false,
                                  why)) ||
        (rc = write_backup(b, target, create_target_path(&file), why)) ||
        (rc = create_target_end(&file, why)))
        return rc;
    printf("%s: the header of %s, %s\n", b->file, target->place,
           units_size(size, luks_target_header_size(target)));
    if (b->opened)
        printf("%s: opens with key slot %u\n", b->file, b->keyslot);
    return RC_OK;
}

static enum status header_backup_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct backup b = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_header_backup, &b.options, &b.options.help, words, &count, 2,
                       2, &status, why))
        return status;
    if (credential_options_read(&b.options.credential, &b.credential, why) != RC_OK)
        return STATUS_USAGE;
    b.file = words[1];
    daemon_hide();
    rc = luks_target_begin(&target, words[0], b.options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = back_up(&b, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_header_backup = {
    .name = "header backup",
    .operands = "TARGET FILE",
    .doc = "Copies the header with its key slots to a new file.",
    .rows = rows,
    .run = header_backup_run,
};
