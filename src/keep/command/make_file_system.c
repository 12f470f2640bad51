#include "keep/command/make_file_system.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keep/command/inside.h"
#include "keep/mount/program.h"

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

struct making {
    const struct new_file_system *fs;
    const char *label;
};

static enum rc make(const char *image, void *of, struct fault *why)
{
    const struct making *making = of;

    return run_mkfs(making->fs, image, making->label, why);
}

enum rc make_file_system(struct device *device, const struct new_file_system *fs,
                         const char *label, struct fault *why)
{
    struct making making = {fs, label};

    return inside_show(device, make, &making, why);
}
