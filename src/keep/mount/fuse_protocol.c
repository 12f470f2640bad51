#include "keep/mount/fuse_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILE_ID = 2,        /* the directory is FUSE_ROOT_ID */
    MINOR_LEAST = 23,   /* INIT has its full length since then */
    TTL_SECONDS = 3600, /* nobody but us changes anything here */
    PIECE = 256 << 10,  /* of what one reader asks for, that several threads decrypt it */
    BACKGROUND = 64, /* requests that the kernel may have in flight beside those waited for */
};

/* One request, with what the handlers ask of it. */
struct call {
    struct fuse_face *face;
    uint64_t node;
    const uint8_t *in; /* behind the header */
    size_t in_len;
    void *room;
    struct fuse_reply *reply;
};

/* Returns 0, or the errno to reply. */
typedef int answer(struct call *c);

static int error_of(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return 0;
    case RC_DENIED:
        return EROFS;
    case RC_UNSUPPORTED:
        return EOPNOTSUPP;
    case RC_MEMORY:
        return ENOMEM;
    case RC_LIMIT:
        return ENOSPC;
    default:
        return errno == ENOSPC || errno == EDQUOT ? ENOSPC : EIO;
    }
}

/* Whoever wrote may not pass the error on, or not notice: it is told again at the end. */
static int error_noted(struct fuse_face *face, enum rc rc)
{
    int error = error_of(rc);

    if (rc != RC_OK && rc != RC_DENIED)
        atomic_store(&face->lost, error);
    return error;
}

static void fill_attr(const struct fuse_face *face, uint64_t node, struct fuse_attr *attr)
{
    bool file = node == FILE_ID;
    uint32_t mode = face->device->read_only ? 0400 : 0600;

    *attr = (struct fuse_attr){
        .ino = node,
        .size = file ? face->device->size : 0,
        .blocks = file ? face->device->size / 512 : 0,
        .atime = face->time,
        .mtime = face->time,
        .ctime = face->time,
        .mode = file ? S_IFREG | mode : S_IFDIR | 0500,
        .nlink = file ? 1 : 2,
        .uid = face->owner,
        .gid = face->group,
        .blksize = 4096,
    };
}

static int answer_init(struct call *c)
{
    struct fuse_init_in in;
    struct fuse_init_out *out = &c->reply->body.init;

    memcpy(&in, c->in,
           sizeof in.major + sizeof in.minor + sizeof in.max_readahead + sizeof in.flags);
    *out = (struct fuse_init_out){.major = FUSE_KERNEL_VERSION,
                                  .minor = FUSE_KERNEL_MINOR_VERSION};
    c->reply->body_len = sizeof *out;
    if (in.major > FUSE_KERNEL_VERSION)
        return 0; /* it comes again with ours */
    if (in.major < FUSE_KERNEL_VERSION || in.minor < MINOR_LEAST)
        return EPROTO;
    out->max_readahead = in.max_readahead;
    out->flags = in.flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO |
                             FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES);
    out->max_background = BACKGROUND;
    out->congestion_threshold = BACKGROUND * 3 / 4;
    out->max_write = FUSE_PAYLOAD_MAX;
    out->max_pages = FUSE_PAYLOAD_MAX / 4096;
    out->time_gran = 1;
    return 0;
}

static int answer_lookup(struct call *c)
{
    struct fuse_entry_out *out = &c->reply->body.entry;
    const char *name = (const char *)c->in;

    if (!memchr(name, '\0', c->in_len))
        return EINVAL;
    if (c->node != FUSE_ROOT_ID || strcmp(name, c->face->name) != 0)
        return ENOENT;
    *out = (struct fuse_entry_out){
        .nodeid = FILE_ID, .entry_valid = TTL_SECONDS, .attr_valid = TTL_SECONDS};
    fill_attr(c->face, FILE_ID, &out->attr);
    c->reply->body_len = sizeof *out;
    return 0;
}

static int answer_getattr(struct call *c)
{
    struct fuse_attr_out *out = &c->reply->body.attr;

    *out = (struct fuse_attr_out){.attr_valid = TTL_SECONDS};
    fill_attr(c->face, c->node, &out->attr);
    c->reply->body_len = sizeof *out;
    return 0;
}

/* Times may be set, which changes nothing; a size only to what it is. */
static int answer_setattr(struct call *c)
{
    struct fuse_setattr_in in;

    memcpy(&in, c->in, sizeof in);
    if (in.valid & (FATTR_MODE | FATTR_UID | FATTR_GID))
        return EPERM;
    if ((in.valid & FATTR_SIZE) && (c->node != FILE_ID || in.size != c->face->device->size))
        return EPERM;
    return answer_getattr(c);
}

static int answer_open(struct call *c)
{
    struct fuse_open_in in;

    memcpy(&in, c->in, sizeof in);
    if (c->node != FILE_ID)
        return EISDIR;
    if (c->face->device->read_only && (in.flags & O_ACCMODE) != O_RDONLY)
        return EROFS;
    c->reply->body.open =
        (struct fuse_open_out){.open_flags = FOPEN_KEEP_CACHE | FOPEN_PARALLEL_DIRECT_WRITES};
    c->reply->body_len = sizeof c->reply->body.open;
    return 0;
}

