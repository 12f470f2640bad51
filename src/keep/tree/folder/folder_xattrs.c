/*
 * Extended attributes. Those of programs ("user.") are encrypted: each is on the disk under the tag of its
 * name, and has the name in its value. What the kernel has to understand is passed through.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/base64url.h"
#include "keep/tree/folder/folder_tree.h"

#define USER "user."
#define OURS "user.keep."
#define ASIDE "user.keep-aside."
#define CAPABILITY "security.capability"

enum {
    TAG_TEXT = BASE64URL_LEN(FOLDER_TAG),
    DISK_NAME = sizeof OURS + TAG_TEXT,
    NAME_LEN_MAX = XATTR_NAME_MAX - (int)(sizeof USER - 1),
    OVERHEAD = SIV_TAG + 1,
    SEALED_MAX = XATTR_SIZE_MAX,
};

/* One file, and an attribute of it. */
struct attribute {
    struct folder *f;
    struct node_reached place;
    char path[LOWER_PATH_MAX]; /* where it is not open */
    const uint8_t *id;
    bool is_ours;             /* encrypted */
    const char *name;         /* without "user." */
    char disk[DISK_NAME + 1]; /* what it is called below */
    uint8_t tag[FOLDER_TAG];
};

static bool is_user(const char *name)
{
    return strncmp(name, USER, sizeof USER - 1) == 0;
}

static int seal_name(struct attribute *a)
{
    const struct span bound = span_of(a->id, FOLDER_ID);
    uint8_t sealed[SIV_TAG + XATTR_NAME_MAX];
    size_t len = strlen(a->name);

    if (len == 0 || len > NAME_LEN_MAX)
        return len == 0 ? -EINVAL : -ERANGE;
    if (!siv_seal(a->f->keys.attributes, &bound, 1, a->name, len, sealed))
        return -EIO;
    memcpy(a->tag, sealed, FOLDER_TAG);
    memcpy(a->disk, OURS, sizeof OURS - 1);
    base64url_encode(span_of(a->tag, FOLDER_TAG), a->disk + sizeof OURS - 1);
    return 0;
}

/* Finds the file; end with nodes_let_go on success alone. */
static int begin(struct attribute *a, struct tree *t, uint64_t node, const char *name)
{
    int error;

    *a = (struct attribute){.f = folder_of(t)};
    if ((error = nodes_reach(a->f->nodes, node, &a->place)) != 0)
        return error;
    if (a->place.fd < 0)
        lower_path(a->path, a->place.named.at, a->place.named.name);
    a->is_ours = name && is_user(name) && kept_of(a->place.node);
    if (a->is_ours) {
        a->id = kept_of(a->place.node)->id;
        a->name = name + sizeof USER - 1;
        error = seal_name(a);
    } else if (kept_of(a->place.node)) {
        a->id = kept_of(a->place.node)->id;
    }
    if (error != 0)
        nodes_let_go(a->f->nodes, &a->place);
    return error;
}

static ssize_t get_below(const struct attribute *a, const char *name, void *value, size_t room)
{
    ssize_t got = a->place.fd >= 0 ? fgetxattr(a->place.fd, name, value, room)
                                   : lgetxattr(a->path, name, value, room);

    return got < 0 ? -errno : got;
}

/* Reads and opens one; gives the length of name and value behind it in `clear`, which has SEALED_MAX
 * bytes, as has `sealed`. */
static ssize_t open_value(const struct attribute *a, const char *disk, const uint8_t *tag,
                          uint8_t *sealed, uint8_t *clear)
{
    const struct span bound[] = {span_of(a->id, FOLDER_ID), span_of(tag, FOLDER_TAG)};
    ssize_t len = get_below(a, disk, sealed, SEALED_MAX);

    if (len < 0)
        return len;
    if (len < OVERHEAD ||
        !siv_unseal(a->f->keys.attributes, bound, 2, sealed, (size_t)len, clear) ||
        clear[0] + OVERHEAD > len)
        return -EIO;
    return len - SIV_TAG;
}

