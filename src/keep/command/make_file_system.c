#include "keep/command/make_file_system.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keep/command/inside.h"
#include "keep/mount/program.h"

#define EXT "-q", "-F", "-b", "4096", "-E"

/* Their words for: be quiet, overwrite, discard nothing. */
static const struct new_file_system known[] = {
    {"ext4", "e2fsprogs", 0, 16, "-L", {EXT}, true, {NULL}},
    {"ext3", "e2fsprogs", 0, 16, "-L", {EXT}, true, {NULL}},
    {"ext2", "e2fsprogs", 0, 16, "-L", {EXT}, true, {NULL}},
    {"xfs", "xfsprogs", 300 << 20, 12, "-L", {"-q", "-f", "-K"}, false, {"-s", "size="}},
    {"btrfs", "btrfs-progs", 109 << 20, 255, "-L", {"-q", "-f", "-K"}, false, {NULL}},
    {"vfat", "dosfstools", 0, 11, "-n", {NULL}, false, {"-S", ""}},
};

const struct new_file_system *make_file_system_find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

struct making {
    const struct new_file_system *fs;
    const char *label;
    uint32_t sector_size;
};

/* sbin is not on every user's PATH. */
static enum rc run_mkfs(const struct making *making, const char *image, struct fault *why)
{
    static const char *const places[] = {"", "/usr/sbin/", "/sbin/"};
    const struct new_file_system *fs = making->fs;
    char owner[64], program[32], sector[16];
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
        if (fs->sector_words[0]) {
            snprintf(sector, sizeof sector, "%s%u", fs->sector_words[1], making->sector_size);
            argv[count++] = fs->sector_words[0];
            argv[count++] = sector;
        }
        if (making->label) {
            argv[count++] = fs->label_option;
            argv[count++] = making->label;
        }
        argv[count] = image;
        if ((rc = program_run(argv, why)) != RC_NOT_FOUND)
            return rc;
    }
    return fail(why, RC_NOT_FOUND, "mkfs.%s is not installed; install the package %s",
                fs->name, fs->package);
}

static enum rc make(const char *image, void *of, struct fault *why)
{
    return run_mkfs(of, image, why);
}

enum rc make_file_system(struct device *device, const struct new_file_system *fs,
                         const char *label, uint32_t sector_size, struct fault *why)
{
    struct making making = {fs, label, sector_size};

    return inside_show(device, make, &making, why);
}
