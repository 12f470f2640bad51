#include "keep/mount/nbd_protocol.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/span.h"

#define GREETING UINT64_C(0x4e42444d41474943)
#define OPTION_MAGIC UINT64_C(0x49484156454f5054)
#define OPTION_REPLY_MAGIC UINT64_C(0x0003e889045565a9)
#define REQUEST_MAGIC UINT32_C(0x25609513)
#define SIMPLE_MAGIC UINT32_C(0x67446698)
#define CHUNK_MAGIC UINT32_C(0x668e33ef)

enum { CLIENT_FLAGS = 4, OPTION_HEAD = 16, ZEROES = 124 };

enum state { FLAGS, HEAD, DATA, DONE };

/* Of both sides in the handshake. */
enum { FIXED_NEWSTYLE = 1 << 0, NO_ZEROES = 1 << 1 };

enum option {
    OPT_EXPORT_NAME = 1,
    OPT_ABORT = 2,
    OPT_LIST = 3,
    OPT_INFO = 6,
    OPT_GO = 7,
    OPT_STRUCTURED_REPLY = 8,
};

enum reply { REP_ACK = 1, REP_SERVER = 2, REP_INFO = 3 };

#define REP_ERR_UNSUPPORTED UINT32_C(0x80000001)
#define REP_ERR_INVALID UINT32_C(0x80000003)
#define REP_ERR_UNKNOWN UINT32_C(0x80000006)

enum info { INFO_EXPORT = 0, INFO_BLOCK_SIZE = 3 };

/* Of an export. */
enum {
    HAS_FLAGS = 1 << 0,
    READ_ONLY = 1 << 1,
    SEND_FLUSH = 1 << 2,
    SEND_FUA = 1 << 3,
    SEND_TRIM = 1 << 5,
    SEND_WRITE_ZEROES = 1 << 6,
    SEND_DF = 1 << 7,
    CAN_MULTI_CONN = 1 << 8,
};

/* Of a command. */
enum { COMMAND_FUA = 1 << 0, COMMAND_NO_HOLE = 1 << 1, COMMAND_DF = 1 << 2 };

enum chunk { CHUNK_NONE = 0, CHUNK_DATA = 1, CHUNK_ERROR = (1 << 15) + 1, CHUNK_LAST = 1 };

static uint8_t *room(struct nbd_session *s, size_t len)
{
    uint8_t *at = s->reply + s->reply_len;

    assert(len <= sizeof s->reply - s->reply_len);
    s->reply_len += len;
    return at;
}

/* The head of one reply to an option; gives the room for its data. */
static uint8_t *reply(struct nbd_session *s, uint32_t type, size_t len)
{
    uint8_t *at = room(s, 20 + len);

    be64_put(at, OPTION_REPLY_MAGIC);
    be32_put(at + 8, s->option);
    be32_put(at + 12, type);
    be32_put(at + 16, (uint32_t)len);
    return at + 20;
}

static void refuse(struct nbd_session *s, uint32_t type, const char *text)
{
    size_t len = strlen(text);

    memcpy(reply(s, type, len), text, len);
}

static uint16_t export_flags(const struct nbd_session *s)
{
    int flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA | CAN_MULTI_CONN;

    if (s->structured)
        flags |= SEND_DF;
    if (s->export->read_only)
        flags |= READ_ONLY;
    else
        flags |= SEND_WRITE_ZEROES | (s->export->trims ? SEND_TRIM : 0);
    return (uint16_t)flags;
}

void nbd_begin(struct nbd_session *session, const struct nbd_export *export)
{
    uint8_t *at;

    *session = (struct nbd_session){.export = export, .wants = CLIENT_FLAGS};
    at = room(session, 18);
    be64_put(at, GREETING);
    be64_put(at + 8, OPTION_MAGIC);
    be16_put(at + 16, FIXED_NEWSTYLE | NO_ZEROES);
}

static enum rc await(struct nbd_session *s, enum state state, uint32_t wants)
{
    s->state = state;
    s->wants = wants;
    return RC_AGAIN;
}

