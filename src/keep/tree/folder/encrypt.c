#include "keep/tree/folder/encrypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/generator.h"
#include "keep/tree/folder/folder_tree.h"

enum { RUN = 1 << 20, DEPTH_MAX = 1000 };

struct encryption {
    struct folder *f; /* its keys alone */
    struct encrypt_counts *counts;
    uint8_t *run, *back; /* RUN bytes each */
    int root;
    bool
        has_linked; /* files that have several names stand in the root, until they have them all */
    struct text shown; /* the path of the directory that is at work */
    struct fault *why;
};

/* One plain entry, and its name on the disk. */
struct plain {
    int at;
    const char *name;
    struct disk_name disk;
    struct stat about;
};

static int tell(struct encryption *e, const char *name, int error)
{
    if (error == 0 || e->why->text[0])
        return error;
    errno = -error;
    (void)fail_errno(e->why, RC_IO, "%.*s%s", (int)e->shown.len,
                     e->shown.at ? e->shown.at : "", name);
    return error;
}

static bool is_own(const char *name)
{
    return strncmp(name, "keep.", 5) == 0;
}

static bool is_linked(const char *name)
{
    return strncmp(name, NAME_LINKED, sizeof NAME_LINKED - 1) == 0;
}

static enum rc check_in(int fd, dev_t device, const char *shown, unsigned depth,
                        struct fault *why);

