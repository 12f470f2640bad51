#include "keep/mount/fuse_mount.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "keep/mount/fusermount.h"

enum { READ_AHEAD_KIB = 1024 };

static enum rc mount_as_root(const struct fuse_mount *what, int *fd, struct fault *why)
{
    char options[160];
    unsigned long flags = MS_NOSUID | MS_NODEV;

    *fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (*fd < 0)
        return fail_errno(why, RC_IO,
                          "/dev/fuse: the kernel's fuse module is needed (modprobe fuse)");
    snprintf(options, sizeof options,
             "fd=%d,rootmode=40000,user_id=%u,group_id=%u,max_read=%d%s%s", *fd, geteuid(),
             getegid(), (int)FUSE_PAYLOAD_MAX, what->allow_other ? ",allow_other" : "",
             what->default_permissions ? ",default_permissions" : "");
    if (what->read_only)
        flags |= MS_RDONLY;
    if (what->noexec)
        flags |= MS_NOEXEC;
    if (mount(what->source ? what->source : "keep", what->directory, "fuse.keep", flags,
              options) == 0)
        return RC_OK;
    (void)fail_errno(why, RC_IO, "%s: cannot be mounted on", what->directory);
    close(*fd);
    *fd = -1;
    return RC_IO;
}

/* A comma in a name does not end it. False when there is no room. */
static bool escape(char *to, size_t size, const char *name)
{
    size_t len = 0;

    for (; *name && len + 2 < size; name++) {
        if (*name == ',' || *name == '\\')
            to[len++] = '\\';
        to[len++] = *name;
    }
    to[len] = '\0';
    return *name == '\0';
}

static enum rc mount_as_user(const struct fuse_mount *what, int *fd, struct fault *why)
{
    char options[PATH_MAX + 256], source[PATH_MAX];
    enum rc rc;

    if (!escape(source, sizeof source, what->source ? what->source : "keep"))
        strcpy(source, "keep");
    snprintf(options, sizeof options,
             "%s,nosuid,nodev%s,fsname=%s,subtype=keep,max_read=%d%s%s",
             what->read_only ? "ro" : "rw", what->noexec ? ",noexec" : "", source,
             (int)FUSE_PAYLOAD_MAX, what->allow_other ? ",allow_other" : "",
             what->default_permissions ? ",default_permissions" : "");
    rc = fusermount_mount(what->directory, options, fd, why);
    return rc == RC_OK ? RC_OK : fault_at(why, "%s", what->directory);
}

enum rc fuse_mount_open(const struct fuse_mount *what, int *fd, struct fault *why)
{
    *fd = -1;
    return geteuid() == 0 ? mount_as_root(what, fd, why) : mount_as_user(what, fd, why);
}

void fuse_mount_read_further_ahead(const char *directory)
{
    char path[64];
    struct stat about;
    int fd;

    if (geteuid() != 0 || stat(directory, &about) < 0)
        return;
    snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", major(about.st_dev),
             minor(about.st_dev));
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    dprintf(fd, "%d", (int)READ_AHEAD_KIB);
    close(fd);
}

void fuse_mount_cut(const char *directory)
{
    if (geteuid() == 0)
        umount2(directory, MNT_DETACH | MNT_FORCE | UMOUNT_NOFOLLOW);
    else
        (void)fusermount_unmount(directory, NULL);
}
