#include "keep/command/make_file_system.h"

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

/* sbin is not on every user's PATH. */
static enum rc run_mkfs(const char *image, const char *label, struct fault *why)
{
    static const char *const places[] = {"mkfs.ext4", "/usr/sbin/mkfs.ext4",
                                         "/sbin/mkfs.ext4"};
    char owner[64];

    snprintf(owner, sizeof owner, "nodiscard,root_owner=%u:%u", geteuid(), getegid());
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *argv[] = {places[i],          "-q",  "-F", "-b", "4096", "-E", owner, "-L",
                              label ? label : "", image, NULL};
        enum rc rc = program_run(argv, why);

        if (rc != RC_NOT_FOUND)
            return rc;
    }
    return fail(why, RC_NOT_FOUND,
                "mkfs.ext4 is not installed; install the package e2fsprogs");
}

static enum rc make_in(struct device *device, const char *directory, const char *label,
                       struct fault *why)
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
    rc = run_mkfs(image, label, why);
    unmounted = file_system_unmount(directory, rc == RC_OK ? why : NULL);
    fuse_transport_close(fuse);
    return rc != RC_OK ? rc : unmounted;
}

/* A create that was killed has left a mount that answers nobody. */
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

enum rc make_file_system(struct device *device, const char *label, struct fault *why)
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
    rc = make_in(device, directory, label, why);
    if (rc == RC_OK)
        rc = device_flush(device, why);
    rmdir(directory);
    return rc;
}
