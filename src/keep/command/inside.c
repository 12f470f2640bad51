#include "keep/command/inside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keep/mount/file_system.h"
#include "keep/mount/fuse_protocol.h"
#include "keep/mount/program.h"
#include "keep/mount/record.h"

static const char file_name[] = "volume", prefix[] = "make-";

static enum rc show_in(struct device *device, const char *directory, inside_work *work,
                       void *of, struct fault *why)
{
    struct fuse_face face = {.device = device,
                             .name = file_name,
                             .owner = geteuid(),
                             .group = getegid(),
                             .time = (uint64_t)time(NULL)};
    struct fuse_transport *fuse;
    char image[PATH_MAX + sizeof file_name + 1];
    enum rc rc = fuse_face_open(&fuse, &face, directory, why), unmounted;

    if (rc != RC_OK)
        return rc;
    snprintf(image, sizeof image, "%s/%s", directory, file_name);
    rc = work(image, of, why);
    unmounted = file_system_unmount(directory, rc == RC_OK ? why : NULL);
    fuse_transport_close(fuse);
    return rc != RC_OK ? rc : unmounted;
}

/* A run that was killed has left a mount that answers nobody. */
static void clear_dead(const char *directory)
{
    DIR *stream = opendir(directory);
    struct dirent *entry;

    while (stream && (entry = readdir(stream))) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/%s/%s", directory, entry->d_name, file_name);

        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || len >= (int)sizeof path ||
            access(path, F_OK) == 0 || errno != ENOTCONN)
            continue;
        path[len - (int)sizeof file_name] = '\0';
        if (file_system_unmount(path, NULL) == RC_OK)
            rmdir(path);
    }
    if (stream)
        closedir(stream);
}

enum rc inside_show(struct device *device, inside_work *work, void *of, struct fault *why)
{
    char directory[PATH_MAX];
    size_t len;
    enum rc rc = record_directory(directory, why);

    if (rc != RC_OK)
        return rc;
    clear_dead(directory);
    len = strlen(directory);
    snprintf(directory + len, sizeof directory - len, "/%sXXXXXX", prefix);
    if (!mkdtemp(directory))
        return fail_errno(why, RC_IO, "%s: cannot be made", directory);
    rc = show_in(device, directory, work, of, why);
    if (rc == RC_OK && !device->read_only)
        rc = device_flush(device, why);
    rmdir(directory);
    return rc;
}

static enum rc find(const char *image, void *of, struct fault *why)
{
    struct inside *inside = of;
    struct device *device;
    enum rc rc = device_open_file(&device, image, true, DEVICE_UNLOCKED, why);

    if (rc != RC_OK)
        return rc;
    if ((rc = device_signature(device, inside->type, why)) == RC_OK &&
        strncmp(inside->type, "ext", 3) == 0)
        rc = file_system_ext_end(device, &inside->end, why);
    device_close(device);
    return rc;
}

enum rc inside_find(struct device *device, struct inside *inside, struct fault *why)
{
    *inside = (struct inside){0};
    return inside_show(device, find, inside, why);
}

/* sbin is not on every user's PATH. */
static enum rc run_ext(const char *name, const char *first, const char *second,
                       const char *third, struct fault *why)
{
    static const char *const places[] = {"", "/usr/sbin/", "/sbin/"};
    enum rc rc = RC_NOT_FOUND;

    for (size_t i = 0; i < sizeof places / sizeof *places && rc == RC_NOT_FOUND; i++) {
        char program[32];
        const char *argv[] = {program, first, second, third, NULL};

        snprintf(program, sizeof program, "%s%s", places[i], name);
        rc = program_run(argv, why);
    }
    return rc == RC_NOT_FOUND
               ? fail(why, rc, "%s is not installed; install the package e2fsprogs", name)
               : rc;
}

static enum rc grow(const char *image, void *of, struct fault *why)
{
    struct inside inside = {0};
    enum rc rc;

    (void)of;
    if ((rc = find(image, &inside, why)))
        return rc;
    if (strncmp(inside.type, "ext", 3) != 0)
        return fail(
            why, RC_UNSUPPORTED,
            "--grow-fs: there is %s inside, and only ext2, ext3 and ext4 are grown here",
            inside.type[0] ? inside.type : "no file system");
    if ((rc = run_ext("e2fsck", "-f", "-p", image, why)))
        return rc;
    return run_ext("resize2fs", "-f", image, NULL, why);
}

enum rc inside_grow(struct device *device, struct fault *why)
{
    return inside_show(device, grow, NULL, why);
}
