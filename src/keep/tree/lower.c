#include "keep/tree/lower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void lower_path(char out[LOWER_PATH_MAX], int at, const char *name)
{
    snprintf(out, LOWER_PATH_MAX, "/proc/self/fd/%d%s%s", at, name ? "/" : "",
             name ? name : "");
}

/* The owner may give himself the right, and takes it back at once. */
static int open_unlocked(int at, const char *name, int flags)
{
    struct stat about;
    int fd;

    if (fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(about.st_mode) || about.st_uid != geteuid() ||
        fchmodat(at, name, (about.st_mode & ALLPERMS) | S_IRUSR | S_IWUSR, 0) < 0)
        return -EACCES;
    fd = openat(at, name, flags);
    if (fd < 0)
        fd = -errno;
    if (fchmodat(at, name, about.st_mode & ALLPERMS, 0) < 0 && fd >= 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

int lower_open(int at, const char *name, bool write)
{
    int flags = (write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = openat(at, name, flags);

    if (fd >= 0)
        return fd;
    return errno == EACCES ? open_unlocked(at, name, flags) : -errno;
}
