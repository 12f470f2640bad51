#include "keep/mount/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    ATTEMPTS = 32,        /* others may take the free one before us */
    READ_AHEAD = 2560 * 2 /* sectors of 512 bytes */
};

/* RC_AGAIN when somebody else took this one. */
static enum rc attach(const char *path, int backing, bool read_only, uint32_t block_size,
                      int *fd, struct fault *why)
{
    struct loop_config config = {
        .fd = (uint32_t)backing,
        .block_size = block_size,
        .info.lo_flags =
            LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (read_only ? LO_FLAGS_READ_ONLY : 0u),
    };

    *fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (*fd < 0)
        return fail_errno(why, RC_NOT_FOUND, "%s", path);
    if (ioctl(*fd, LOOP_CONFIGURE, &config) == 0) {
        /* It would be what the last user of that number left; without it reads are only slower. */
        (void)ioctl(*fd, BLKRASET, (unsigned long)READ_AHEAD);
        return RC_OK;
    }
    close(*fd);
    return fail_errno(why, errno == EBUSY ? RC_AGAIN : RC_IO, "%s", path);
}

enum rc loop_device_attach(const char *file, bool read_only, uint32_t block_size,
                           char path[LOOP_DEVICE_PATH], int *fd, struct fault *why)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), backing;
    enum rc rc = RC_AGAIN;

    if (control < 0)
        return fail_errno(why, RC_NOT_FOUND, "/dev/loop-control");
    backing = open(file, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (backing < 0) {
        rc = fail_errno(why, RC_IO, "%s", file);
        close(control);
        return rc;
    }
    for (int i = 0; i < ATTEMPTS && rc == RC_AGAIN; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        if (number < 0) {
            rc = fail_errno(why, RC_NOT_FOUND, "/dev/loop-control: no free loop device");
            break;
        }
        snprintf(path, LOOP_DEVICE_PATH, "/dev/loop%d", number);
        rc = attach(path, backing, read_only, block_size, fd, why);
    }
    close(backing);
    close(control);
    return rc == RC_AGAIN ? fail(why, RC_BUSY, "every free loop device was taken") : rc;
}

bool loop_device_set_block_size(int fd, uint32_t block_size)
{
    return ioctl(fd, LOOP_SET_BLOCK_SIZE, (unsigned long)block_size) == 0;
}

enum rc loop_device_follow(const char *path, struct fault *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum rc rc = RC_OK;

    if (fd < 0 || ioctl(fd, LOOP_SET_CAPACITY, 0) < 0)
        rc = fail_errno(why, RC_IO, "%s: cannot be given another size", path);
    if (fd >= 0)
        close(fd);
    return rc;
}