static ssize_t get_ours(const struct attribute *a, void *value, size_t room)
{
    uint8_t *bytes = malloc(2 * SEALED_MAX), *clear;
    size_t skip = 1 + strlen(a->name);
    ssize_t len;

    if (!bytes)
        return -ENOMEM;
    clear = bytes + SEALED_MAX;
    len = open_value(a, a->disk, a->tag, bytes, clear);
    if (len >= 0 && (clear[0] != skip - 1 || memcmp(clear + 1, a->name, skip - 1) != 0))
        len = -EIO;
    if (len >= 0) {
        len -= (ssize_t)skip;
        if (room > 0 && (size_t)len > room)
            len = -ERANGE;
        else if (room > 0)
            memcpy(value, clear + skip, (size_t)len);
    }
    free(bytes);
    return len;
}

/* The kernel asks for it before the first write to each file. */
static bool has_no_capability(struct folder *f, uint64_t id)
{
    struct node *node = nodes_get(f->nodes, id);
    bool has_none = node && kept_of(node) && atomic_load(&kept_of(node)->is_bare);

    nodes_put(f->nodes, node);
    return has_none;
}

ssize_t folder_get_xattr(struct tree *t, uint64_t node, const char *name, void *value,
                         size_t room)
{
    struct attribute a;
    ssize_t got;

    if (strcmp(name, CAPABILITY) == 0 && has_no_capability(folder_of(t), node))
        return -ENODATA;
    if ((got = begin(&a, t, node, name)) != 0)
        return got;
    got = a.is_ours ? get_ours(&a, value, room) : get_below(&a, name, value, room);
    nodes_let_go(a.f->nodes, &a.place);
    return got;
}

/* The name in the clear, behind `len` bytes of the list; how long the list is then. */
static ssize_t list_one(const struct attribute *a, const char *disk, uint8_t *bytes,
                        char *names, size_t room, size_t len)
{
    uint8_t tag[FOLDER_TAG], *clear = bytes + SEALED_MAX;
    char text[XATTR_NAME_MAX + 2];
    size_t size;

    if (!is_user(disk)) {
        size = (size_t)snprintf(text, sizeof text, "%s", disk) + 1;
    } else {
        if (strncmp(disk, OURS, sizeof OURS - 1) != 0 || !a->id ||
            base64url_decode(span_text(disk + sizeof OURS - 1), tag, sizeof tag) !=
                FOLDER_TAG ||
            open_value(a, disk, tag, bytes, clear) < 0)
            return (ssize_t)len; /* foreign, or changed: its name is not known */
        size =
            (size_t)snprintf(text, sizeof text, USER "%.*s", clear[0], (char *)clear + 1) + 1;
    }
    if (room > 0 && len + size > room)
        return -ERANGE;
    if (room > 0)
        memcpy(names + len, text, size);
    return (ssize_t)(len + size);
}

static ssize_t list_all(const struct attribute *a, char *names, size_t room)
{
    char *below = malloc(XATTR_LIST_MAX);
    uint8_t *bytes = malloc(2 * SEALED_MAX);
    ssize_t got = -ENOMEM, len = 0;

    if (below && bytes) {
        got = a->place.fd >= 0 ? flistxattr(a->place.fd, below, XATTR_LIST_MAX)
                               : llistxattr(a->path, below, XATTR_LIST_MAX);
        got = got < 0 ? -errno : got;
    }
    for (ssize_t at = 0; at < got && len >= 0; at += (ssize_t)strlen(below + at) + 1)
        len = list_one(a, below + at, bytes, names, room, (size_t)len);
    free(below);
    free(bytes);
    return got < 0 ? got : len;
}

ssize_t folder_list_xattrs(struct tree *t, uint64_t node, char *names, size_t room)
{
    struct attribute a;
    ssize_t got = begin(&a, t, node, NULL);

    if (got != 0)
        return got;
    got = list_all(&a, names, room);
    nodes_let_go(a.f->nodes, &a.place);
    return got;
}

