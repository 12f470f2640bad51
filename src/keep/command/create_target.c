#include "keep/command/create_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "io/device_signature.h"
#include "vault/header/luks2.h"

enum { GRAIN = 4096, HOLE_UNIT = 512 /* st_blocks */ };

/* "ext4", "LUKS2", "64.0 MiB of data that nobody knows"; "" for nothing at all. */
static enum rc describe(struct device *device, bool is_file, char text[64], struct fault *why)
{
    struct luks2 *header = NULL;
    char size[16];
    enum rc rc = luks2_read(&header, device, NULL);

    text[0] = '\0';
    luks2_close(header);
    if (rc != RC_NOT_FOUND) {
        snprintf(text, 64, "a LUKS volume");
        return RC_OK;
    }
    if ((rc = device_signature(device, text, why)) || text[0] || !is_file || device->size == 0)
        return rc;
    snprintf(text, 64, "%s of data", units_size(size, device->size));
    return RC_OK;
}

/* RC_OK for a yes; without a terminal nobody can be asked. */
static enum rc ask(const char *path, const char *what, struct fault *why)
{
    char answer[8];

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return fail(why, RC_USAGE, "%s: holds %s; --yes overwrites it", path, what);
    fprintf(stderr, "%s holds %s, which will be lost. Overwrite it? [y/N] ", path, what);
    if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
        return fail(why, RC_USAGE, "%s: was left as it is", path);
    return RC_OK;
}

/* Takes hold of what stands there, and asks whether it may go. */
static enum rc take_old(struct create_target *target, bool is_file, bool yes,
                        struct fault *why)
{
    char what[64];
    enum rc rc = device_open_file(&target->old, target->path, false, DEVICE_EXCLUSIVE, why);

    if (rc != RC_OK)
        return rc;
    if ((rc = describe(target->old, is_file, what, why)) || what[0] == '\0' || yes)
        return rc;
    return ask(target->path, what, why);
}

/* A file with holes, of which one as long is made: it has them by intent. */
static bool has_holes(const struct create_target *target, uint64_t size)
{
    struct stat about;

    return target->replaces && stat(target->real, &about) == 0 && about.st_size > 0 &&
           (uint64_t)about.st_size / GRAIN == size / GRAIN &&
           about.st_blocks < about.st_size / HOLE_UNIT;
}

/* All of the space is taken now where the file system can do so, and not when the volume
 * fills. */
static enum rc take_space(const struct create_target *target, uint64_t size, struct fault *why)
{
    if (!has_holes(target, size)) {
        if (fallocate(target->fd, 0, 0, (off_t)size) == 0)
            return RC_OK;
        if (errno != EOPNOTSUPP && errno != ENOSYS)
            return fail_errno(why, RC_IO, "%s: no room for the volume", target->path);
    }
    return ftruncate(target->fd, (off_t)size) == 0
               ? RC_OK
               : fail_errno(why, RC_IO, "%s: no room for the volume", target->path);
}

/* With a name of its own, where a file without one cannot be, or could not take a name that is
 * taken. */
static bool make_beside(struct create_target *target, const char *directory, const char *name)
{
    if (snprintf(target->beside, sizeof target->beside, "%s/.%s.keep-XXXXXX", directory,
                 name) >= (int)sizeof target->beside)
        errno = ENAMETOOLONG;
    else if ((target->fd = mkostemp(target->beside, O_CLOEXEC)) >= 0)
        return true;
    target->beside[0] = '\0';
    return false;
}

static enum rc make_file(struct create_target *target, uint64_t size, struct fault *why)
{
    const char *slash = strrchr(target->real, '/'), *name = slash ? slash + 1 : target->real;
    char directory[PATH_MAX];

    if (name[0] == '\0')
        return fail(why, RC_USAGE, "%s: is no name of a file", target->path);
    if (snprintf(directory, sizeof directory, "%.*s.", (int)(name - target->real),
                 target->real) >= (int)sizeof directory)
        return fail(why, RC_USAGE, "%s: its path is too long", target->path);
    target->fd = target->replaces ? -1 : open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (target->fd < 0 && !make_beside(target, directory, name))
        return fail_errno(why, RC_IO, "%s: cannot be made", target->path);
    target->makes = true;
    snprintf(target->place, sizeof target->place, "/proc/self/fd/%d", target->fd);
    return take_space(target, size, why);
}

enum rc create_target_begin(struct create_target *target, const char *path, uint64_t size,
                            bool yes, struct fault *why)
{
    struct stat about;
    enum rc rc;

    *target = (struct create_target){.path = path};
    if (snprintf(target->real, sizeof target->real, "%s", path) >= (int)sizeof target->real)
        return fail(why, RC_USAGE, "%s: its path is too long", path);
    if (stat(path, &about) < 0) {
        if (errno != ENOENT)
            return fail_errno(why, RC_IO, "%s", path);
        return make_file(target, size, why);
    }
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode))
        return fail(why, RC_USAGE, "%s: is neither a file nor a block device", path);
    target->replaces = S_ISREG(about.st_mode);
    if (target->replaces && !realpath(path, target->real))
        return fail_errno(why, RC_IO, "%s", path);
    if ((rc = take_old(target, target->replaces, yes, why)))
        return rc;
    return target->replaces ? make_file(target, size, why) : RC_OK;
}

const char *create_target_path(const struct create_target *target)
{
    return target->makes ? target->place : target->path;
}

/* The name itself is to survive a power cut too. */
static enum rc sync_directory(const char *path, struct fault *why)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];
    int fd;
    enum rc rc = RC_OK;

    snprintf(directory, sizeof directory, "%.*s.", slash ? (int)(slash + 1 - path) : 0, path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        rc = fail_errno(why, RC_IO, "%s", directory);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Never over another file. Not every file system knows the flag for that, but then a link does as much; where
 * there are no links either, another may make the file in the moment between. */
static int take_name(const struct create_target *target)
{
    if (!target->beside[0])
        return linkat(AT_FDCWD, target->place, AT_FDCWD, target->real, AT_SYMLINK_FOLLOW);
    if (target->replaces)
        return rename(target->beside, target->real);
    if (renameat2(AT_FDCWD, target->beside, AT_FDCWD, target->real, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    if (link(target->beside, target->real) == 0)
        return unlink(target->beside);
    if ((errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP) ||
        (access(target->real, F_OK) == 0 && (errno = EEXIST)))
        return -1;
    return rename(target->beside, target->real);
}

enum rc create_target_end(struct create_target *target, struct fault *why)
{
    if (!target->makes)
        return RC_OK;
    if (take_name(target) < 0)
        return fail_errno(why, errno == EEXIST ? RC_BUSY : RC_IO,
                          "%s: the new volume cannot get its name", target->path);
    target->beside[0] = '\0';
    return sync_directory(target->real, why);
}

void create_target_clear(struct create_target *target)
{
    if (target->beside[0])
        unlink(target->beside);
    if (target->makes)
        close(target->fd);
    device_close(target->old);
    *target = (struct create_target){0};
}
