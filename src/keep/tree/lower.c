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

int lower_rename(int at, const char *name, int new_at, const char *new_name, unsigned flags)
{
    if (renameat2(at, name, new_at, new_name, flags) == 0)
        return 0;
    if (errno != EINVAL || flags != RENAME_NOREPLACE)
        return -errno;
    if (faccessat(new_at, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    if (errno != ENOENT || renameat(at, name, new_at, new_name) < 0)
        return -errno;
    return 0;
}

static int change_owner(int fd, int at, const char *name, const struct tree_change *change)
{
    uid_t uid = change->fields & TREE_CHANGE_UID ? change->uid : (uid_t)-1;
    gid_t gid = change->fields & TREE_CHANGE_GID ? change->gid : (gid_t)-1;
    int done =
        fd >= 0 ? fchown(fd, uid, gid) : fchownat(at, name, uid, gid, AT_SYMLINK_NOFOLLOW);

    return done < 0 ? -errno : 0;
}

static int change_mode(int fd, int at, const char *name, mode_t mode)
{
    int done = fd >= 0 ? fchmod(fd, mode) : fchmodat(at, name, mode, AT_SYMLINK_NOFOLLOW);

    return done < 0 ? -errno : 0;
}

/* As the kernel does it when a file is written: the set-group-ID bit means something else on a
 * file that its group may not execute. */
static int kill_privileges(int fd, int at, const char *name)
{
    struct stat about;
    mode_t mode;

    if ((fd >= 0 ? fstat(fd, &about) : fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW)) < 0)
        return -errno;
    mode = about.st_mode & ALLPERMS & ~(mode_t)S_ISUID;
    if (mode & S_IXGRP)
        mode &= ~(mode_t)S_ISGID;
    if (!S_ISREG(about.st_mode) || mode == (about.st_mode & ALLPERMS))
        return 0;
    return change_mode(fd, at, name, mode);
}

static int change_times(int fd, int at, const char *name, const struct tree_change *change)
{
    struct timespec times[] = {change->atime, change->mtime};
    int done;

    if (!(change->fields & TREE_CHANGE_ATIME))
        times[0].tv_nsec = UTIME_OMIT;
    if (!(change->fields & TREE_CHANGE_MTIME))
        times[1].tv_nsec = UTIME_OMIT;
    done = fd >= 0 ? futimens(fd, times) : utimensat(at, name, times, AT_SYMLINK_NOFOLLOW);
    return done < 0 ? -errno : 0;
}

int lower_change(int fd, int at, const char *name, const struct tree_change *change)
{
    unsigned fields = change->fields;
    int error = 0;

    if (fields & (TREE_CHANGE_UID | TREE_CHANGE_GID))
        error = change_owner(fd, at, name, change);
    if (error == 0 && (fields & TREE_CHANGE_MODE))
        error = change_mode(fd, at, name, change->mode);
    if (error == 0 && (fields & TREE_CHANGE_KILL_SUID))
        error = kill_privileges(fd, at, name);
    if (error == 0 && (fields & (TREE_CHANGE_ATIME | TREE_CHANGE_MTIME)))
        error = change_times(fd, at, name, change);
    return error;
}

int lower_give(int fd, int at, const char *name, const struct tree_caller *caller,
               struct stat *about)
{
    struct tree_change owner = {
        .fields = TREE_CHANGE_UID | TREE_CHANGE_GID, .uid = caller->uid, .gid = caller->gid};
    mode_t privileges = about->st_mode & (S_ISUID | S_ISGID);
    struct stat above;
    int error;

    if ((about->st_uid == caller->uid && about->st_gid == caller->gid) || geteuid() != 0)
        return 0;
    if (fstatat(at, "", &above, AT_EMPTY_PATH) < 0)
        return -errno;
    if (above.st_mode & S_ISGID)
        owner.fields = TREE_CHANGE_UID;
    if ((error = change_owner(fd, at, name, &owner)) != 0)
        return error;
    if (privileges != 0 && !S_ISDIR(about->st_mode) &&
        (error = change_mode(fd, at, name, about->st_mode & ALLPERMS)) != 0)
        return error;
    return (fd >= 0 ? fstat(fd, about) : fstatat(at, name, about, AT_SYMLINK_NOFOLLOW)) < 0
               ? -errno
               : 0;
}
