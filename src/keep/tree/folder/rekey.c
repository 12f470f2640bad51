#include "keep/tree/folder/rekey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/hex.h"
#include "keep/tree/folder/folder_tree.h"

enum { DEPTH_MAX = 1000, DAMAGED = 1 };

struct rekeying {
    const struct rekey_what *what;
    struct rekey_counts *counts;
    struct folder *from, *to; /* their keys alone; `to` is NULL where nothing is changed */
    int root;
    bool has_carriers; /* an earlier run was cut short while attributes were on their way */
    struct text shown; /* the path of the directory that is at work */
    struct fault *why;
};

/* One entry of a directory, and what it is called on the disk under both keys. */
struct entry {
    int at;
    const char *text; /* on the disk now */
    char name[NAME_MAX + 1];
    struct disk_name was, will;
    struct stat about;
};

static int tell(struct rekeying *r, const char *name, int error)
{
    if (error >= 0 || r->why->text[0])
        return error;
    errno = -error;
    (void)fail_errno(r->why, RC_IO, "%.*s%s", (int)r->shown.len, r->shown.at, name);
    return error;
}

static int damaged(struct rekeying *r, const char *name, const char *what)
{
    struct text place = {0};

    text_add(&place, text_span(&r->shown));
    text_add(&place, span_text(name));
    r->counts->damaged++;
    r->what->damaged(r->what->of, text_ok(&place) ? place.at : name, what);
    text_clear(&place);
    return 0;
}

/* ---- attributes ---- */

static void carrier_name(char out[64], const uint8_t id[FOLDER_ID])
{
    char hex[2 * FOLDER_ID + 1];

    hex_encode(span_of(id, FOLDER_ID), hex);
    snprintf(out, 64, NAME_NEW "%s", hex);
}

