#include "gate/http/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 16 }; /* ten digits, three slashes */

static enum rc open_failed(const char *path, struct fault *why)
{
    return fail(why, RC_IO, "open() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
}

enum rc temp_file_make_directory(const char *path, const uid_t *owner, struct fault *why)
{
    struct stat about;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail(why, RC_IO, "mkdir() \"%s\" failed (%d: %s)", path, errno,
                    strerror(errno));
    if (stat(path, &about) < 0)
        return fail(why, RC_IO, "stat() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return fail(why, RC_IO, "\"%s\" is no directory", path);
    if (!owner || about.st_uid == *owner || (about.st_mode & S_IWOTH))
        return RC_OK;
    if (chown(path, *owner, (gid_t)-1) < 0)
        return fail(why, RC_IO, "chown() \"%s\" failed (%d: %s)", path, errno,
                    strerror(errno));
    return RC_OK;
}

/* Again, once its directory was made, and the folders that its path names from `below` on. */
static int open_in(const char *directory, char *path, size_t below, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0 || errno != ENOENT)
        return fd;
    (void)!mkdir(directory, 0700);
    for (char *slash = path + below; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)!mkdir(path, 0700);
        *slash = '/';
    }
    return open(path, flags | O_CLOEXEC, 0600);
}

/* Where the file system has no files without names. */
static int open_and_unlink(const char *directory)
{
    char path[4096];
    int fd;

    if (snprintf(path, sizeof path, "%s/gate-XXXXXX", directory) >= (int)sizeof path)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

enum rc temp_file_open(const char *directory, int *fd, struct fault *why)
{
    if (!directory)
        directory = TEMP_FILE_DIRECTORY;
    *fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0 && errno == ENOENT && mkdir(directory, 0700) == 0)
        *fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        *fd = open_and_unlink(directory);
    return *fd < 0 ? open_failed(directory, why) : RC_OK;
}

/* "7/01/" of 0000000017 and {1, 2}. */
static void name_folders(const uint8_t *levels, uint64_t number, char out[NAME_MAX_LEN])
{
    char digits[24];
    size_t end = (size_t)snprintf(digits, sizeof digits, "%010" PRIu64, number), len = 0;

    for (int i = 0; levels && i < 3 && levels[i] > 0; i++) {
        end -= levels[i];
        memcpy(out + len, digits + end, levels[i]);
        len += levels[i];
        out[len++] = '/';
    }
    out[len] = '\0';
}

enum rc temp_file_open_named(const char *directory, const uint8_t *levels, int *fd,
                             char **path, struct fault *why)
{
    static atomic_uint_least64_t last;

    if (!directory)
        directory = TEMP_FILE_DIRECTORY;
    do {
        uint64_t number = atomic_fetch_add(&last, 1) + 1;
        char folders[NAME_MAX_LEN];

        name_folders(levels, number, folders);
        if (asprintf(path, "%s/%s%010" PRIu64, directory, folders, number) < 0) {
            *path = NULL;
            return fail(why, RC_MEMORY, "no memory for the name of a file");
        }
        *fd = open_in(directory, *path, strlen(directory) + 1, O_RDWR | O_CREAT | O_EXCL);
        if (*fd >= 0)
            return RC_OK;
        if (errno != EEXIST)
            (void)open_failed(*path, why);
        free(*path);
        *path = NULL;
    } while (errno == EEXIST);
    return RC_IO;
}
