#include "keep/command/open_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "keep/mount/file_system.h"

/* "site.img" is shown as "site", in the directory of our own. */
static enum rc default_mountpoint(const struct record *record, char path[PATH_MAX],
                                  struct fault *why)
{
    const char *name = strrchr(record->target, '/') + 1;
    size_t stem = strcspn(name, ".");
    enum rc rc = record_directory(path, why);
    size_t len;

    if (rc != RC_OK)
        return rc;
    if (stem == 0)
        stem = strlen(name);
    len = strlen(path);
    if (snprintf(path + len, PATH_MAX - len, "/%.*s", (int)stem, name) >=
        (int)(PATH_MAX - len))
        return fail(why, RC_LIMIT, "%s: its path is too long", record->target);
    return RC_OK;
}

static enum rc make_mountpoint(struct record *record, const char *wanted, struct fault *why)
{
    char path[PATH_MAX];
    struct stat about;
    enum rc rc;

    if (!wanted) {
        if ((rc = default_mountpoint(record, path, why)))
            return rc;
    } else if (snprintf(path, sizeof path, "%s", wanted) >= (int)sizeof path) {
        return fail(why, RC_USAGE, "the path of the mount point is too long");
    }
    record->made_mountpoint = mkdir(path, 0700) == 0;
    if (!record->made_mountpoint && errno != EEXIST)
        return fail_errno(why, RC_IO, "%s: cannot be made", path);
    if (!realpath(path, record->mountpoint))
        return fail_errno(why, RC_IO, "%s", path);
    if (stat(path, &about) < 0 || !S_ISDIR(about.st_mode))
        return fail(why, RC_USAGE, "%s: is no directory", path);
    if (strchr(record->mountpoint, '\n'))
        return fail(why, RC_USAGE, "a mount point with a newline in its name cannot be used");
    if (file_system_is_mounted(record->mountpoint))
        return fail(why, RC_BUSY, "%s: something else is mounted here", path);
    return RC_OK;
}

/* FUSE is mounted on the mount point itself, or out of the way when that is for what is
 * inside. */
static enum rc prepare_face(struct record *record, struct fault *why)
{
    size_t len;
    enum rc rc;

    if (record->raw) {
        memcpy(record->face, record->mountpoint, sizeof record->face);
        return RC_OK;
    }
    if ((rc = record_directory(record->face, why)))
        return rc;
    len = strlen(record->face);
    snprintf(record->face + len, sizeof record->face - len, "/%s", record->name);
    if (mkdir(record->face, 0700) < 0 && errno != EEXIST)
        return fail_errno(why, RC_IO, "%s: cannot be made", record->face);
    return RC_OK;
}

enum rc open_place_mountpoint(struct record *record, const char *wanted, struct fault *why)
{
    enum rc rc = make_mountpoint(record, wanted, why);

    return rc == RC_OK ? prepare_face(record, why) : rc;
}

enum rc open_place_socket(struct record *record, const char *path, struct fault *why)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char directory[PATH_MAX];
    size_t len;

    if (snprintf(directory, sizeof directory, "%.*s.", (int)(name - path), path) >=
            (int)sizeof directory ||
        !realpath(directory, record->mountpoint))
        return fail_errno(why, RC_IO, "%s", path);
    len = strlen(record->mountpoint);
    if (name[0] == '\0' || strchr(path, '\n') ||
        snprintf(record->mountpoint + len, sizeof record->mountpoint - len, "%s%s",
                 len > 1 ? "/" : "", name) >= (int)(sizeof record->mountpoint - len))
        return fail(why, RC_USAGE, "%s: is no name for a socket", path);
    return RC_OK;
}
