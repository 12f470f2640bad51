#include "io/device_loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The one line of a file in /sys; false where there is none. */
static bool read_line(const char *path, char line[PATH_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, line, PATH_MAX - 1);
    close(fd);
    if (got <= 0)
        return false;
    line[got] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* Asks nobody who may not answer: the file may lie on a mount whose server is dead. */
static bool is_same(const char *path, const struct stat *file)
{
    struct statx about;

    return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &about) ==
               0 &&
           about.stx_ino == file->st_ino &&
           makedev(about.stx_dev_major, about.stx_dev_minor) == file->st_dev;
}

bool device_loop_find(const struct stat *file, char name[DEVICE_LOOP_NAME])
{
    DIR *devices = opendir("/sys/block");
    struct dirent *entry;
    bool found = false;

    while (devices && !found && (entry = readdir(devices))) {
        char path[PATH_MAX], backing[PATH_MAX];

        if (strncmp(entry->d_name, "loop", 4) != 0)
            continue;
        snprintf(path, sizeof path, "/sys/block/%s/loop/backing_file", entry->d_name);
        found = read_line(path, backing) && is_same(backing, file) &&
                snprintf(name, DEVICE_LOOP_NAME, "/dev/%s", entry->d_name) < DEVICE_LOOP_NAME;
    }
    if (devices)
        closedir(devices);
    return found;
}

bool device_loop_is_locked(dev_t device)
{
    static const char *const places[] = {"", "../"}; /* of the whole device, of a partition */
    char path[64], backing[PATH_MAX];
    bool locked;
    int fd = -1;

    for (size_t i = 0; i < sizeof places / sizeof *places && fd < 0; i++) {
        snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%sloop/backing_file", major(device),
                 minor(device), places[i]);
        if (read_line(path, backing))
            fd = open(backing, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    }
    if (fd < 0)
        return false;
    locked = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    close(fd);
    return locked;
}
