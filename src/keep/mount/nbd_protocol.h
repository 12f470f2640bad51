/*
 * The server's side of the NBD protocol, without input or output: the handshake as a machine that
 * says how many bytes it wants next, requests out of bytes, and the heads of replies.
 * Source: doc/proto.md of the NBD project: newstyle, fixed newstyle, structured replies.
 */
#ifndef KEEP_MOUNT_NBD_PROTOCOL_H
#define KEEP_MOUNT_NBD_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

enum {
    NBD_REPLY_MAX = 512,      /* bytes of the replies to one option */
    NBD_OPTION_MAX = 8192,    /* bytes of an option's data: names have 4096 at most */
    NBD_REQUEST = 28,         /* bytes of a request, without what a WRITE has behind it */
    NBD_HEAD_MAX = 28,        /* bytes of a reply, without data */
    NBD_LENGTH_MAX = 32 << 20 /* of a READ or WRITE */
};

/* What is served: one export, whose name is empty. */
struct nbd_export {
    uint64_t size;
    uint32_t block_size;   /* a power of two: what is fastest; any offset and length will do */
    uint32_t unbroken_max; /* bytes that one chunk of a reply can have */
    bool read_only, trims;
};

/* One client; owns nothing. */
struct nbd_session {
    const struct nbd_export *export;
    uint8_t state;
    bool no_zeroes, structured;
    uint32_t option;
    uint32_t wants; /* bytes that nbd_step takes next, NBD_OPTION_MAX at most */
    uint8_t reply[NBD_REPLY_MAX];
    size_t reply_len; /* to be sent before the next bytes are read */
};

/* `export` must stay as long as the session. */
void nbd_begin(struct nbd_session *session, const struct nbd_export *export);

/*
 * Takes the bytes that were wanted; afterwards there may be a reply.
 *
 * RC_AGAIN   the handshake goes on
 * RC_OK      it is done: requests follow
 * RC_END     the client takes its leave, or asks for what is not here in a way that has no reply
 * RC_FORMAT  it does not speak NBD
 * RC_LIMIT   an option of more than NBD_OPTION_MAX bytes
 */
enum rc nbd_step(struct nbd_session *session, const uint8_t *bytes);

enum nbd_command {
    NBD_READ = 0,
    NBD_WRITE = 1,
    NBD_DISCONNECT = 2,
    NBD_FLUSH = 3,
    NBD_TRIM = 4,
    NBD_WRITE_ZEROES = 6,
};

struct nbd_request {
    uint8_t cookie[8];
    uint16_t command; /* of enum nbd_command, or another */
    uint64_t offset;
    uint32_t len;
    bool fua;      /* on the medium before the reply */
    bool unbroken; /* the reply to a READ is one chunk */
};

/* RC_FORMAT  these bytes begin no request: the connection is of no use any more */
enum rc nbd_request_read(struct nbd_request *request, const uint8_t bytes[NBD_REQUEST]);

/* 0, or the errno to reply. A WRITE's data follow in any case. */
int nbd_request_check(const struct nbd_session *session, const struct nbd_request *request);

/* The reply without data: `error` is 0 or an errno. Gives its length. */
size_t nbd_put_done(uint8_t head[NBD_HEAD_MAX], const struct nbd_session *session,
                    const struct nbd_request *request, int error);

/*
 * What stands before `len` bytes of the reply to a READ, of which `done` have been sent; gives its
 * length. Without structured replies only the first piece has something before it.
 */
size_t nbd_put_data(uint8_t head[NBD_HEAD_MAX], const struct nbd_session *session,
                    const struct nbd_request *request, uint32_t done, uint32_t len);

#endif
