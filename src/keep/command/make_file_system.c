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

#define EXT "-q", "-F", "-b", "4096", "-E"

/* Their words for: be quiet, overwrite, discard nothing. */
static const struct new_file_system known[] = {
    {"ext4", 16, "-L", {EXT}, true},
    {"ext3", 16, "-L", {EXT}, true},
    {"ext2", 16, "-L", {EXT}, true},
    {"xfs", 12, "-L", {"-q", "-f", "-K"}, false},
    {"btrfs", 255, "-L", {"-q", "-f", "-K"}, false},
    {"vfat", 11, "-n", {NULL}, false},
};

const struct new_file_system *make_file_system_find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

/* sbin is not on every user's PATH. */
static enum rc run_mkfs(const struct new_file_system *fs, const char *image, const char *label,
                        struct fault *why)
{
    static const char *const places[] = {"", "/usr/sbin/", "/sbin/"};
    char owner[64], program[32];
    enum { WORDS = 16 };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *argv[WORDS] = {program};
        size_t count = 1;
        enum rc rc;

        snprintf(program, sizeof program, "%smkfs.%s", places[i], fs->name);
        for (size_t k = 0; k < sizeof fs->words / sizeof *fs->words && fs->words[k]; k++)
            argv[count++] = fs->words[k];
        if (fs->owner) {
            snprintf(owner, sizeof owner, "nodiscard,root_owner=%u:%u", geteuid(), getegid());
            argv[count++] = owner;
        }
        if (label) {
            argv[count++] = fs->label_option;
            argv[count++] = label;
        }
        argv[count] = image;
        if ((rc = program_run(argv, why)) != RC_NOT_FOUND)
            return rc;
    }
    return fail(why, RC_NOT_FOUND, "mkfs.%s is not installed", fs->name);
}

static enum rc make_in(struct device *device, const struct new_file_system *fs,
                       const char *directory, const char *label, struct fault *why)
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
    rc = run_mkfs(fs, image, label, why);
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

enum rc make_file_system(struct device *device, const struct new_file_system *fs,
                         const char *label, struct fault *why)
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
    rc = make_in(device, fs, directory, label, why);
    if (rc == RC_OK)
        rc = device_flush(device, why);
    rmdir(directory);
    return rc;
}
