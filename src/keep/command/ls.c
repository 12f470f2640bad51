#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/header_view.h"
#include "keep/command/tree_path.h"

struct ls_options {
    struct folder_reading_options reading;
    bool details, help;
};

static const struct option_row rows[] = {
    {"long", 'l', NULL, "Show kinds, modes, owners, sizes and times too.",
     offsetof(struct ls_options, details)},
    FOLDER_READING_ROWS,
    COMMAND_HELP_ROW(struct ls_options),
    {0},
};

struct listing {
    struct tree *tree;
    bool details;
    unsigned damaged;
};

static char kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFIFO:
        return 'p';
    case S_IFSOCK:
        return 's';
    case S_IFBLK:
        return 'b';
    case S_IFCHR:
        return 'c';
    }
    return '-';
}

static void print_details(const struct listing *l, const char *name,
                          const struct tree_entry *entry)
{
    const struct stat *about = &entry->about;
    char when[32], target[PATH_MAX + 1];
    struct tm local;
    ssize_t len;

    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&about->st_mtime, &local));
    printf("%c%04o %5u %5u %12jd %s %s", kind_of(about->st_mode),
           (unsigned)(about->st_mode & ALLPERMS), about->st_uid, about->st_gid,
           (intmax_t)about->st_size, when, name);
    if (S_ISLNK(about->st_mode) &&
        (len = l->tree->kind->read_link(l->tree, entry->node, target)) >= 0)
        printf(" -> %.*s", (int)len, target);
    printf("\n");
}

static int print_entry(void *of, const char *name, const struct tree_entry *entry, int error)
{
    struct listing *l = of;

    if (error != 0) {
        l->damaged++;
        fprintf(stderr, "keep: %s: %s\n", header_view_plain(name),
                error == -EIO ? "is not authentic" : strerror(-error));
    } else if (l->details) {
        print_details(l, name, entry);
    } else {
        printf("%s\n", name);
    }
    return 0;
}

static enum rc list(struct tree *tree, const struct tree_entry *found,
                    const struct folder_reading *reading, struct fault *why)
{
    const struct ls_options *options = reading->of;
    struct listing l = {.tree = tree, .details = options->details};
    int error = S_ISDIR(found->about.st_mode)
                    ? tree_path_read(tree, found->node, print_entry, &l)
                    : print_entry(&l, reading->path, found, 0);

    errno = -error;
    if (error != 0)
        return fail_errno(why, error == -EIO ? RC_FORMAT : RC_IO, "%s/%s", reading->folder,
                          reading->path);
    return l.damaged == 0 ? RC_OK
                          : fail(why, RC_FORMAT, "%s: %u of what is in it is not authentic",
                                 reading->folder, l.damaged);
}

static enum status ls_run(char **words, int count, struct fault *why)
{
    struct ls_options options = {0};
    enum status status;

    if (!command_parse(&command_ls, &options, &options.help, words, &count, 1, 2, &status,
                       why))
        return status;
    return folder_read(&(struct folder_reading){.folder = words[0],
                                                .path = count > 1 ? words[1] : "",
                                                .options = &options.reading,
                                                .read = list,
                                                .of = &options},
                       why);
}

const struct command command_ls = {
    .name = "ls",
    .operands = "FOLDER [PATH]",
    .doc = "Lists what is in an encrypted folder, without a mount.",
    .rows = rows,
    .run = ls_run,
};
