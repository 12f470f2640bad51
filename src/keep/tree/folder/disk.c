#include "keep/tree/folder/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "keep/tree/folder/keys.h"

static ssize_t file_read(int fd, const struct iovec *parts, int count, uint64_t offset)
{
    ssize_t got;

    do
        got = count == 1 ? pread(fd, parts->iov_base, parts->iov_len, (off_t)offset)
                         : preadv(fd, parts, count, (off_t)offset);
    while (got < 0 && errno == EINTR);
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

static int file_sync_all(int fd)
{
    return fsync(fd) < 0 ? -errno : 0;
}

/*
 * ext4 and XFS, whose fsync of a part of a file flushes the disk, and writes what else is needed to find
 * all that was brought to the disk before. Elsewhere sync_file_range may do nothing.
 */
static bool knows_parts(int fd)
{
    struct statfs about;

    return fstatfs(fd, &about) == 0 &&
           (about.f_type == EXT4_SUPER_MAGIC || about.f_type == XFS_SUPER_MAGIC);
}

static int sync_whole(int fd)
{
    int error = file_sync(fd);

    return error == 0 ? 1 : error;
}

/* fdatasync of one part, that is what msync does. */
static int sync_part(int fd, const struct disk_part *part)
{
    void *at = mmap(NULL, part->len, PROT_READ, MAP_SHARED, fd, (off_t)part->offset);
    int error;

    if (at == MAP_FAILED)
        return sync_whole(fd);
    error = msync(at, part->len, MS_SYNC) < 0 ? -errno : 0;
    munmap(at, part->len);
    return error;
}

static int file_sync_parts(int fd, const struct disk_part *parts, size_t count)
{
    enum {
        ALL = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
    };

    if (count == 0 || !knows_parts(fd))
        return count == 0 ? 0 : sync_whole(fd);
    for (size_t i = 0; i < count; i++) /* all of them are on their way at once */
        if (sync_file_range(fd, (off_t)parts[i].offset, (off_t)parts[i].len,
                            SYNC_FILE_RANGE_WRITE) < 0)
            return -errno;
    for (size_t i = 0; i + 1 < count; i++)
        if (sync_file_range(fd, (off_t)parts[i].offset, (off_t)parts[i].len, ALL) < 0)
            return -errno;
    return sync_part(fd, &parts[count - 1]);
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
    .sync_parts = file_sync_parts,
    .truncate = file_truncate,
    .allocate = file_allocate,
    .size = file_size,
    .sync_all = file_sync_all,
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