static int set_below(const struct attribute *a, const char *name, const void *value,
                     size_t len, int flags)
{
    int done = a->place.fd >= 0 ? fsetxattr(a->place.fd, name, value, len, flags)
                                : lsetxattr(a->path, name, value, len, flags);

    return done < 0 ? -errno : 0;
}

static int set_ours(const struct attribute *a, const void *value, size_t len, int flags)
{
    const struct span bound[] = {span_of(a->id, FOLDER_ID), span_of(a->tag, FOLDER_TAG)};
    size_t name_len = strlen(a->name), size = 1 + name_len + len;
    uint8_t *bytes;
    int error = -EIO;

    if (size + SIV_TAG > XATTR_SIZE_MAX)
        return -E2BIG;
    if (!(bytes = malloc(2 * SEALED_MAX)))
        return -ENOMEM;
    bytes[0] = (uint8_t)name_len;
    memcpy(bytes + 1, a->name, name_len);
    if (len > 0)
        memcpy(bytes + 1 + name_len, value, len);
    if (siv_seal(a->f->keys.attributes, bound, 2, bytes, size, bytes + SEALED_MAX))
        error = set_below(a, a->disk, bytes + SEALED_MAX, size + SIV_TAG, flags);
    free(bytes);
    return error;
}

int folder_put_xattr(struct folder *f, int fd, const uint8_t id[FOLDER_ID], const char *name,
                     const void *value, size_t len)
{
    struct attribute a = {.f = f, .place.fd = fd, .id = id, .is_ours = is_user(name)};
    int error;

    if (!a.is_ours)
        return set_below(&a, name, value, len, 0);
    a.name = name + sizeof USER - 1;
    error = seal_name(&a);
    return error == 0 ? set_ours(&a, value, len, 0) : error;
}

int folder_set_xattr(struct tree *t, uint64_t node, const char *name, const void *value,
                     size_t len, int flags)
{
    struct attribute a;
    int error = begin(&a, t, node, name);

    if (error != 0)
        return error;
    if (strcmp(name, CAPABILITY) == 0 && kept_of(a.place.node))
        atomic_store(&kept_of(a.place.node)->is_bare, false);
    error =
        a.is_ours ? set_ours(&a, value, len, flags) : set_below(&a, name, value, len, flags);
    nodes_let_go(a.f->nodes, &a.place);
    return error;
}

int folder_remove_xattr(struct tree *t, uint64_t node, const char *name)
{
    struct attribute a;
    int error = begin(&a, t, node, name), done;

    if (error != 0)
        return error;
    if (a.is_ours)
        name = a.disk;
    done = a.place.fd >= 0 ? fremovexattr(a.place.fd, name) : lremovexattr(a.path, name);
    error = done < 0 ? -errno : 0;
    nodes_let_go(a.f->nodes, &a.place);
    return error;
}

/* ---- from one volume key to another ---- */

/* Those of an open file, under the keys of both folders. */
struct turning {
    struct attribute from, to;
    uint8_t *bytes;  /* 2 * SEALED_MAX */
    struct text old; /* what they were called, each with its NUL */
    int out;
};

/* 0 also for one that is sealed under the other key already. */
static int turn_xattr(struct turning *t, const char *disk)
{
    uint8_t tag[FOLDER_TAG], *clear = t->bytes + SEALED_MAX;
    char name[XATTR_NAME_MAX + 2];
    ssize_t len;

    if (base64url_decode(span_text(disk + sizeof OURS - 1), tag, sizeof tag) != FOLDER_TAG)
        return -EIO;
    len = open_value(&t->from, disk, tag, t->bytes, clear);
    if (len == -EIO && t->to.f)
        return (len = open_value(&t->to, disk, tag, t->bytes, clear)) < 0 ? (int)len : 0;
    if (len < 0 || !t->to.f)
        return len < 0 ? (int)len : 0;
    text_add(&t->old, span_of(disk, strlen(disk) + 1));
    snprintf(name, sizeof name, USER "%.*s", clear[0], (char *)clear + 1);
    return folder_put_xattr(t->to.f, t->out, t->to.id, name, clear + 1 + clear[0],
                            (size_t)len - 1 - clear[0]);
}

