#include "keep/command/folder_open.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "keep/command/folder_token.h"
#include "keep/tree/folder/folder.h"

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
