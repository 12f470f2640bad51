#include "keep/tree/folder/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/keys.h"

static ssize_t file_read(int fd, const struct iovec *parts, int count, uint64_t offset)
{
    ssize_t got;

    while ((got = preadv(fd, parts, count, (off_t)offset)) < 0 && errno == EINTR)
        ;
    return got < 0 ? -errno : got;
}

static ssize_t file_write(int fd, const struct iovec *parts, int count, uint64_t offset)
{
    ssize_t put;

    while ((put = pwritev(fd, parts, count, (off_t)offset)) < 0 && errno == EINTR)
        ;
    return put < 0 ? -errno : put;
}

static int file_sync(int fd)
{
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int file_truncate(int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int file_allocate(int fd, int mode, uint64_t offset, uint64_t len)
{
    return fallocate(fd, mode, (off_t)offset, (off_t)len) < 0 ? -errno : 0;
}

static int64_t file_size(int fd)
{
    struct stat about;

    return fstat(fd, &about) < 0 ? -errno : about.st_size;
}

const struct disk disk_files = {
    .read = file_read,
    .write = file_write,
    .sync = file_sync,
    .truncate = file_truncate,
    .allocate = file_allocate,
    .size = file_size,
};

int disk_read_page(const struct disk *disk, int fd, void *page, uint64_t offset)
{
    struct iovec part = {page, FOLDER_PAGE};
    ssize_t got = disk->read(fd, &part, 1, offset);

    return got == FOLDER_PAGE ? 0 : got < 0 ? (int)got : -EIO;
}

int disk_write_all(const struct disk *disk, int fd, const void *at, size_t len,
                   uint64_t offset)
{
    const uint8_t *from = at;

    while (len > 0) {
        struct iovec part = {(void *)(uintptr_t)from, len};
        ssize_t put = disk->write(fd, &part, 1, offset);

        if (put <= 0)
            return put < 0 ? (int)put : -ENOSPC;
        from += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}