static int answer_opendir(struct call *c)
{
    if (c->node != FUSE_ROOT_ID)
        return ENOTDIR;
    c->reply->body.open = (struct fuse_open_out){0};
    c->reply->body_len = sizeof c->reply->body.open;
    return 0;
}

static int answer_read(struct call *c)
{
    struct fuse_read_in in;
    uint64_t size = c->face->device->size;
    enum rc rc;

    memcpy(&in, c->in, sizeof in);
    if (c->node != FILE_ID)
        return EISDIR;
    if (in.size > FUSE_PAYLOAD_MAX)
        return EINVAL;
    if (in.offset >= size)
        return 0;
    c->reply->data = c->room;
    c->reply->data_len = in.size < size - in.offset ? in.size : (size_t)(size - in.offset);
    errno = 0;
    rc = device_read(c->face->device, in.offset, c->room, c->reply->data_len, NULL);
    return error_of(rc);
}

static int answer_write(struct call *c)
{
    struct fuse_write_in in;
    uint8_t *from = (uint8_t *)(uintptr_t)c->in + sizeof in; /* the handler's to change */
    uint64_t size = c->face->device->size;
    enum rc rc;

    memcpy(&in, c->in, sizeof in);
    if (c->node != FILE_ID)
        return EISDIR;
    if (in.size != c->in_len - sizeof in)
        return EINVAL;
    if (in.offset > size || (in.offset == size && in.size > 0))
        return ENOSPC;
    if (in.size > size - in.offset)
        in.size = (uint32_t)(size - in.offset);
    errno = 0;
    rc = c->face->bulk ? device_write_over(c->face->device, in.offset, from, in.size, NULL)
                       : device_write(c->face->device, in.offset, from, in.size, NULL);
    c->reply->body.write = (struct fuse_write_out){.size = in.size};
    c->reply->body_len = sizeof c->reply->body.write;
    return error_noted(c->face, rc);
}

static int answer_flush(struct call *c)
{
    enum rc rc = RC_OK;

    errno = 0;
    if (c->node == FILE_ID && !c->face->device->read_only)
        rc = device_flush(c->face->device, NULL);
    return error_noted(c->face, rc);
}

static int answer_nothing(struct call *c)
{
    (void)c;
    return 0;
}

static int answer_silent(struct call *c)
{
    c->reply->silent = true;
    return 0;
}

static int answer_statfs(struct call *c)
{
    c->reply->body.statfs =
        (struct fuse_statfs_out){.st = {
                                     .blocks = c->face->device->size / 4096,
                                     .files = 2,
                                     .bsize = 4096,
                                     .frsize = 4096,
                                     .namelen = 255,
                                 }};
    c->reply->body_len = sizeof c->reply->body.statfs;
    return 0;
}

/* Appends one entry to the room; false when `left` is too little. */
static bool add_entry(uint8_t *at, size_t *len, size_t left, uint64_t id, uint64_t next,
                      const char *name)
{
    size_t name_len = strlen(name), whole = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name_len);
    struct fuse_dirent entry = {
        .ino = id, .off = next, .namelen = (uint32_t)name_len, .type = S_IFDIR >> 12};

    if (id == FILE_ID)
        entry.type = S_IFREG >> 12;
    if (whole > left - *len)
        return false;
    memset(at + *len, 0, whole);
    memcpy(at + *len, &entry, FUSE_NAME_OFFSET);
    memcpy(at + *len + FUSE_NAME_OFFSET, name, name_len);
    *len += whole;
    return true;
}

static int answer_readdir(struct call *c)
{
    const struct {
        uint64_t id;
        const char *name;
    } entries[] = {{FUSE_ROOT_ID, "."}, {FUSE_ROOT_ID, ".."}, {FILE_ID, c->face->name}};
    struct fuse_read_in in;

    memcpy(&in, c->in, sizeof in);
    if (c->node != FUSE_ROOT_ID)
        return ENOTDIR;
    if (in.size > FUSE_PAYLOAD_MAX)
        return EINVAL;
    c->reply->data = c->room;
    for (uint64_t i = in.offset; i < sizeof entries / sizeof *entries; i++)
        if (!add_entry(c->room, &c->reply->data_len, in.size, entries[i].id, i + 1,
                       entries[i].name))
            break;
    return 0;
}

static int answer_fallocate(struct call *c)
{
    struct fuse_fallocate_in in;
    uint64_t size = c->face->device->size;

    memcpy(&in, c->in, sizeof in);
    if (in.mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) || !c->face->discard ||
        c->node != FILE_ID)
        return EOPNOTSUPP;
    if (in.offset >= size || in.length == 0)
        return EINVAL;
    if (in.length > size - in.offset)
        in.length = size - in.offset;
    errno = 0;
    return error_of(device_discard(c->face->device, in.offset, in.length, NULL));
}

