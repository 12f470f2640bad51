#include "keep/tree/folder/directory_header.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "keep/tree/folder/names.h"

enum { ID = 16, SEALED = 32, BODY = 48 };

static const uint8_t start[ID] = {'k', 'e', 'e', 'p', 'd', 'i', 'r', 0, FOLDER_VERSION};

bool directory_header_seal(const struct directory_header *header,
                           const struct folder_keys *keys, uint8_t out[DIRECTORY_HEADER_SIZE])
{
    const struct span bound = span_of(out, SEALED);
    uint8_t body[BODY] = {0};

    memcpy(out, start, sizeof start);
    memcpy(out + ID, header->id, FOLDER_ID);
    le32_put(body, header->bindings.count);
    le32_put(body + 4, header->is_root);
    memcpy(body + 16, header->bindings.tags, sizeof header->bindings.tags);
    return siv_seal(keys->directories, &bound, 1, body, BODY, out + SEALED);
}

bool directory_header_unseal(struct directory_header *header, const struct folder_keys *keys,
                             const uint8_t in[DIRECTORY_HEADER_SIZE])
{
    const struct span bound = span_of(in, SEALED);
    uint8_t body[BODY];

    if (memcmp(in, start, sizeof start) != 0 ||
        !siv_unseal(keys->directories, &bound, 1, in + SEALED, BODY + SIV_TAG, body))
        return false;
    memcpy(header->id, in + ID, FOLDER_ID);
    header->bindings.count = le32_get(body);
    header->is_root = le32_get(body + 4) == 1;
    memcpy(header->bindings.tags, body + 16, sizeof header->bindings.tags);
    return header->bindings.count <= 2 && header->is_root == (header->bindings.count == 0);
}

/* The owner may give himself the right to enter, and takes it back at once. */
static int open_locked(int at, const char *name, const char *path, int flags)
{
    struct stat about;
    int fd;

    if (fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISDIR(about.st_mode) || about.st_uid != geteuid() ||
        fchmodat(at, name, (about.st_mode & ALLPERMS) | S_IRWXU, 0) < 0)
        return -EACCES;
    fd = openat(at, path, flags, 0600);
    if (fd < 0)
        fd = -errno;
    if (fchmodat(at, name, about.st_mode & ALLPERMS, 0) < 0 && fd >= 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

static int open_header(int at, const char *name, int flags)
{
    char path[NAME_MAX + sizeof NAME_DIRECTORY + 1];
    int fd;

    snprintf(path, sizeof path, "%s/" NAME_DIRECTORY, name);
    flags |= O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    fd = openat(at, path, flags, 0600);
    if (fd >= 0)
        return fd;
    return errno == EACCES ? open_locked(at, name, path, flags) : -errno;
}

int directory_header_read(struct directory_header *header, const struct folder_keys *keys,
                          int at, const char *name)
{
    uint8_t bytes[DIRECTORY_HEADER_SIZE + 1];
    int fd = open_header(at, name, O_RDONLY);
    ssize_t got;

    if (fd < 0)
        return fd == -ENOENT || fd == -ELOOP ? -EIO : fd;
    got = read(fd, bytes, sizeof bytes);
    close(fd);
    return got == DIRECTORY_HEADER_SIZE && directory_header_unseal(header, keys, bytes) ? 0
                                                                                        : -EIO;
}

int directory_header_write(const struct directory_header *header,
                           const struct folder_keys *keys, int at, const char *name,
                           bool fresh, bool sync)
{
    uint8_t bytes[DIRECTORY_HEADER_SIZE];
    int fd, error = 0;

    if (!directory_header_seal(header, keys, bytes))
        return -EIO;
    fd = open_header(at, name, O_WRONLY | (fresh ? O_CREAT | O_EXCL : 0));
    if (fd < 0)
        return fd;
    if (pwrite(fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        error = errno ? -errno : -ENOSPC;
    if (error == 0 && sync && fdatasync(fd) < 0)
        error = -errno;
    close(fd);
    return error;
}
