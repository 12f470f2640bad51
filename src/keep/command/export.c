#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "keep/command/credential_options.h"
#include "keep/command/folder_cat.h"
#include "keep/command/header_view.h"
#include "keep/command/tree_path.h"

enum { DEPTH_MAX = 1000 };

struct export_options {
    struct folder_reading_options reading;
    const char *to;
    bool help;
};

static const struct option_row rows[] = {
    {"to", 0, "PATH", "Where it is to stand; there must be nothing yet.",
     offsetof(struct export_options, to)},
    FOLDER_READING_ROWS,
    COMMAND_HELP_ROW(struct export_options),
    {0},
};

struct export
{
    struct tree *tree;
    int at; /* the directory that is written to */
    unsigned depth;
    char path[PATH_MAX]; /* of what is copied, for messages */
    uint64_t files, damaged;
};

/* What cannot be read is told, and the rest goes on: that is what a rescue is for. */
static void tell(struct export *e, const char *what)
{
    e->damaged++;
    fprintf(stderr, "keep: %s: %s\n", header_view_plain(e->path), what);
}

static void copy_attributes(struct export *e, uint64_t node, int fd)
{
    ssize_t len = e->tree->kind->list_xattrs(e->tree, node, NULL, 0);
    char *names = len > 0 ? malloc((size_t)len) : NULL, *value = malloc(XATTR_SIZE_MAX);

    len = names && value ? e->tree->kind->list_xattrs(e->tree, node, names, (size_t)len) : 0;
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
        ssize_t size =
            e->tree->kind->get_xattr(e->tree, node, names + at, value, XATTR_SIZE_MAX);

        if (size < 0 || fsetxattr(fd, names + at, value, (size_t)size, 0) < 0)
            fprintf(stderr, "keep: %s: attribute %s: %s\n", header_view_plain(e->path),
                    header_view_plain(names + at), strerror(size < 0 ? (int)-size : errno));
    }
    free(names);
    free(value);
}

/* Owners as far as we may, then modes, then times. */
static int copy_about(int at, const char *name, const struct stat *about)
{
    const struct timespec times[] = {about->st_atim, about->st_mtim};

    if (geteuid() == 0 &&
        fchownat(at, name, about->st_uid, about->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISLNK(about->st_mode) && fchmodat(at, name, about->st_mode & ALLPERMS, 0) < 0)
        return -errno;
    return utimensat(at, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int export_file(struct export *e, const char *name, const struct tree_entry *entry)
{
    int fd = openat(e->at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    uint64_t lost = 0;
    struct fault why;
    enum rc rc;

    if (fd < 0)
        return -errno;
    rc = folder_copy_file(e->tree, entry->node, fd, 0, (uint64_t)entry->about.st_size, &lost,
                          &why);
    e->files++;
    if (rc == RC_OK && lost > 0)
        rc = fail(&why, RC_FORMAT, "%ju bytes are not authentic; zeros stand for them",
                  (uintmax_t)lost);
    if (rc != RC_OK)
        tell(e, why.text);
    if (rc == RC_OK || lost > 0)
        copy_attributes(e, entry->node, fd);
    if (close(fd) < 0 || (rc != RC_OK && rc != RC_FORMAT))
        return -EIO;
    return copy_about(e->at, name, &entry->about);
}

static int export_link(struct export *e, const char *name, const struct tree_entry *entry)
{
    char target[PATH_MAX + 1];
    ssize_t len = e->tree->kind->read_link(e->tree, entry->node, target);

    if (len < 0) {
        tell(e, "its target is not authentic");
        return 0;
    }
    target[len] = '\0';
    if (symlinkat(target, e->at, name) < 0)
        return -errno;
    return copy_about(e->at, name, &entry->about);
}

static int export_child(void *of, const char *name, const struct tree_entry *entry, int error);

static int export_directory(struct export *e, const char *name, const struct tree_entry *entry)
{
    int above = e->at, error;

    if (e->depth >= DEPTH_MAX)
        return -ELOOP;
    if (mkdirat(above, name, 0700) < 0)
        return -errno;
    e->at = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (e->at < 0) {
        error = -errno;
    } else {
        e->depth++;
        error = tree_path_read(e->tree, entry->node, export_child, e);
        e->depth--;
        copy_attributes(e, entry->node, e->at);
        close(e->at);
    }
    e->at = above;
    return error != 0 ? error : copy_about(above, name, &entry->about);
}

static int export_one(struct export *e, const char *name, const struct tree_entry *entry)
{
    int error;

    if (S_ISREG(entry->about.st_mode))
        error = export_file(e, name, entry);
    else if (S_ISDIR(entry->about.st_mode))
        error = export_directory(e, name, entry);
    else if (S_ISLNK(entry->about.st_mode))
        error = export_link(e, name, entry);
    else
        error = mknodat(e->at, name, entry->about.st_mode, entry->about.st_rdev) < 0
                    ? -errno
                    : copy_about(e->at, name, &entry->about);
    if (error == -EPERM && !S_ISREG(entry->about.st_mode) && !S_ISDIR(entry->about.st_mode)) {
        tell(e, "only root can make a device");
        return 0;
    }
    return error;
}

static int export_child(void *of, const char *name, const struct tree_entry *entry, int error)
{
    struct export *e = of;
    size_t len = strlen(e->path);

    snprintf(e->path + len, sizeof e->path - len, "/%s", name);
    if (error != 0)
        tell(e, error == -EIO ? "is not authentic" : strerror(-error));
    else if ((error = export_one(e, name, entry)) != 0)
        return error; /* with the path of it */
    e->path[len] = '\0';
    return 0;
}

static enum rc copy_out(struct tree *tree, const struct tree_entry *found,
                        const struct folder_reading *reading, struct fault *why)
{
    const struct export_options *options = reading->of;
    struct export e = {.tree = tree, .at = AT_FDCWD};
    int error;

    snprintf(e.path, sizeof e.path, "%s%s%s", reading->folder, *reading->path ? "/" : "",
             reading->path);
    error = export_one(&e, options->to, found);
    errno = -error;
    if (error != 0)
        return fail_errno(why, RC_IO, "%s: %s cannot be copied to it", options->to,
                          header_view_plain(e.path));
    printf("%s: %ju files of %s\n", options->to, (uintmax_t)e.files, reading->folder);
    return e.damaged == 0 ? RC_OK
                          : fail(why, RC_FORMAT, "%s: %ju of what was to be copied is damaged",
                                 reading->folder, (uintmax_t)e.damaged);
}

static enum status export_run(char **words, int count, struct fault *why)
{
    struct export_options options = {0};
    enum status status;

    if (!command_parse(&command_export, &options, &options.help, words, &count, 1, 2, &status,
                       why))
        return status;
    if (!options.to)
        return command_status_of(fail(why, RC_USAGE, "export: --to says where"));
    return folder_read(&(struct folder_reading){.folder = words[0],
                                                .path = count > 1 ? words[1] : "",
                                                .options = &options.reading,
                                                .read = copy_out,
                                                .of = &options},
                       why);
}

const struct command command_export = {
    .name = "export",
    .operands = "FOLDER [PATH]",
    .doc = "Copies files of an encrypted folder out of it, without a mount.",
    .rows = rows,
    .run = export_run,
};
