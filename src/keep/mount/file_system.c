#include "keep/mount/file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/units.h"
#include "io/device_signature.h"
#include "keep/mount/fusermount.h"
#include "keep/mount/loop_device.h"
#include "keep/mount/program.h"

enum {
    POLL_US = 5000,
    WAIT_POLLS = 60 * 1000000 / POLL_US,
    GRACE_MS = 2000,
    BLOCK_LEAST = 512
};

static enum rc mount_fault(const char *directory, const char *type, struct fault *why)
{
    if (errno == ENODEV)
        return fail(
            why, RC_UNSUPPORTED,
            "%s: the %s inside is none that this kernel knows (modprobe %s); use --raw "
            "for its bytes",
            directory, type, type);
    return fail_errno(why, RC_IO, "%s: the %s inside cannot be mounted", directory, type);
}

/* Errors of a file system whose own blocks are smaller than those of the device. */
static bool is_block_too_large(int error)
{
    return error == EINVAL || error == ENOSYS;
}

static enum rc mount_by_kernel(const char *image, const char *directory, const char *type,
                               bool read_only, uint32_t block_size, struct fault *why)
{
    unsigned long flags = MS_NOSUID | MS_NODEV | (read_only ? MS_RDONLY : 0);
    char loop[LOOP_DEVICE_PATH];
    int fd;
    enum rc rc = loop_device_attach(image, read_only, block_size, loop, &fd, why);

    if (rc != RC_OK)
        return rc;
    if (mount(loop, directory, type, flags, NULL) < 0 &&
        (!is_block_too_large(errno) || block_size <= BLOCK_LEAST ||
         !loop_device_set_block_size(fd, BLOCK_LEAST) ||
         mount(loop, directory, type, flags, NULL) < 0))
        rc = mount_fault(directory, type, why);
    close(fd);
    return rc;
}

/* Until the helper serves the directory, or has ended. */
static enum rc wait_for_helper(struct program *program, const char *directory, dev_t before,
                               struct fault *why)
{
    for (int i = 0; i < WAIT_POLLS; i++) {
        siginfo_t ended = {0};
        struct stat now;

        if (stat(directory, &now) == 0 && now.st_dev != before)
            return RC_OK;
        if (waitid(P_PID, (id_t)program->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid != 0)
            return program_finish(program, "fuse2fs", why) == RC_OK
                       ? fail(why, RC_IO, "fuse2fs ended at once")
                       : RC_IO;
        usleep(POLL_US);
    }
    kill(program->pid, SIGTERM);
    return program_finish(program, "fuse2fs", why) == RC_OK
               ? fail(why, RC_IO, "fuse2fs did not mount in time")
               : RC_IO;
}

static enum rc mount_by_helper(const char *image, const char *directory, const char *type,
                               bool read_only, pid_t *helper, struct fault *why)
{
    const char *argv[] = {"fuse2fs", image, directory, "-f", "-o", read_only ? "ro" : "rw",
                          NULL};
    struct program program;
    struct stat before;
    enum rc rc;

    if (strncmp(type, "ext", 3) != 0)
        return fail(why, RC_UNSUPPORTED,
                    "%s: it holds %s, which only root can mount; use --raw for its bytes",
                    directory, type);
    if (stat(directory, &before) < 0)
        return fail_errno(why, RC_IO, "%s", directory);
    rc = program_start(&program, argv, -1, why);
    if (rc == RC_NOT_FOUND)
        return fail(why, rc, "fuse2fs is not installed; install the package fuse2fs");
    if (rc == RC_OK)
        rc = wait_for_helper(&program, directory, before.st_dev, why);
    if (rc != RC_OK)
        return fault_at(why, "%s", directory);
    close(program.errors);
    *helper = program.pid;
    return RC_OK;
}

/* Superblock: offsets 4, 24, 96 and 336 of byte 1024; the kernel's documentation of ext4, "The Super
 * Block". */
static enum rc read_ext(struct device *device, uint64_t *end, uint32_t *block,
                        struct fault *why)
{
    enum { SUPERBLOCK = 1024, SIZE = 1024, HAS_64BIT = 0x80, BLOCK_MAX_LOG = 6 };
    uint8_t super[SIZE];
    uint64_t blocks;
    uint32_t log;
    enum rc rc = device_read(device, SUPERBLOCK, super, sizeof super, why);