static enum rc take_flags(struct nbd_session *s, uint32_t flags)
{
    if (flags & ~(uint32_t)(FIXED_NEWSTYLE | NO_ZEROES))
        return RC_FORMAT;
    s->no_zeroes = flags & NO_ZEROES;
    return await(s, HEAD, OPTION_HEAD);
}

/* The old way in: it has no reply for a failure. */
static enum rc take_export_name(struct nbd_session *s, struct span name)
{
    size_t zeroes = s->no_zeroes ? 0 : ZEROES;
    uint8_t *at;

    if (name.len > 0)
        return RC_END;
    at = room(s, 10 + zeroes);
    be64_put(at, s->export->size);
    be16_put(at + 8, export_flags(s));
    memset(at + 10, 0, zeroes);
    s->state = DONE;
    return RC_OK;
}

/* Its data are a name with its length before it, and a list of what the client wants to know. */
static bool cut_name(struct span data, struct span *name)
{
    uint32_t len;

    if (data.len < 6 || (len = be32_get(data.at)) > data.len - 6)
        return false;
    *name = span_of(data.at + 4, len);
    return data.len - 6 - len == 2 * (size_t)be16_get(data.at + 4 + len);
}

/* Both facts are told to everybody, whatever was asked for. */
static enum rc take_info(struct nbd_session *s, struct span data)
{
    struct span name;
    uint8_t *at;

    if (!cut_name(data, &name)) {
        refuse(s, REP_ERR_INVALID, "the length is wrong");
        return RC_AGAIN;
    }
    if (name.len > 0) {
        refuse(s, REP_ERR_UNKNOWN, "the name of the only export is empty");
        return RC_AGAIN;
    }
    at = reply(s, REP_INFO, 12);
    be16_put(at, INFO_EXPORT);
    be64_put(at + 2, s->export->size);
    be16_put(at + 10, export_flags(s));
    at = reply(s, REP_INFO, 14);
    be16_put(at, INFO_BLOCK_SIZE);
    be32_put(at + 2, 1);
    be32_put(at + 6, s->export->block_size);
    be32_put(at + 10, NBD_LENGTH_MAX);
    reply(s, REP_ACK, 0);
    if (s->option == OPT_INFO)
        return RC_AGAIN;
    s->state = DONE;
    return RC_OK;
}

static enum rc take_list(struct nbd_session *s, struct span data)
{
    if (data.len > 0) {
        refuse(s, REP_ERR_INVALID, "LIST has no data");
        return RC_AGAIN;
    }
    be32_put(reply(s, REP_SERVER, 4), 0);
    reply(s, REP_ACK, 0);
    return RC_AGAIN;
}

static enum rc take_structured(struct nbd_session *s, struct span data)
{
    if (data.len > 0) {
        refuse(s, REP_ERR_INVALID, "STRUCTURED_REPLY has no data");
        return RC_AGAIN;
    }
    s->structured = true;
    reply(s, REP_ACK, 0);
    return RC_AGAIN;
}

static enum rc take_option(struct nbd_session *s, struct span data)
{
    s->state = HEAD;
    s->wants = OPTION_HEAD;
    switch (s->option) {
    case OPT_EXPORT_NAME:
        return take_export_name(s, data);
    case OPT_ABORT:
        reply(s, REP_ACK, 0);
        return RC_END;
    case OPT_LIST:
        return take_list(s, data);
    case OPT_INFO:
    case OPT_GO:
        return take_info(s, data);
    case OPT_STRUCTURED_REPLY:
        return take_structured(s, data);
    default:
        reply(s, REP_ERR_UNSUPPORTED, 0);
        return RC_AGAIN;
    }
}

static enum rc take_head(struct nbd_session *s, const uint8_t *bytes)
{
    uint32_t len = be32_get(bytes + 12);

    if (be64_get(bytes) != OPTION_MAGIC)
        return RC_FORMAT;
    if (len > NBD_OPTION_MAX)
        return RC_LIMIT;
    s->option = be32_get(bytes + 8);
    return len > 0 ? await(s, DATA, len) : take_option(s, span_of(NULL, 0));
}

