/* The file below, as the engine of contents uses it. A table, so that tests can be a disk that fails. */
#ifndef KEEP_TREE_FOLDER_DISK_H
#define KEEP_TREE_FOLDER_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct disk_part {
    uint64_t offset, len;
};

/* All of them 0 or a negative errno; `read` and `write` the number of bytes, fewer at the end of the
 * file or of the disk alone. */
struct disk {
    ssize_t (*read)(int fd, const struct iovec *parts, int count, uint64_t offset);
    ssize_t (*write)(int fd, const struct iovec *parts, int count, uint64_t offset);
    int (*sync)(int fd); /* what was written, and its length */
    /* These bytes at least, and what it takes to find them; 1: all that was written. */
    int (*sync_parts)(int fd, const struct disk_part *parts, size_t count);
    int (*truncate)(int fd, uint64_t size);
    int (*allocate)(int fd, int mode, uint64_t offset, uint64_t len);
    int64_t (*size)(int fd);
    int (*sync_all)(int fd); /* times, modes and owners too */
};

extern const struct disk disk_files;

/* One page and its whole length, or a negative errno (-EIO: it is not there whole). */
int disk_read_page(const struct disk *disk, int fd, void *page, uint64_t offset);
/* All of it, or a negative errno. */
int disk_write_all(const struct disk *disk, int fd, const void *at, size_t len,
                   uint64_t offset);

#endif
