/*
 * A connection's bytes, whatever carries them: a socket as it is, or TLS over one (gate/tls).
 * Never blocks and owns its fd.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stddef.h>
#include <sys/uio.h>

#include "base/fault.h"

struct stream;

/* One way to carry; the plain one is stream_socket. */
struct stream_kind {
    const char *name;
    enum rc (*handshake)(struct stream *s, struct fault *why); /* NULL: none is needed */
    enum rc (*read)(struct stream *s, void *at, size_t size, size_t *got);
    enum rc (*write)(struct stream *s, const struct iovec *pieces, int count, size_t *sent);
    void (*shut)(struct stream *s); /* no more will be written */
    void (*free)(struct stream *s); /* the state, not the fd */
};

/* {0} is a closed stream. 24 bytes. */
struct stream {
    const struct stream_kind *kind;
    void *state;
    int fd;
};

extern const struct stream_kind stream_socket;

/* RC_OK when done, RC_AGAIN when it waits for the fd; anything else: close it. */
static inline enum rc stream_handshake(struct stream *s, struct fault *why)
{
    return s->kind->handshake ? s->kind->handshake(s, why) : RC_OK;
}

/*
 * RC_OK     *got is 1 or more; less than `size` from a plain socket says that it is drained
 * for now RC_AGAIN  nothing now RC_END    the other side ended in good order (TLS: with
 * close_notify) RC_IO     reset, or a TLS error; errno says which
 */
static inline enum rc stream_read(struct stream *s, void *at, size_t size, size_t *got)
{
    return s->kind->read(s, at, size, got);
}

/* RC_OK: *sent is 1 or more, perhaps not all. RC_AGAIN: no room; after it, offer the same
 * bytes again. */
static inline enum rc stream_write(struct stream *s, const struct iovec *pieces, int count,
                                   size_t *sent)
{
    return s->kind->write(s, pieces, count, sent);
}

/* Must be called again on TLS, whose library may hold bytes that no event will announce. */
static inline int stream_is_plain(const struct stream *s)
{
    return s->kind == &stream_socket;
}

/* Says that no more will be written. */
static inline void stream_shut(struct stream *s)
{
    s->kind->shut(s);
}

/* Harmless on {0}. */
void stream_close(struct stream *s);

#endif
