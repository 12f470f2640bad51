#include "keep/command/folder_open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "keep/command/tree_path.h"
#include "keep/mount/daemon.h"
#include "keep/tree/folder/folder.h"
#include "keep/tree/folder/folder_token.h"

bool folder_is_directory(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

enum rc folder_check_whole(const struct luks_target *target, struct fault *why)
{
    const char *path = target->path;
    char mark[PATH_MAX];

    if (snprintf(mark, sizeof mark, "%s/keep.encrypting", path) < (int)sizeof mark &&
        access(mark, F_OK) == 0)
        return fail(why, RC_BUSY, "%s: is encrypted in part; 'keep encrypt' goes on", path);
    if (folder_token_previous(target->header))
        return fail(why, RC_BUSY,
                    "%s: is under its new volume key in part; 'keep reencrypt' goes on", path);
    return RC_OK;
}

enum rc folder_unlock(struct folder_opening *opening, struct tree **out, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    SCOPED(unlock) unlocked = {0};
    struct folder_options options = {.read_only = opening->read_only, .fast = opening->fast};
    enum rc rc =
        luks_target_begin(&target, opening->path, opening->header, LUKS_TARGET_LOOK, why);

    opening->foreign = target.foreign;
    if (rc == RC_OK)
        rc = folder_check_whole(&target, why);
    if (rc != RC_OK)
        return rc;
    rc = folder_token_find(target.header, &options.format, why);
    opening->foreign = rc == RC_NOT_FOUND;
    if (rc != RC_OK)
        return fault_at(why, "%s", target.place);
    if ((rc = luks_target_unlock(&target, opening->credential, opening->key_slot, &unlocked,
                                 why)) != RC_OK)
        return rc;
    if ((rc = folder_open(out, opening->path, &options, &unlocked.volume_key, why)) == RC_OK)
        opening->cipher = aead_find(options.format.cipher)->name;
    return rc;
}

enum rc folder_find(struct tree *tree, const char *folder, const char *path,
                    struct tree_entry *out, struct fault *why)
{
    int error = tree_path_find(tree, path, out);

    errno = -error;
    return error == 0
               ? RC_OK
               : fail_errno(why, error == -EIO ? RC_FORMAT : RC_IO, "%s/%s", folder, path);
}

enum status folder_read(const struct folder_reading *reading, struct fault *why)
{
    struct credential credential;
    struct folder_opening opening = {.path = reading->folder,
                                     .header = reading->options->header,
                                     .credential = &credential,
                                     .read_only = true};
    struct tree_entry found;
    struct tree *tree;
    enum rc rc;

    if (credential_options_read(&reading->options->credential, &credential, why) != RC_OK ||
        credential_options_key_slot(reading->options->key_slot, &opening.key_slot, why) !=
            RC_OK)
        return STATUS_USAGE;
    daemon_hide();
    if ((rc = folder_unlock(&opening, &tree, why)) == RC_OK) {
        rc = folder_find(tree, reading->folder, reading->path, &found, why);
        if (rc == RC_OK)
            rc = reading->read(tree, &found, reading, why);
        tree->kind->close(tree);
    }
    return opening.foreign ? STATUS_FOREIGN : command_status_of(rc);
}