static enum rc check_one(int fd, const char *name, dev_t device, const char *shown,
                         unsigned depth, struct fault *why)
{
    char path[PATH_MAX];
    struct stat about;
    int below;
    enum rc rc;

    snprintf(path, sizeof path, "%s/%s", shown, name);
    if (fstatat(fd, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(why, RC_IO, "%s", path);
    if (about.st_dev != device)
        return fail(why, RC_USAGE, "%s: another file system is mounted here", path);
    /* At the top there may be what an attempt that was stopped before it began has left. */
    if (is_own(name) && depth > 0)
        return fail(why, RC_USAGE, "%s: rename it: such names are the folder's own", path);
    if (!S_ISDIR(about.st_mode))
        return RC_OK;
    below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return fail_errno(why, RC_IO, "%s", path);
    rc = check_in(below, device, path, depth + 1, why);
    close(below);
    return rc;
}

static enum rc check_in(int fd, dev_t device, const char *shown, unsigned depth,
                        struct fault *why)
{
    struct text names = {0};
    int error = depth < DEPTH_MAX ? lower_listing_names(fd, &names) : -ELOOP;
    enum rc rc = RC_OK;

    errno = -error;
    if (error != 0)
        rc = fail_errno(why, RC_IO, "%s", shown);
    for (size_t at = 0; rc == RC_OK && at < names.len; at += strlen(names.at + at) + 1)
        rc = check_one(fd, names.at + at, device, shown, depth, why);
    text_clear(&names);
    return rc;
}

enum rc folder_encrypt_check(const char *directory, struct fault *why)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat about;
    enum rc rc;

    if (fd < 0 || fstat(fd, &about) < 0)
        rc = fail_errno(why, RC_IO, "%s", directory);
    else
        rc = check_in(fd, about.st_dev, directory, 0, why);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int read_run(int fd, uint8_t *at, uint64_t offset)
{
    size_t got = 0;

    while (got < RUN) {
        ssize_t more = pread(fd, at + got, RUN - got, (off_t)(offset + got));

        if (more < 0)
            return -errno;
        if (more == 0)
            break;
        got += (size_t)more;
    }
    return (int)got;
}

static bool is_zeros(const uint8_t *at, size_t len)
{
    return len == 0 || (at[0] == 0 && memcmp(at, at + 1, len - 1) == 0);
}

/* Sparse where the plain file is zeros. */
static int copy_content(struct encryption *e, struct content *content, int from, int to)
{
    uint64_t offset = 0;
    int got, error = 0;

    while (error == 0 && (got = read_run(from, e->run, offset)) != 0) {
        if (got < 0)
            return got;
        if (!is_zeros(e->run, (size_t)got)) {
            ssize_t put = content_write(content, to, e->run, (size_t)got, offset);

            error = put < 0 ? (int)put : 0;
        }
        offset += (uint64_t)got;
    }
    if (error == 0 && content_size(content) < offset)
        error = content_resize(content, to, offset);
    if (error == 0)
        error = content_commit(content, to, true);
    return error == 0 ? content_commit(content, to, false) : error;
}

/* Programs' attributes are encrypted, the rest is as it was. Those of `from` go if that is the same file. */
static int copy_xattrs(struct encryption *e, int from, int to, const uint8_t *id)
{
    char *names = malloc(XATTR_LIST_MAX), *value = malloc(XATTR_SIZE_MAX);
    ssize_t len = names && value ? flistxattr(from, names, XATTR_LIST_MAX) : -1;
    int error = !names || !value ? -ENOMEM : 0;

    for (ssize_t at = 0; at < len && error == 0; at += (ssize_t)strlen(names + at) + 1) {
        const char *name = names + at;
        ssize_t size;

        if (strncmp(name, "user.keep.", 10) == 0 ||
            (from == to && strncmp(name, "user.", 5) != 0))
            continue;
        if ((size = fgetxattr(from, name, value, XATTR_SIZE_MAX)) < 0)
            error = -errno;
        else
            error = folder_put_xattr(e->f, to, id, name, value, (size_t)size);
        if (error == 0 && from == to && fremovexattr(from, name) < 0)
            error = -errno;
    }
    free(names);
    free(value);
    return error;
}

static int copy_about(int to, const struct stat *about)
{
    if (fchown(to, about->st_uid, about->st_gid) < 0 && errno != EPERM)
        return -errno;
    if (fchmod(to, about->st_mode & ALLPERMS) < 0 ||
        futimens(to, (struct timespec[]){about->st_atim, about->st_mtim}) < 0 || fsync(to) < 0)
        return -errno;
    return 0;
}

/* Where an encrypted file comes to stand. */
struct place {
    int at;
    const char *text;
    bool any_name; /* it is bound to none */
};

static int fill_file(struct encryption *e, const struct plain *p, const struct place *place,
                     int from, int to)
{
    struct content *content;
    int error = content_create(&content, &e->f->rules, to, p->disk.tag);

    if (error != 0)
        return error;
    if (place->any_name)
        error = content_bind(content, to, &(struct content_binding){.rebind = true});
    if (error == 0 && (error = copy_content(e, content, from, to)) == 0 &&
        (error = copy_xattrs(e, from, to, content_id(content))) == 0)
        error = copy_about(to, &p->about);
    content_close(content);
    return error;
}

/* Under a name of its own until it is whole and on the disk. */
static int make_file(struct encryption *e, const struct plain *p, const struct place *place,
                     int from)
{
    char fresh[64];
    int to, error = folder_new_name(NAME_NEW, fresh);

    if (error != 0)
        return error;
    to = openat(place->at, fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return -errno;
    error = fill_file(e, p, place, from, to);
    close(to);
    if (error == 0)
        error = lower_rename(place->at, fresh, place->at, place->text, RENAME_NOREPLACE);
    if (error != 0)
        unlinkat(place->at, fresh, 0);
    else if (fsync(place->at) < 0)
        error = -errno;
    return error;
}

/*
 * A file with several names is encrypted once, in the root under the number of its inode, and gets one
 * name after another from there. Its last plain name looks like one of a file with one name.
 */
static int make_linked(struct encryption *e, const struct plain *p, int from)
{
    char linked[64];
    struct place place = {e->root, linked, true};
    int error = 0;

    snprintf(linked, sizeof linked, NAME_LINKED "%ju", (uintmax_t)p->about.st_ino);
    if (faccessat(e->root, linked, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
        if (p->about.st_nlink == 1)
            return -ENOENT;
        error = make_file(e, p, &place, from);
    }
    e->has_linked = true;
    if (error == 0 &&
        (linkat(e->root, linked, p->at, p->disk.text, 0) < 0 || fsync(p->at) < 0))
        error = -errno;
    return error;
}

static int make(struct encryption *e, const struct plain *p, int from)
{
    const struct place place = {p->at, p->disk.text, false};
    int error = -ENOENT;

    if (p->about.st_nlink > 1 || e->has_linked)
        error = make_linked(e, p, from);
    return error == -ENOENT ? make_file(e, p, &place, from) : error;
}

/* Is the encrypted file what the plain one is? 1, 0, or a negative errno. */
static int compare(struct encryption *e, const struct plain *p, int from)
{
    struct content *content;
    int fd = lower_open(p->at, p->disk.text, false), error, same = 1, got;

    if (fd < 0)
        return fd;
    if ((error = content_load(&content, &e->f->rules, fd)) != 0) {
        close(fd);
        return error == -ENOENT ? -EIO : error;
    }
    same = content_is_bound(content, p->disk.tag) &&
           content_size(content) == (uint64_t)p->about.st_size;
    for (uint64_t offset = 0; same == 1 && (got = read_run(from, e->run, offset)) != 0;
         offset += RUN) {
        ssize_t read = got < 0 ? got : content_read(content, fd, e->back, RUN, offset);

        same = read < 0 ? (int)read : read == got && memcmp(e->run, e->back, (size_t)got) == 0;
    }
    content_close(content);
    close(fd);
    return same;
}

/* As far as the medium lets itself be overwritten. */
static int overwrite(struct encryption *e, int at, const char *name)
{
    struct stat about;
    int fd = lower_open(at, name, true), error = 0;

    if (fd < 0)
        return fd;
    if (fstat(fd, &about) < 0)
        error = -errno;
    else if (generator_bytes(e->run, RUN, NULL) != RC_OK)
        error = -EIO;
    for (off_t from = 0; error == 0 && from < about.st_size; from += RUN) {
        size_t len = about.st_size - from < RUN ? (size_t)(about.st_size - from) : RUN;

        error = disk_write_all(&disk_files, fd, e->run, len, (uint64_t)from);
    }
    if (error == 0 && fdatasync(fd) < 0)
        error = -errno;
    close(fd);
    /* A file system that writes elsewhere and is full: it cannot be overwritten anyway. */
    return error == -ENOSPC || error == -EDQUOT ? 0 : error;
}

/*
 * What is left under a name of no entry: a copy that was not finished, or a plain file that was
 * being overwritten.
 */
static int destroy_left_over(struct encryption *e, int at, const char *name)
{
    struct stat about;
    int error = 0;

    if (fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode) &&
        about.st_nlink == 1)
        error = overwrite(e, at, name);
    return error == 0 && unlinkat(at, name, 0) < 0 ? -errno : error;
}

/*
 * It loses its name before it is overwritten: half of it would not be compared with its copy
 * again. Other names of it are still to be encrypted.
 */
static int destroy_plain(struct encryption *e, const struct plain *p)
{
    char dead[64];
    int error;

    if (p->about.st_nlink > 1)
        return unlinkat(p->at, p->name, 0) < 0 ? -errno : 0;
    if ((error = folder_new_name(NAME_NEW, dead)) != 0 ||
        (error = lower_rename(p->at, p->name, p->at, dead, RENAME_NOREPLACE)) != 0)
        return error;
    if (fsync(p->at) < 0)
        return -errno;
    return destroy_left_over(e, p->at, dead);
}

static int encrypt_file(struct encryption *e, struct plain *p)
{
    struct stat there;
    int from = lower_open(p->at, p->name, false), error = 0, same;

    if (from < 0)
        return from;
    if (fstatat(p->at, p->disk.text, &there, AT_SYMLINK_NOFOLLOW) < 0)
        error = errno == ENOENT ? make(e, p, from) : -errno;
    same = error == 0 ? compare(e, p, from) : error;
    close(from);
    if (same == 0) {
        (void)fail(e->why, RC_FORMAT,
                   "%.*s%s: an encrypted file of this name is there already, and has other "
                   "content; rename this one",
                   (int)e->shown.len, e->shown.at ? e->shown.at : "", p->name);
        return -EEXIST;
    }
    if (same < 0)
        return same;
    e->counts->files++;
    e->counts->bytes += (uint64_t)p->about.st_size;
    return destroy_plain(e, p);
}

static int encrypt_link(struct encryption *e, const struct plain *p)
{
    char target[PATH_MAX], sealed[PATH_MAX];
    ssize_t len = readlinkat(p->at, p->name, target, sizeof target - 1);
    int error;

    if (len < 0)
        return -errno;
    target[len] = '\0';
    if ((error = target_seal(&e->f->keys, p->disk.tag, target, sealed)) != 0)
        return error;
    if (symlinkat(sealed, p->at, p->disk.text) < 0 && errno != EEXIST)
        return -errno;
    if (fchownat(p->at, p->disk.text, p->about.st_uid, p->about.st_gid, AT_SYMLINK_NOFOLLOW) <
            0 &&
        errno != EPERM)
        return -errno;
    if (utimensat(p->at, p->disk.text, (struct timespec[]){p->about.st_atim, p->about.st_mtim},
                  AT_SYMLINK_NOFOLLOW) < 0 ||
        fsync(p->at) < 0 || unlinkat(p->at, p->name, 0) < 0)
        return -errno;
    return 0;
}

/* A header that was begun and not written is nothing yet: what stands below it is still plain. */
static int begin_directory(struct encryption *e, const struct plain *p,
                           struct directory_header *header)
{
    char path[NAME_MAX + sizeof NAME_DIRECTORY + 1];
    struct stat about;

    snprintf(path, sizeof path, "%s/" NAME_DIRECTORY, p->name);
    if (fstatat(p->at, path, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
        about.st_size == DIRECTORY_HEADER_SIZE)
        return directory_header_read(header, &e->f->keys, p->at, p->name);
    if (unlinkat(p->at, path, 0) < 0 && errno != ENOENT)
        return -errno;
    *header = (struct directory_header){.bindings.count = 1};
    memcpy(header->bindings.tags[0], p->disk.tag, FOLDER_TAG);
    if (generator_bytes(header->id, FOLDER_ID, NULL) != RC_OK)
        return -EIO;
    return directory_header_write(header, &e->f->keys, p->at, p->name, true, true);
}

static int encrypt_in(struct encryption *e, int fd, const uint8_t *id, unsigned depth);

static int encrypt_directory(struct encryption *e, const struct plain *p, unsigned depth)
{
    const struct timespec times[] = {p->about.st_atim, p->about.st_mtim};
    struct directory_header header;
    size_t len = e->shown.len;
    int fd, error = depth < DEPTH_MAX ? begin_directory(e, p, &header) : -ELOOP;

    if (error != 0)
        return error;
    fd = openat(p->at, p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    text_printf(&e->shown, "%s/", p->name);
    if ((error = encrypt_in(e, fd, header.id, depth + 1)) == 0 &&
        (error = copy_xattrs(e, fd, fd, header.id)) == 0 && fsync(fd) < 0)
        error = -errno;
    e->shown.len = len;
    if (error == 0)
        error = lower_rename(p->at, p->name, p->at, p->disk.text, RENAME_NOREPLACE);
    if (error == 0 && futimens(fd, times) < 0)
        error = -errno;
    close(fd);
    return error;
}

static int encrypt_one(struct encryption *e, int fd, const char *name, const uint8_t *id,
                       unsigned depth)
{
    struct plain p = {.at = fd, .name = name};
    int error;

    if (fstatat(fd, name, &p.about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if ((error = name_seal(&e->f->keys, id, name, &p.disk)) != 0 ||
        (error = folder_put_beside_synced(e->f, fd, &p.disk)) != 0)
        return error;
    if (S_ISREG(p.about.st_mode))
        return encrypt_file(e, &p);
    if (S_ISLNK(p.about.st_mode))
        return encrypt_link(e, &p);
    if (S_ISDIR(p.about.st_mode))
        return encrypt_directory(e, &p, depth);
    return lower_rename(fd, name, fd, p.disk.text, RENAME_NOREPLACE);
}

static int encrypt_in(struct encryption *e, int fd, const uint8_t *id, unsigned depth)
{
    struct text names = {0};
    int error = lower_listing_names(fd, &names);

    for (size_t at = 0; depth == 0 && at < names.len; at += strlen(names.at + at) + 1)
        e->has_linked |= is_linked(names.at + at);
    for (size_t at = 0; error == 0 && at < names.len; at += strlen(names.at + at) + 1) {
        const char *name = names.at + at;
        uint8_t tag[FOLDER_TAG];
        char clear[NAME_MAX + 1];

        switch (name_unseal(&e->f->keys, id, fd, name, clear, tag)) {
        case NAME_OF_ENTRY:
        case NAME_OF_FOLDER:
            break;
        case NAME_LEFT_OVER:
            error = tell(e, name, destroy_left_over(e, fd, name));
            break;
        case NAME_FOREIGN:
            if (depth == 0 && (strcmp(name, NAME_ENCRYPTING) == 0 || is_linked(name)))
                break;
            error = encrypt_one(e, fd, name, id, depth);
            error = tell(e, name, error);
        }
    }
    text_clear(&names);
    return error;
}

/* All of them have all their names. */
static int clear_linked(struct encryption *e)
{
    struct text names = {0};
    int error = e->has_linked ? lower_listing_names(e->root, &names) : 0;

    for (size_t at = 0; error == 0 && at < names.len; at += strlen(names.at + at) + 1)
        if (is_linked(names.at + at) && unlinkat(e->root, names.at + at, 0) < 0)
            error = -errno;
    text_clear(&names);
    return error;
}

static enum rc run(struct encryption *e, const char *directory, struct fault *why)
{
    struct directory_header header;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

    if (fd < 0)
        return fail_errno(why, RC_IO, "%s", directory);
    e->root = fd;
    why->text[0] = '\0';
    text_printf(&e->shown, "%s/", directory);
    error = directory_header_read(&header, &e->f->keys, fd, ".");
    if (error == 0)
        error = encrypt_in(e, fd, header.id, 0);
    if (error == 0)
        error = copy_xattrs(e, fd, fd, header.id);
    if (error == 0 && syncfs(fd) < 0)
        error = -errno;
    if (error == 0)
        error = clear_linked(e);
    close(fd);
    (void)tell(e, "", error);
    return error == 0 ? RC_OK : why->rc;
}

enum rc folder_encrypt(const char *directory, const struct folder_format *format,
                       const struct secret *volume_key, struct encrypt_counts *counts,
                       struct fault *why)
{
    struct encryption e = {
        .counts = counts, .why = why, .f = calloc(1, sizeof(struct folder))};
    enum rc rc = RC_MEMORY;

    *counts = (struct encrypt_counts){0};
    e.run = malloc(RUN);
    e.back = malloc(RUN);
    if (!e.f || !e.run || !e.back)
        (void)fail(why, RC_MEMORY, "no memory");
    else if ((rc = folder_keys_open(&e.f->keys, format, volume_key, why)) == RC_OK) {
        e.f->rules = (struct content_rules){.keys = &e.f->keys, .disk = &disk_files};
        rc = run(&e, directory, why);
        folder_keys_clear(&e.f->keys);
    }
    free(e.f);
    free(e.run);
    free(e.back);
    text_clear(&e.shown);
    return rc;
}