    *end = 0;
    if (rc != RC_OK)
        return rc;
    blocks = le32_get(super + 4);
    if (le32_get(super + 96) & HAS_64BIT)
        blocks |= (uint64_t)le32_get(super + 336) << 32;
    log = le32_get(super + 24);
    if (log > BLOCK_MAX_LOG || __builtin_mul_overflow(blocks, (uint64_t)1024 << log, end))
        *end = 0; /* damaged: who mounts it says how */
    *block = log <= BLOCK_MAX_LOG ? 1024u << log : 0;
    return RC_OK;
}

enum rc file_system_ext_end(struct device *device, uint64_t *end, struct fault *why)
{
    uint32_t block;

    return read_ext(device, end, &block, why);
}

/* Does all of an ext2, ext3 or ext4 lie in the device? A volume that fills its file to the end cannot
 * tell that the file was cut off; the file system in it can. */
static enum rc check_is_whole(struct device *device, uint32_t *block, struct fault *why)
{
    uint64_t needed;
    char is[16], wants[16];
    enum rc rc = read_ext(device, &needed, block, why);

    if (rc != RC_OK || needed <= device->size)
        return rc;
    return fail(
        why, RC_TRUNCATED,
        "the volume was cut off: its file system has %s, of which %s are here; restore "
        "the rest, or use --raw for the bytes that are left",
        units_size(wants, needed), units_size(is, device->size));
}

/* What the volume holds, or "" for nothing that is known; the bytes of its blocks, or 0. */
static enum rc find_type(const char *image, char type[DEVICE_SIGNATURE_SIZE], uint32_t *block,
                         struct fault *why)
{
    struct device *device;
    enum rc rc = device_open_file(&device, image, true, DEVICE_UNLOCKED, why);

    if (rc != RC_OK)
        return rc;
    rc = device_signature(device, type, why);
    if (rc == RC_OK && strncmp(type, "ext", 3) == 0)
        rc = check_is_whole(device, block, why);
    device_close(device);
    return rc;
}

enum rc file_system_mount(const char *image, const char *directory, bool read_only,
                          uint32_t block_size, pid_t *helper, struct fault *why)
{
    char type[DEVICE_SIGNATURE_SIZE];
    uint32_t block = 0;
    enum rc rc = find_type(image, type, &block, why);

    *helper = 0;
    if (rc != RC_OK)
        return fault_at(why, "%s", directory);
    if (type[0] == '\0')
        return fail(why, RC_UNSUPPORTED,
                    "%s: no file system is known inside; use --raw for its bytes", directory);
    if (geteuid() != 0)
        return mount_by_helper(image, directory, type, read_only, helper, why);
    if (block > 0 && block < block_size) /* Linux mounts no blocks smaller than the device's */
        block_size = block;
    rc = mount_by_kernel(image, directory, type, read_only, block_size, why);
    return rc == RC_NOT_FOUND ? mount_by_helper(image, directory, type, read_only, helper, why)
                              : rc;
}

bool file_system_is_mounted(const char *directory)
{
    struct statx about;

    if (statx(AT_FDCWD, directory, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
              0, &about) < 0)
        return errno == ENOTCONN || errno == EIO || errno == EACCES;
    return about.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

enum rc file_system_unmount(const char *directory, struct fault *why)
{
    enum rc rc;

    if (umount2(directory, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT)
        return RC_OK;
    if (errno == EBUSY)
        rc = RC_BUSY;
    else if (errno != EPERM)
        return fail_errno(why, RC_IO, "%s: cannot be unmounted", directory);
    else
        rc = fusermount_unmount(directory, why);
    if (rc != RC_OK && !file_system_is_mounted(directory))
        return RC_OK; /* somebody else was faster */
    if (rc == RC_BUSY)
        return fail(why, rc,
                    "%s: is still in use; close what uses it ('fuser -vm %s' lists it)",
                    directory, directory);
    return rc == RC_OK ? rc : fault_at(why, "%s", directory);
}

enum rc file_system_unmount_patiently(const char *directory, struct fault *why)
{
    uint64_t end = clock_ms() + GRACE_MS;
    enum rc rc;

    while ((rc = file_system_unmount(directory, why)) == RC_BUSY && clock_ms() < end)
        usleep(POLL_US);
    return rc;
}

enum rc file_system_sync(const char *directory, struct fault *why)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum rc rc = RC_OK;

    if (fd < 0)
        return fail(why, RC_IO,
                    "%s: what was written cannot be saved: %s; '%s %s' gives it up", directory,
                    strerror(errno), geteuid() == 0 ? "umount" : "fusermount3 -u", directory);
    if (syncfs(fd) < 0)
        rc = fail_errno(why, RC_IO, "%s: what was written cannot be saved", directory);
    close(fd);
    return rc;
}
