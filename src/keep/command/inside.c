#include "keep/command/inside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/question.h"
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
    /* Another run may be looking whether we are dead. */
    unmounted = file_system_unmount_patiently(directory, rc == RC_OK ? why : NULL);
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

enum rc inside_look(const char *image, struct inside *inside, struct fault *why)
{
    struct device *device;
    enum rc rc = device_open_file(&device, image, true, DEVICE_UNLOCKED, why);

    *inside = (struct inside){0};
    if (rc != RC_OK)
        return rc;
    if ((rc = device_signature(device, inside->type, why)) == RC_OK &&
        strncmp(inside->type, "ext", 3) == 0)
        rc = file_system_ext_end(device, &inside->end, why);
    device_close(device);
    return rc;
}

static enum rc find(const char *image, void *of, struct fault *why)
{
    return inside_look(image, of, why);
}

enum rc inside_find(struct device *device, struct inside *inside, struct fault *why)
{
    return inside_show(device, find, inside, why);
}

enum { WORDS = 8 };

/* sbin is not on every user's PATH. */
static enum rc run_tool(const char *package, const char *const words[WORDS], struct fault *why)
{
    static const char *const places[] = {"", "/usr/sbin/", "/sbin/"};
    const char *argv[WORDS];
    char program[32];
    enum rc rc = RC_NOT_FOUND;

    memcpy(argv, words, sizeof argv);
    argv[0] = program;
    for (size_t i = 0; i < sizeof places / sizeof *places && rc == RC_NOT_FOUND; i++) {
        snprintf(program, sizeof program, "%s%s", places[i], words[0]);
        rc = program_run(argv, why);
    }
    return rc == RC_NOT_FOUND ? fail(why, rc, "%s is not installed; install the package %s",
                                     words[0], package)
                              : rc;
}

static bool is_ext(const struct inside *inside)
{
    return strncmp(inside->type, "ext", 3) == 0;
}

static enum rc grow_ext(const char *image, bool mounted, struct fault *why)
{
    enum rc rc = RC_OK;

    if (!mounted)
        rc = run_tool("e2fsprogs", (const char *[WORDS]){"e2fsck", "-f", "-p", image}, why);
    if (rc == RC_OK)
        rc = run_tool("e2fsprogs", (const char *[WORDS]){"resize2fs", "-f", image}, why);
    return rc;
}

static enum rc grow(const char *image, void *of, struct fault *why)
{
    struct inside inside = {0};
    enum rc rc = inside_look(image, &inside, why);

    (void)of;
    if (rc != RC_OK)
        return rc;
    if (!is_ext(&inside))
        return fail(
            why, RC_UNSUPPORTED,
            "--grow-fs: there is %s inside, and of what is not mounted only ext2, ext3 "
            "and ext4 are grown here",
            inside.type[0] ? inside.type : "no file system");
    return grow_ext(image, false, why);
}

enum rc inside_grow(struct device *device, struct fault *why)
{
    return inside_show(device, grow, NULL, why);
}

enum rc inside_grow_mounted(const char *image, const char *mountpoint, struct fault *why)
{
    struct inside inside = {0};
    enum rc rc = inside_look(image, &inside, why);

    if (rc != RC_OK)
        return rc;
    if (is_ext(&inside))
        return grow_ext(image, true, why);
    if (strcmp(inside.type, "xfs") == 0)
        return run_tool("xfsprogs", (const char *[WORDS]){"xfs_growfs", mountpoint}, why);
    if (strcmp(inside.type, "btrfs") == 0)
        return run_tool(
            "btrfs-progs",
            (const char *[WORDS]){"btrfs", "filesystem", "resize", "max", mountpoint}, why);
    return fail(why, RC_UNSUPPORTED, "--grow-fs: %s does not grow while it is mounted",
                inside.type[0] ? inside.type : "what is inside");
}

enum rc inside_fits(const struct inside *inside, uint64_t left, const char *path, bool yes,
                    struct fault *why)
{
    char ends[16], room[16];

    if (inside->end > 0 && inside->end <= left)
        return RC_OK;
    if (inside->end > 0)
        return fail(
            why, RC_USAGE,
            "%s: the %s inside takes %s, and %s would be left: make it smaller first (keep "
            "open --raw, then resize2fs)",
            path, inside->type, units_size(ends, inside->end), units_size(room, left));
    if (inside->type[0])
        return fail(why, RC_UNSUPPORTED,
                    "%s: there is %s inside, and where that ends is not known here", path,
                    inside->type);
    return question_ask(
        path, yes, why,
        "%s: no file system is known inside; what lies behind the new end will be lost.",
        path);
}