static int answer_ioctl(struct call *c)
{
    struct fuse_ioctl_in in;
    uint64_t bottom;
    enum rc rc;

    memcpy(&in, c->in, sizeof in);
    if (in.cmd != FUSE_FACE_FOLLOW || c->node != FILE_ID)
        return ENOTTY;
    if (c->in_len < sizeof in + sizeof bottom)
        return EINVAL;
    memcpy(&bottom, c->in + sizeof in, sizeof bottom);
    rc = device_follow(c->face->device, bottom, NULL);
    c->reply->body.ioctl = (struct fuse_ioctl_out){0};
    c->reply->body_len = sizeof c->reply->body.ioctl;
    return rc == RC_TRUNCATED ? EOVERFLOW : error_of(rc);
}

static int answer_refusal(struct call *c)
{
    (void)c;
    return EPERM;
}

/* What is not here is ENOSYS, which the kernel remembers and does not ask again. */
static const struct {
    answer *answer;
    uint16_t in_least; /* bytes behind the header, at least */
} operations[] = {
    [FUSE_LOOKUP] = {answer_lookup, 1},
    [FUSE_FORGET] = {answer_silent, 0},
    [FUSE_GETATTR] = {answer_getattr, sizeof(struct fuse_getattr_in)},
    [FUSE_SETATTR] = {answer_setattr, sizeof(struct fuse_setattr_in)},
    [FUSE_SYMLINK] = {answer_refusal, 0},
    [FUSE_MKNOD] = {answer_refusal, 0},
    [FUSE_MKDIR] = {answer_refusal, 0},
    [FUSE_UNLINK] = {answer_refusal, 0},
    [FUSE_RMDIR] = {answer_refusal, 0},
    [FUSE_RENAME] = {answer_refusal, 0},
    [FUSE_LINK] = {answer_refusal, 0},
    [FUSE_OPEN] = {answer_open, sizeof(struct fuse_open_in)},
    [FUSE_READ] = {answer_read, sizeof(struct fuse_read_in)},
    [FUSE_WRITE] = {answer_write, sizeof(struct fuse_write_in)},
    [FUSE_STATFS] = {answer_statfs, 0},
    [FUSE_RELEASE] = {answer_nothing, 0},
    [FUSE_FSYNC] = {answer_flush, 0},
    [FUSE_FLUSH] = {answer_flush, 0},
    [FUSE_INIT] = {answer_init, 16},
    [FUSE_OPENDIR] = {answer_opendir, sizeof(struct fuse_open_in)},
    [FUSE_READDIR] = {answer_readdir, sizeof(struct fuse_read_in)},
    [FUSE_RELEASEDIR] = {answer_nothing, 0},
    [FUSE_FSYNCDIR] = {answer_nothing, 0},
    [FUSE_CREATE] = {answer_refusal, 0},
    [FUSE_INTERRUPT] = {answer_silent, 0},
    [FUSE_IOCTL] = {answer_ioctl, sizeof(struct fuse_ioctl_in)},
    [FUSE_DESTROY] = {answer_nothing, 0},
    [FUSE_BATCH_FORGET] = {answer_silent, 0},
    [FUSE_FALLOCATE] = {answer_fallocate, sizeof(struct fuse_fallocate_in)},
    [FUSE_RENAME2] = {answer_refusal, 0},
};

static int dispatch(struct call *c, uint32_t opcode)
{
    if (opcode >= sizeof operations / sizeof *operations || !operations[opcode].answer)
        return ENOSYS;
    if (c->in_len < operations[opcode].in_least)
        return EINVAL;
    if (c->node != FUSE_ROOT_ID && c->node != FILE_ID && opcode != FUSE_INIT &&
        opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
        opcode != FUSE_STATFS && opcode != FUSE_DESTROY)
        return ESTALE;
    return operations[opcode].answer(c);
}

enum rc fuse_answer(void *face, const void *request, size_t len, void *room,
                    struct fuse_reply *reply)
{
    struct fuse_in_header head;
    struct call c = {.face = face, .room = room, .reply = reply};
    int error;

    if (len < sizeof head)
        return RC_FORMAT;
    memcpy(&head, request, sizeof head);
    if (head.len != len || len > FUSE_REQUEST_MAX)
        return RC_FORMAT;
    c.node = head.nodeid;
    c.in = (const uint8_t *)request + sizeof head;
    c.in_len = len - sizeof head;
    reply->body_len = reply->data_len = 0;
    reply->data = NULL;
    reply->silent = false;
    error = dispatch(&c, head.opcode);
    if (error != 0)
        reply->body_len = reply->data_len = 0;
    reply->head = (struct fuse_out_header){
        .len = (uint32_t)(sizeof reply->head + reply->body_len + reply->data_len),
        .error = -error,
        .unique = head.unique,
    };
    return RC_OK;
}

enum rc fuse_face_open(struct fuse_transport **out, struct fuse_face *face,
                       const char *directory, struct fault *why)
{
    const struct fuse_handler handler = {
        .answer = fuse_answer,
        .of = face,
        .piece = face->bulk ? 0 : PIECE,
        .bulk = face->bulk,
    };
    const struct fuse_mount mount = {
        .directory = directory, .read_only = face->device->read_only, .noexec = true};

    return fuse_transport_open(out, &handler, &mount, why);
}