/* The new ones are on the disk before the old ones go. */
static int drop_old(struct turning *t, int fd)
{
    if (t->old.len > 0 && fsync(t->out) < 0)
        return -errno;
    for (size_t at = 0; at < t->old.len; at += strlen(t->old.at + at) + 1)
        if (fremovexattr(fd, t->old.at + at) < 0)
            return -errno;
    return 0;
}

int folder_turn_xattrs(struct folder *from, struct folder *to, int fd,
                       const uint8_t id[FOLDER_ID], int out)
{
    struct turning t = {.from = {.f = from, .place.fd = fd, .id = id},
                        .to = {.f = to, .place.fd = fd, .id = id},
                        .bytes = malloc(2 * SEALED_MAX),
                        .out = out};
    char *names = malloc(XATTR_LIST_MAX);
    ssize_t len = names && t.bytes ? flistxattr(fd, names, XATTR_LIST_MAX) : -1;
    int error = names && t.bytes ? 0 : -ENOMEM, damaged = 0;

    for (ssize_t at = 0; at < len && error == 0; at += (ssize_t)strlen(names + at) + 1)
        if (strncmp(names + at, OURS, sizeof OURS - 1) == 0 &&
            (error = turn_xattr(&t, names + at)) == -EIO) {
            damaged = error;
            error = 0;
        }
    if (error == 0 && !text_ok(&t.old))
        error = -ENOMEM;
    if (error == 0 && to)
        error = drop_old(&t, fd);
    text_clear(&t.old);
    free(names);
    free(t.bytes);
    return error != 0 ? error : damaged;
}

int folder_carry_xattrs(int from, int to)
{
    char *names = malloc(XATTR_LIST_MAX), *value = malloc(XATTR_SIZE_MAX);
    ssize_t len = names && value ? flistxattr(from, names, XATTR_LIST_MAX) : -1, size;
    int error = !names || !value ? -ENOMEM : len < 0 ? -errno : 0;

    for (ssize_t at = 0; at < len && error == 0; at += (ssize_t)strlen(names + at) + 1)
        if (strncmp(names + at, OURS, sizeof OURS - 1) == 0 &&
            ((size = fgetxattr(from, names + at, value, XATTR_SIZE_MAX)) < 0 ||
             fsetxattr(to, names + at, value, (size_t)size, 0) < 0))
            error = -errno;
    if (error == 0 && fsync(to) < 0)
        error = -errno;
    free(names);
    free(value);
    return error;
}

/* The value stays, under a name that is not of this format. */
static int put_aside(int fd, const char *disk, uint8_t *value)
{
    char name[XATTR_NAME_MAX + 1];
    ssize_t len = fgetxattr(fd, disk, value, SEALED_MAX);

    snprintf(name, sizeof name, ASIDE "%s", disk + sizeof OURS - 1);
    return len < 0 || fsetxattr(fd, name, value, (size_t)len, 0) < 0 ||
                   fremovexattr(fd, disk) < 0
               ? -errno
               : 0;
}

int folder_check_xattrs(struct folder *f, int fd, const uint8_t id[FOLDER_ID], bool aside,
                        unsigned *damaged)
{
    struct turning t = {.from = {.f = f, .place.fd = fd, .id = id},
                        .bytes = malloc(2 * SEALED_MAX),
                        .out = -1};
    char *names = malloc(XATTR_LIST_MAX);
    ssize_t len = names && t.bytes ? flistxattr(fd, names, XATTR_LIST_MAX) : -1;
    int error = names && t.bytes ? 0 : -ENOMEM;

    lower_path(t.from.path, fd, NULL);
    for (ssize_t at = 0; at < len && error == 0; at += (ssize_t)strlen(names + at) + 1) {
        if (strncmp(names + at, OURS, sizeof OURS - 1) != 0 ||
            (error = turn_xattr(&t, names + at)) != -EIO)
            continue;
        ++*damaged;
        error = aside ? put_aside(fd, names + at, t.bytes) : 0;
    }
    free(names);
    free(t.bytes);
    return error;
}
