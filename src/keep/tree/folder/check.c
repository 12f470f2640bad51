#include "keep/tree/folder/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "keep/tree/folder/folder_tree.h"

enum { READ = 1 << 20, DEPTH_MAX = 2048 };

struct check {
    struct folder folder; /* its keys alone */
    const struct check_what *what;
    struct check_counts *counts;
    int root;
    int aside; /* the directory for what is moved; -1 before the first */
    uint8_t *buffer;
    struct text shown; /* the path of the directory that is read */
    int failed;        /* the errno of what could not be read at all */
};

/* One entry of a directory. */
struct entry {
    int at;
    const char *text;
    const char *name; /* shown: the same where it is not known */
};

static void fail_with(struct check *c, int error)
{
    if (c->failed == 0)
        c->failed = -error;
}

static int open_aside(struct check *c)
{
    if (c->aside < 0) {
        if (mkdirat(c->root, NAME_ASIDE, 0700) < 0 && errno != EEXIST)
            return -errno;
        c->aside =
            openat(c->root, NAME_ASIDE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    return c->aside < 0 ? -errno : 0;
}

/* Under a name of its own; a file beside a long name stays where it is. */
static void move_aside(struct check *c, const struct entry *entry)
{
    char fresh[64];
    int error = open_aside(c);

    if (error == 0)
        error = folder_new_name("", fresh);
    if (error == 0 && renameat(entry->at, entry->text, c->aside, fresh) < 0)
        error = -errno;
    if (error == 0)
        c->counts->moved++;
    else
        fail_with(c, error);
}

static void tell(struct check *c, const struct entry *entry, enum check_finding finding,
                 const char *what)
{
    struct text place = {0};

    text_add(&place, text_span(&c->shown));
    text_add(&place, span_text(entry->name));
    c->counts->found[finding]++;
    c->what->found(c->what->of, finding, text_ok(&place) ? place.at : entry->name, what);
    text_clear(&place);
}

static void found(struct check *c, const struct entry *entry, enum check_finding finding,
                  const char *what)
{
    tell(c, entry, finding, what);
    if (c->what->repair)
        move_aside(c, entry);
}

/* Where the first byte is that cannot be read, or UINT64_MAX. */
static uint64_t first_damaged(struct check *c, struct content *content, int fd, int *error)
{
    uint64_t size = content_size(content), block;
    ssize_t got;

    for (uint64_t at = 0; at < size; at += READ) {
        if ((got = content_read(content, fd, c->buffer, READ, at)) >= 0) {
            c->counts->bytes += (uint64_t)got;
            continue;
        }
        *error = (int)got;
        for (block = at; block < at + READ && block < size; block += FOLDER_PAGE)
            if (content_read(content, fd, c->buffer, FOLDER_PAGE, block) < 0)
                return block;
        return at;
    }
    return UINT64_MAX;
}

/* Of a file or directory; with repair the damaged ones get names that nobody looks at. */
static void check_xattrs(struct check *c, const struct entry *entry, int fd,
                         const uint8_t id[FOLDER_ID])
{
    unsigned damaged = 0;
    int error = folder_check_xattrs(&c->folder, fd, id, c->what->repair, &damaged);

    if (error != 0)
        fail_with(c, error);
    if (damaged == 0)
        return;
    tell(c, entry, CHECK_DAMAGED, "has attributes that are not authentic");
    if (c->what->repair && error == 0)
        c->counts->moved += damaged;
}

static void check_content(struct check *c, const struct entry *entry, struct content *content,
                          int fd)
{
    char what[96];
    int error = 0;
    uint64_t at = first_damaged(c, content, fd, &error);

    c->counts->behind += content_behind(content, fd);
    if (at == UINT64_MAX) {
        check_xattrs(c, entry, fd, content_id(content));
        return;
    }
    if (error != -EIO)
        fail_with(c, error);
    snprintf(what, sizeof what, "is not authentic from byte %ju on, of %ju", (uintmax_t)at,
             (uintmax_t)content_size(content));
    found(c, entry, CHECK_DAMAGED, what);
}

static void check_file(struct check *c, const struct entry *entry, const uint8_t *tag)
{
    struct content *content;
    int fd = lower_open(entry->at, entry->text, false), error = fd;

    c->counts->files++;
    if (fd >= 0)
        error = content_load(&content, &c->folder.rules, fd);
    if (error == -ENOENT) {
        found(c, entry, CHECK_UNFINISHED, "was never written: its creation was interrupted");
    } else if (error == -EIO) {
        found(c, entry, CHECK_DAMAGED, "its header is not authentic");
    } else if (error < 0) {
        fail_with(c, error);
    } else {
        if (!content_is_bound(content, tag))
            found(c, entry, CHECK_DAMAGED, "is another file, put under this name");
        else
            check_content(c, entry, content, fd);
        content_close(content);
    }
    if (fd >= 0)
        close(fd);
}

static void check_link(struct check *c, const struct entry *entry, const uint8_t *tag)
{
    char sealed[PATH_MAX], target[PATH_MAX];
    ssize_t len = readlinkat(entry->at, entry->text, sealed, sizeof sealed);

    c->counts->links++;
    if (len < 0)
        fail_with(c, -errno);
    else if (target_unseal(&c->folder.keys, tag, span_of(sealed, (size_t)len), target) < 0)
        found(c, entry, CHECK_DAMAGED, "its target is not authentic, or of another link");
}

static void read_directory(struct check *c, int fd, const uint8_t *id, unsigned depth);

static void check_directory(struct check *c, const struct entry *entry, const uint8_t *tag,
                            unsigned depth)
{
    struct directory_header header;
    int error = directory_header_read(&header, &c->folder.keys, entry->at, entry->text), fd;
    size_t len = c->shown.len;

    c->counts->directories++;
    if (error == -EIO && folder_is_unmade(entry->at, entry->text)) {
        found(c, entry, CHECK_UNFINISHED, "is empty: its creation or removal was interrupted");
        return;
    }
    if (error == -EIO || (error == 0 && depth >= DEPTH_MAX)) {
        found(c, entry, CHECK_DAMAGED, "its " NAME_DIRECTORY " is missing or not authentic");
        return;
    }
    if (error == 0 && (header.is_root || !bindings_allow(&header.bindings, tag))) {
        found(c, entry, CHECK_DAMAGED, "is another directory, put under this name");
        return;
    }
    fd = error < 0
             ? error
             : openat(entry->at, entry->text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        fail_with(c, error < 0 ? error : -errno);
        return;
    }
    text_printf(&c->shown, "%s/", entry->name);
    read_directory(c, fd, header.id, depth + 1);
    c->shown.len = len;
    check_xattrs(c, entry, fd, header.id);
    close(fd);
}

static bool is_orphan(const struct entry *entry)
{
    char name[NAME_MAX + 1];

    if (strncmp(entry->text, NAME_BESIDE, sizeof NAME_BESIDE - 1) != 0)
        return false;
    snprintf(name, sizeof name, NAME_LONG "%s", entry->text + sizeof NAME_BESIDE - 1);
    return faccessat(entry->at, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

/* A name that is none of the directory; but "NAME (conflicted copy).txt" begins with one. */
static void check_foreign(struct check *c, const struct entry *entry, const uint8_t *id)
{
    bool is_long = strncmp(entry->text, NAME_LONG, sizeof NAME_LONG - 1) == 0;
    size_t len = is_long ? sizeof NAME_LONG - 1 : 0;
    char original[NAME_MAX + 1], name[NAME_MAX + 1], what[NAME_MAX + 64];
    uint8_t tag[FOLDER_TAG];

    len += strspn(entry->text + len,
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    snprintf(original, sizeof original, "%.*s", (int)len, entry->text);
    if (entry->text[len] == '\0' && is_long) {
        found(c, entry, CHECK_DAMAGED,
              "has a long name, whose " NAME_BESIDE " file is missing or not authentic");
    } else if (entry->text[len] != '\0' && !c->folder.keys.plain_names &&
               name_unseal(&c->folder.keys, id, entry->at, original, name, tag) ==
                   NAME_OF_ENTRY) {
        snprintf(what, sizeof what, "is another copy of %s, and can be read in its place",
                 name);
        found(c, entry, CHECK_FOREIGN, what);
    } else {
        found(c, entry, CHECK_FOREIGN, "is no name of this directory");
    }
}

static void check_entry(struct check *c, int at, const char *text, const uint8_t *id,
                        unsigned depth)
{
    struct entry entry = {at, text, text};
    char name[NAME_MAX + 1];
    uint8_t tag[FOLDER_TAG];
    struct stat about;

    switch (name_unseal(&c->folder.keys, id, at, text, name, tag)) {
    case NAME_OF_FOLDER:
        if (is_orphan(&entry))
            found(c, &entry, CHECK_UNFINISHED, "stands beside a name that is gone");
        return;
    case NAME_LEFT_OVER:
        found(c, &entry, CHECK_UNFINISHED,
              "was left by an interrupted removal or replacement");
        return;
    case NAME_FOREIGN:
        check_foreign(c, &entry, id);
        return;
    case NAME_OF_ENTRY:
        break;
    }
    entry.name = name;
    if (fstatat(at, text, &about, AT_SYMLINK_NOFOLLOW) < 0)
        fail_with(c, -errno);
    else if (S_ISREG(about.st_mode))
        check_file(c, &entry, tag);
    else if (S_ISLNK(about.st_mode))
        check_link(c, &entry, tag);
    else if (S_ISDIR(about.st_mode))
        check_directory(c, &entry, tag, depth);
}

/* All names first: what is moved aside meanwhile is not to disturb. */
static void read_directory(struct check *c, int fd, const uint8_t *id, unsigned depth)
{
    struct text names = {0};
    int error = lower_listing_names(fd, &names);

    if (error != 0)
        fail_with(c, error);
    for (size_t at = 0; error == 0 && at < names.len; at += strlen(names.at + at) + 1)
        check_entry(c, fd, names.at + at, id, depth);
    text_clear(&names);
}

static enum rc run(struct check *c, const char *directory, struct fault *why)
{
    struct directory_header header;
    int error;

    c->root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->root < 0)
        return fail_errno(why, RC_IO, "%s", directory);
    error = directory_header_read(&header, &c->folder.keys, c->root, ".");
    if (error != 0 || !header.is_root)
        return fail(why, RC_FORMAT,
                    "%s/" NAME_DIRECTORY
                    ": is missing or not authentic: nothing in the folder can "
                    "be read without it; put it back from a copy",
                    directory);
    read_directory(c, c->root, header.id, 0);
    check_xattrs(c, &(struct entry){c->root, ".", "."}, c->root, header.id);
    errno = c->failed;
    return c->failed ? fail_errno(why, RC_IO, "%s: could not be read to the end", directory)
                     : RC_OK;
}

enum rc folder_check(const char *directory, const struct folder_format *format,
                     const struct secret *volume_key, const struct check_what *what,
                     struct check_counts *counts, struct fault *why)
{
    struct check c = {.what = what, .counts = counts, .root = -1, .aside = -1};
    enum rc rc;

    *counts = (struct check_counts){0};
    c.folder.rules = (struct content_rules){.keys = &c.folder.keys, .disk = &disk_files};
    if ((rc = folder_keys_open(&c.folder.keys, format, volume_key, why)) != RC_OK)
        return rc;
    c.buffer = malloc(READ);
    rc = c.buffer ? run(&c, directory, why) : fail(why, RC_MEMORY, "no memory");
    if (c.root >= 0)
        close(c.root);
    if (c.aside >= 0)
        close(c.aside);
    free(c.buffer);
    text_clear(&c.shown);
    folder_keys_clear(&c.folder.keys);
    return rc;
}