enum rc nbd_step(struct nbd_session *session, const uint8_t *bytes)
{
    session->reply_len = 0;
    switch ((enum state)session->state) {
    case FLAGS:
        return take_flags(session, be32_get(bytes));
    case HEAD:
        return take_head(session, bytes);
    case DATA:
        return take_option(session, span_of(bytes, session->wants));
    case DONE:
        break;
    }
    return RC_FORMAT;
}

enum rc nbd_request_read(struct nbd_request *request, const uint8_t bytes[NBD_REQUEST])
{
    uint16_t flags = be16_get(bytes + 4);

    if (be32_get(bytes) != REQUEST_MAGIC)
        return RC_FORMAT;
    *request = (struct nbd_request){
        .command = be16_get(bytes + 6),
        .offset = be64_get(bytes + 16),
        .len = be32_get(bytes + 24),
        .fua = flags & COMMAND_FUA,
        .unbroken = flags & COMMAND_DF,
    };
    memcpy(request->cookie, bytes + 8, sizeof request->cookie);
    /* Data of an unknown length would follow, and nothing could be told apart any more. */
    return request->command == NBD_WRITE && request->len > NBD_LENGTH_MAX ? RC_FORMAT : RC_OK;
}

static bool lies_inside(const struct nbd_session *s, const struct nbd_request *request)
{
    return request->len > 0 && request->offset <= s->export->size &&
           request->len <= s->export->size - request->offset;
}

int nbd_request_check(const struct nbd_session *session, const struct nbd_request *request)
{
    const struct nbd_export *export = session->export;

    switch ((enum nbd_command)request->command) {
    case NBD_READ:
        if (request->unbroken && (!session->structured || request->len > export->unbroken_max))
            return session->structured ? EOVERFLOW : EINVAL;
        return lies_inside(session, request) && request->len <= NBD_LENGTH_MAX ? 0 : EINVAL;
    case NBD_WRITE:
    case NBD_WRITE_ZEROES:
        if (export->read_only)
            return EPERM;
        return lies_inside(session, request) ? 0 : request->len > 0 ? ENOSPC : EINVAL;
    case NBD_TRIM:
        if (export->read_only)
            return EPERM;
        return lies_inside(session, request) && export->trims ? 0 : EINVAL;
    case NBD_FLUSH:
    case NBD_DISCONNECT:
        return 0;
    }
    return EINVAL;
}

static size_t put_chunk(uint8_t *head, const struct nbd_request *request, uint16_t flags,
                        enum chunk type, uint32_t len)
{
    be32_put(head, CHUNK_MAGIC);
    be16_put(head + 4, flags);
    be16_put(head + 6, (uint16_t)type);
    memcpy(head + 8, request->cookie, sizeof request->cookie);
    be32_put(head + 16, len);
    return 20;
}

static size_t put_simple(uint8_t *head, const struct nbd_request *request, int error)
{
    be32_put(head, SIMPLE_MAGIC);
    be32_put(head + 4, (uint32_t)error);
    memcpy(head + 8, request->cookie, sizeof request->cookie);
    return 16;
}

size_t nbd_put_done(uint8_t head[NBD_HEAD_MAX], const struct nbd_session *session,
                    const struct nbd_request *request, int error)
{
    size_t len;

    if (!session->structured || request->command != NBD_READ)
        return put_simple(head, request, error);
    len =
        put_chunk(head, request, CHUNK_LAST, error ? CHUNK_ERROR : CHUNK_NONE, error ? 6 : 0);
    if (!error)
        return len;
    be32_put(head + len, (uint32_t)error);
    be16_put(head + len + 4, 0); /* no words */
    return len + 6;
}

size_t nbd_put_data(uint8_t head[NBD_HEAD_MAX], const struct nbd_session *session,
                    const struct nbd_request *request, uint32_t done, uint32_t len)
{
    size_t head_len;

    if (!session->structured)
        return done == 0 ? put_simple(head, request, 0) : 0;
    head_len = put_chunk(head, request, done + len == request->len ? CHUNK_LAST : 0,
                         CHUNK_DATA, 8 + len);
    be64_put(head + head_len, request->offset + done);
    return head_len + 8;
}