static int bring_home(struct rekeying *r, int fd, const uint8_t *id)
{
    char name[64];
    int carrier, error;

    carrier_name(name, id);
    carrier = openat(r->root, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (carrier < 0)
        return -errno;
    error = folder_carry_xattrs(carrier, fd);
    close(carrier);
    return error == 0 && unlinkat(r->root, name, 0) < 0 ? -errno : error;
}

/* Where there is no room for the old and the new ones at once: by a file of their own. */
static int carry(struct rekeying *r, int fd, const uint8_t *id)
{
    char name[64];
    int carrier, error;

    carrier_name(name, id);
    carrier = openat(r->root, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (carrier < 0 || fsync(r->root) < 0)
        error = -errno;
    else
        error = folder_turn_xattrs(r->from, r->to, fd, id, carrier);
    if (carrier >= 0)
        close(carrier);
    return error == 0 || error == -EIO ? bring_home(r, fd, id) : error;
}

static int turn_xattrs(struct rekeying *r, const char *name, int fd, const uint8_t *id)
{
    char carrier[64];
    int error = -ENOSPC;

    carrier_name(carrier, id);
    if (!r->has_carriers || faccessat(r->root, carrier, F_OK, 0) < 0)
        error = folder_turn_xattrs(r->from, r->to, fd, id, fd);
    if (error == -ENOSPC || error == -EDQUOT)
        error = carry(r, fd, id);
    return error == -EIO ? damaged(r, name, "has attributes that are not authentic") : error;
}

/* ---- files ---- */

static bool step(void *of, uint64_t bytes)
{
    struct rekeying *r = of;

    r->counts->bytes += bytes;
    if (r->what->progress)
        r->what->progress(r->what->of, r->counts->bytes);
    return r->what->stop && r->what->stop();
}

/* Its blocks, if it has a new key that they are not under yet. */
static int turn_blocks(struct rekeying *r, const struct entry *e, struct content *content,
                       int fd)
{
    struct content_renewal renewal = {.step = step, .of = r};
    uint64_t before = r->counts->bytes;
    int error = content_renew(content, fd, &renewal);

    if (error == 0)
        (void)step(r, content_size(content) - (r->counts->bytes - before));
    if (error == 0 && renewal.damaged > 0)
        return damaged(r, e->name, "has blocks that are not authentic, and stay so");
    return error;
}

static int turn_open_file(struct rekeying *r, const struct entry *e, int fd)
{
    struct content *content = NULL;
    bool is_new = r->to && content_load(&content, &r->to->rules, fd) == 0;
    int error = is_new ? 0 : content_load(&content, &r->from->rules, fd);

    if (error == -ENOENT) /* its creation was interrupted */
        return 0;
    if (error == -EIO)
        return damaged(r, e->name, "its header is not authentic");
    if (error != 0)
        return error;
    r->counts->files++;
    if (!content_is_bound(content, is_new ? e->will.tag : e->was.tag))
        error = damaged(r, e->name, "is another file, put under this name");
    else if (r->to && !is_new)
        error = content_rewrap(content, fd, &r->to->rules, e->will.tag);
    if (error == 0)
        error = turn_blocks(r, e, content, fd);
    if (error == 0)
        error = turn_xattrs(r, e->name, fd, content_id(content));
    content_close(content);
    return r->to ? folder_put_back(fd, &e->about, error) : error;
}

static int turn_file(struct rekeying *r, const struct entry *e)
{
    int fd = lower_open(e->at, e->text, true), error; /* may it be written? */

    if (fd < 0)
        return fd;
    error = turn_open_file(r, e, fd);
    close(fd);
    return error;
}

/* ---- links ---- */

static int turn_link(struct rekeying *r, struct entry *e)
{
    char sealed[PATH_MAX], target[PATH_MAX];
    ssize_t len = readlinkat(e->at, e->text, sealed, sizeof sealed);
    struct span text = span_of(sealed, len < 0 ? 0 : (size_t)len);
    int error;

    if (len < 0)
        return -errno;
    r->counts->links++;
    if (r->to && target_unseal(&r->to->keys, e->will.tag, text, target) > 0)
        return 0;
    len = target_unseal(&r->from->keys, e->was.tag, text, target);
    if (len < 0)
        return damaged(r, e->name, "its target is not authentic, or of another link");
    if (!r->to)
        return 0;
    target[len] = '\0';
    if ((error = target_seal(&r->to->keys, e->will.tag, target, sealed)) != 0 ||
        (error = folder_replace_link(e->at, e->will.text, &e->about, sealed)) != 0)
        return error;
    if (strcmp(e->text, e->will.text) != 0 && unlinkat(e->at, e->text, 0) < 0)
        return -errno;
    e->text = e->will.text;
    return 0;
}

/* ---- directories ---- */

static int turn_in(struct rekeying *r, int fd, const uint8_t *id, unsigned depth);

/* Its header, under the new key; `tag` is NULL for the root. */
static int turn_header(struct rekeying *r, int at, const char *name, const uint8_t *was,
                       const uint8_t *will, struct directory_header *header)
{
    bool is_new = r->to && directory_header_read(header, &r->to->keys, at, name) == 0;
    int error = is_new ? 0 : directory_header_read(header, &r->from->keys, at, name);

    if (error != 0)
        return error;
    if (header->is_root != !was ||
        (was && !bindings_allow(&header->bindings, is_new ? will : was)))
        return -ESTALE;
    if (is_new || !r->to)
        return 0;
    header->bindings = (struct bindings){.count = will ? 1 : 0};
    if (will)
        memcpy(header->bindings.tags[0], will, FOLDER_TAG);
    return directory_header_write(header, &r->to->keys, at, name, false, true);
}

/* The owner may give himself the right to change it meanwhile. */
static int open_directory(const struct rekeying *r, const struct entry *e)
{
    bool locked = (e->about.st_mode & S_IRWXU) != S_IRWXU && geteuid() != 0 &&
                  e->about.st_uid == geteuid();
    int fd;

    if (locked && r->to &&
        fchmodat(e->at, e->text, (e->about.st_mode & ALLPERMS) | S_IRWXU, 0) < 0)
        return -errno;
    fd = openat(e->at, e->text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int turn_directory(struct rekeying *r, const struct entry *e, unsigned depth)
{
    struct directory_header header;
    size_t len = r->shown.len;
    int error = depth < DEPTH_MAX
                    ? turn_header(r, e->at, e->text, e->was.tag, e->will.tag, &header)
                    : -ELOOP,
        fd;

    if (error == -EIO && folder_is_unmade(e->at, e->text))
        return 0;
    if (error == -EIO)
        return damaged(r, e->name, "its " NAME_DIRECTORY " is missing or not authentic");
    if (error == -ESTALE)
        return damaged(r, e->name, "is another directory, put under this name");
    if (error != 0)
        return error;
    r->counts->directories++;
    if (e->about.st_uid != geteuid() &&
        faccessat(e->at, e->text, R_OK | W_OK | X_OK, AT_EACCESS) < 0)
        return -errno;
    fd = open_directory(r, e);
    if (fd < 0)
        return fd;
    text_printf(&r->shown, "%s/", e->name);
    error = text_ok(&r->shown) ? turn_in(r, fd, header.id, depth + 1) : -ENOMEM;
    r->shown.len = len;
    if (error == 0)
        error = turn_xattrs(r, e->name, fd, header.id);
    if (r->to && error == 0 &&
        (fchmod(fd, e->about.st_mode & ALLPERMS) < 0 ||
         futimens(fd, (struct timespec[]){e->about.st_atim, e->about.st_mtim}) < 0) &&
        errno != EPERM)
        error = -errno;
    close(fd);
    return error;
}

/* ---- names ---- */

static int rename_entry(struct rekeying *r, const struct entry *e)
{
    int error = strcmp(e->text, e->will.text) == 0
                    ? 0
                    : lower_rename(e->at, e->text, e->at, e->will.text, RENAME_NOREPLACE);

    if (error != 0)
        return error == -EEXIST ? damaged(r, e->name, "stands there twice") : error;
    if (e->was.beside_len == 0 || faccessat(e->at, e->was.beside_name, F_OK, 0) < 0)
        return 0;
    if (fsync(e->at) < 0 || unlinkat(e->at, e->was.beside_name, 0) < 0)
        return -errno;
    return 0;
}

static int turn_kind(struct rekeying *r, struct entry *e, unsigned depth)
{
    if (S_ISREG(e->about.st_mode))
        return turn_file(r, e);
    if (S_ISLNK(e->about.st_mode))
        return turn_link(r, e);
    return S_ISDIR(e->about.st_mode) ? turn_directory(r, e, depth) : 0;
}

/* A link that was made anew, and not yet put in the place of the old one. */
static int clear_left_over(int at, const char *text)
{
    struct stat about;

    if (fstatat(at, text, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode) &&
        unlinkat(at, text, 0) < 0)
        return -errno;
    return 0;
}

/* What is no name of the folder under either key, or is its own, stays as it is. */
static int turn_entry(struct rekeying *r, int at, const char *text, const uint8_t *id,
                      unsigned depth)
{
    struct entry e = {.at = at, .text = text};
    struct folder *to = r->to ? r->to : r->from;
    uint8_t tag[FOLDER_TAG];
    enum name_kind kind = name_unseal(&to->keys, id, at, text, e.name, tag);
    int error;

    if (kind == NAME_LEFT_OVER && r->to)
        return tell(r, text, clear_left_over(at, text));
    if (kind != NAME_OF_ENTRY &&
        name_unseal(&r->from->keys, id, at, text, e.name, tag) != NAME_OF_ENTRY)
        return 0;
    if ((error = name_seal(&r->from->keys, id, e.name, &e.was)) != 0 ||
        (error = name_seal(&to->keys, id, e.name, &e.will)) != 0)
        return error;
    if (fstatat(at, text, &e.about, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : tell(r, e.name, -errno);
    if (r->to)
        error = folder_put_beside_synced(r->to, at, &e.will);
    if (error == 0)
        error = turn_kind(r, &e, depth);
    if (error == 0 && r->to)
        error = rename_entry(r, &e);
    return tell(r, e.name, error);
}

static int turn_in(struct rekeying *r, int fd, const uint8_t *id, unsigned depth)
{
    struct text names = {0};
    int error = lower_listing_names(fd, &names);

    for (size_t at = 0; at < names.len && depth == 0; at += strlen(names.at + at) + 1)
        r->has_carriers |= strncmp(names.at + at, NAME_NEW, sizeof NAME_NEW - 1) == 0;
    for (size_t at = 0; error == 0 && at < names.len; at += strlen(names.at + at) + 1)
        error = r->what->stop && r->what->stop() ? -EINTR
                                                 : turn_entry(r, fd, names.at + at, id, depth);
    text_clear(&names);
    return error;
}

static enum rc run(struct rekeying *r, struct fault *why)
{
    const char *directory = r->what->directory;
    struct directory_header header;
    int error;

    r->root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->root < 0)
        return fail_errno(why, RC_IO, "%s", directory);
    why->text[0] = '\0';
    error = turn_header(r, r->root, ".", NULL, NULL, &header);
    if (error == -EIO || error == -ESTALE)
        return fail(why, RC_DENIED,
                    "%s/" NAME_DIRECTORY ": belongs to another folder or key, or was changed",
                    directory);
    if (error == 0)
        error = turn_in(r, r->root, header.id, 0);
    if (error == 0)
        error = turn_xattrs(r, ".", r->root, header.id);
    if (error == 0 && r->to && syncfs(r->root) < 0)
        error = -errno;
    if (error == -EINTR)
        return fail(why, RC_IO, "%s: interrupted; 'keep reencrypt' goes on", directory);
    text_printf(&r->shown, "%s/", directory);
    (void)tell(r, "", error);
    return error == 0 ? RC_OK : why->rc;
}

static enum rc open_keys(struct folder **out, const struct folder_format *format,
                         const struct secret *key, struct fault *why)
{
    struct folder *f = calloc(1, sizeof *f);
    enum rc rc = f ? folder_keys_open(&f->keys, format, key, why)
                   : fail(why, RC_MEMORY, "no memory for keys");

    if (rc == RC_OK)
        f->rules = (struct content_rules){.keys = &f->keys, .disk = &disk_files};
    *out = f;
    return rc;
}

static void close_keys(struct folder *f)
{
    if (f)
        folder_keys_clear(&f->keys);
    free(f);
}

enum rc folder_rekey(const struct rekey_what *what, struct rekey_counts *counts,
                     struct fault *why)
{
    struct rekeying r = {.what = what, .counts = counts, .root = -1, .why = why};
    enum rc rc;

    *counts = (struct rekey_counts){0};
    if ((rc = open_keys(&r.from, &what->format, what->previous, why)) == RC_OK &&
        (!what->key || (rc = open_keys(&r.to, &what->format, what->key, why)) == RC_OK)) {
        if (r.to)
            r.to->rules.renews = what->renews;
        rc = run(&r, why);
    }
    if (r.root >= 0)
        close(r.root);
    close_keys(r.from);
    close_keys(r.to);
    text_clear(&r.shown);
    return rc;
}
