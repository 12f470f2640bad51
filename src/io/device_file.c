#include "io/device.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "io/device_loop.h"

struct device_file {
    struct device device;
    int fd;
    int direct; /* the same with O_DIRECT; -1: none */
    atomic_bool direct_refused;
    bool is_block;
};

static struct device_file *file_of(struct device *d)
{
    return (struct device_file *)(void *)d;
}

static enum rc file_read(struct device *d, uint64_t offset, void *at, size_t len,
                         struct fault *why)
{
    uint8_t *to = at;

    while (len > 0) {
        ssize_t got = pread(file_of(d)->fd, to, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(why, RC_IO, "offset %" PRIu64 ": cannot read", offset);
        if (got == 0)
            return fail(why, RC_IO, "offset %" PRIu64 ": the file was made shorter", offset);
        to += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return RC_OK;
}

/* Where O_DIRECT is refused, what is left is written without, and so is all that follows. */
static enum rc write_by(struct device_file *file, bool direct, uint64_t offset, const void *at,
                        size_t len, struct fault *why)
{
    const uint8_t *from = at;

    while (len > 0) {
        ssize_t put = pwrite(direct ? file->direct : file->fd, from, len, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EINVAL && direct) {
            atomic_store(&file->direct_refused, true);
            direct = false;
            continue;
        }
        if (put <= 0)
            return fail_errno(why, RC_IO, "offset %" PRIu64 ": cannot write", offset);
        from += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return RC_OK;
}

static enum rc file_write(struct device *d, uint64_t offset, const void *at, size_t len,
                          struct fault *why)
{
    return write_by(file_of(d), false, offset, at, len, why);
}

static enum rc file_write_direct(struct device *d, uint64_t offset, const void *at, size_t len,
                                 struct fault *why)
{
    return write_by(file_of(d), device_is_direct(d), offset, at, len, why);
}

static enum rc file_flush(struct device *d, struct fault *why)
{
    if (fdatasync(file_of(d)->fd) != 0)
        return fail_errno(why, RC_IO, "cannot flush to the medium");
    return RC_OK;
}

static enum rc file_discard(struct device *d, uint64_t offset, uint64_t len, struct fault *why)
{
    struct device_file *file = file_of(d);
    uint64_t range[2] = {offset, len};
    int result = file->is_block
                     ? ioctl(file->fd, BLKDISCARD, range)
                     : fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 (off_t)offset, (off_t)len);

    if (result == 0)
        return RC_OK;
    return fail_errno(why, errno == EOPNOTSUPP || errno == ENOTTY ? RC_UNSUPPORTED : RC_IO,
                      "offset %" PRIu64 ": cannot discard", offset);
}

static enum rc measure(const struct device_file *file, uint64_t *size, struct fault *why)
{
    struct stat about;
    bool known = file->is_block ? ioctl(file->fd, BLKGETSIZE64, size) == 0
                                : fstat(file->fd, &about) == 0;

    if (!known)
        return fail_errno(why, RC_IO, "cannot tell its size");
    if (!file->is_block)
        *size = (uint64_t)about.st_size;
    return RC_OK;
}

static enum rc file_follow(struct device *d, uint64_t bottom, struct fault *why)
{
    uint64_t size;
    enum rc rc = measure(file_of(d), &size, why);

    if (rc != RC_OK)
        return rc;
    if (bottom > size)
        return fail(why, RC_TRUNCATED, "it has %" PRIu64 " bytes and no more", size);
    __atomic_store_n(&d->size, bottom, __ATOMIC_RELEASE);
    return RC_OK;
}

static void file_close(struct device *d)
{
    if (file_of(d)->fd >= 0)
        close(file_of(d)->fd);
    if (file_of(d)->direct >= 0)
        close(file_of(d)->direct);
    free(d);
}

static const struct device_kind file_kind = {
    .name = "file",
    .read_at = file_read,
    .write_at = file_write,
    .write_direct = file_write_direct,
    .flush = file_flush,
    .discard = file_discard,
    .follow = file_follow,
    .close = file_close,
};

/* A block device that is mounted or mapped refuses O_EXCL; files know only flock(2). */
static enum rc open_path(struct device_file *file, const char *path, enum device_lock lock,
                         struct fault *why)
{
    int flags =
        (file->device.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;
    enum rc rc;

    if (stat(path, &st) == 0)
        file->is_block = S_ISBLK(st.st_mode);
    if (file->is_block && lock == DEVICE_EXCLUSIVE)
        flags |= O_EXCL;
    if ((file->fd = open(path, flags)) < 0)
        return fail_errno(why,
                          errno == EBUSY    ? RC_BUSY
                          : errno == ENOENT ? RC_NOT_FOUND
                                            : RC_IO,
                          "%s: cannot open", path);
    if (fstat(file->fd, &st) != 0)
        return fail_errno(why, RC_IO, "%s: cannot look at it", path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return fail(why, RC_FORMAT, "%s: is neither a file nor a block device", path);
    file->is_block = S_ISBLK(st.st_mode);
    rc = measure(file, &file->device.size, why);
    return rc == RC_OK ? rc : fault_at(why, "%s", path);
}

static enum rc take_lock(struct device_file *file, const char *path, enum device_lock lock,
                         struct fault *why)
{
    if (lock == DEVICE_UNLOCKED ||
        flock(file->fd, (lock == DEVICE_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return RC_OK;
    if (errno == EWOULDBLOCK)
        return fail(why, RC_BUSY, "%s: is in use by another program", path);
    return fail_errno(why, RC_IO, "%s: cannot lock it", path);
}

/* A file and a loop device over it are two names of the same bytes. */
static enum rc check_loop(const struct device_file *file, const char *path, struct fault *why)
{
    char name[DEVICE_LOOP_NAME];
    struct stat st;

    if (fstat(file->fd, &st) != 0)
        return fail_errno(why, RC_IO, "%s: cannot look at it", path);
    if (S_ISREG(st.st_mode) && device_loop_find(&st, name))
        return fail(why, RC_BUSY,
                    "%s: is in use as %s; close what uses that ('losetup' lists it), or name "
                    "it instead",
                    path, name);
    if (S_ISBLK(st.st_mode) && device_loop_is_locked(st.st_rdev))
        return fail(why, RC_BUSY, "%s: the file behind it is in use by another program", path);
    return RC_OK;
}

enum rc device_open_file(struct device **out, const char *path, bool read_only,
                         enum device_lock lock, struct fault *why)
{
    struct device_file *file = calloc(1, sizeof *file);
    enum rc rc;

    if (!file)
        return fail(why, RC_MEMORY, "%s: no memory to open it", path);
    *file = (struct device_file){
        .device = {.kind = &file_kind, .read_only = read_only}, .fd = -1, .direct = -1};
    if ((rc = open_path(file, path, lock, why)) || (rc = take_lock(file, path, lock, why)) ||
        (lock == DEVICE_EXCLUSIVE && (rc = check_loop(file, path, why)))) {
        file_close(&file->device);
        return rc;
    }
    *out = &file->device;
    return RC_OK;
}

static int set_range(struct device *d, uint64_t offset, uint64_t len, short type)
{
    struct flock range = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)len};

    return device_fd(d) < 0 ? 0 : fcntl(device_fd(d), F_OFD_SETLK, &range);
}

enum rc device_lock_range(struct device *d, uint64_t offset, uint64_t len, bool exclusive,
                          struct fault *why)
{
    if (set_range(d, offset, len, exclusive ? F_WRLCK : F_RDLCK) == 0)
        return RC_OK;
    if (errno == EAGAIN || errno == EACCES)
        return fail(why, RC_BUSY, "is in use by another program");
    return fail_errno(why, RC_IO, "cannot lock it");
}

void device_unlock_range(struct device *d, uint64_t offset, uint64_t len)
{
    (void)set_range(d, offset, len, F_UNLCK);
}

void device_forget(struct device *d, uint64_t offset, uint64_t len)
{
    if (device_fd(d) >= 0)
        (void)posix_fadvise(device_fd(d), (off_t)offset, (off_t)len, POSIX_FADV_DONTNEED);
}

void device_hasten(struct device *d, uint64_t offset, uint64_t len)
{
    if (device_fd(d) >= 0)
        (void)sync_file_range(device_fd(d), (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

/*
 * ext4 and XFS write through the system's memory with the file's lock to themselves, and past it with a
 * share of the lock: no page can hold new bytes beside what a direct write has overtaken. Block devices
 * have no such lock.
 */
static bool keeps_in_step(int fd)
{
    struct statfs about;
    struct statx file;

    return fstatfs(fd, &about) == 0 &&
           (about.f_type == EXT4_SUPER_MAGIC || about.f_type == XFS_SUPER_MAGIC) &&
           statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_DIOALIGN, &file) == 0 &&
           S_ISREG(file.stx_mode) && file.stx_dio_mem_align > 0 &&
           file.stx_dio_mem_align <= DEVICE_DIRECT_UNIT &&
           file.stx_dio_offset_align <= DEVICE_DIRECT_UNIT;
}

void device_ready_direct(struct device *d)
{
    struct device_file *file = file_of(d);
    char path[32];

    if (device_fd(d) < 0 || d->read_only || file->direct >= 0 || !keeps_in_step(file->fd))
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
    file->direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
}

bool device_is_direct(const struct device *d)
{
    const struct device_file *file = (const struct device_file *)(const void *)d;

    return device_fd(d) >= 0 && file->direct >= 0 && !atomic_load(&file->direct_refused);
}

int device_fd(const struct device *d)
{
    return d->kind == &file_kind ? ((const struct device_file *)(const void *)d)->fd : -1;
}
