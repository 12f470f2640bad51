#include "keep/mount/nbd_connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { HANDSHAKE_SECONDS = 20 };

_Static_assert((int)NBD_BUFFER >= (int)NBD_OPTION_MAX, "an option must fit");

struct connection {
    int fd;
    struct device *device;
    struct nbd_session session;
    uint8_t *buffer;
};

/* Both are false where the connection is over. */
static bool receive(const struct connection *c, void *at, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = recv(c->fd, (uint8_t *)at + done, len - done, MSG_WAITALL);

        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool send_both(const struct connection *c, const void *head, size_t head_len,
                      const void *data, size_t len)
{
    size_t done = 0, all = head_len + len;

    while (done < all) {
        size_t in_head = done < head_len ? head_len - done : 0;
        size_t in_data = done < head_len ? 0 : done - head_len;
        struct iovec pieces[] = {
            {(char *)(uintptr_t)head + (head_len - in_head), in_head},
            {(char *)(uintptr_t)data + in_data, len - in_data},
        };
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = len > 0 ? 2 : 1};
        ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return false;
        done += sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

static bool send_done(const struct connection *c, const struct nbd_request *r, int error)
{
    uint8_t head[NBD_HEAD_MAX];

    return send_both(c, head, nbd_put_done(head, &c->session, r, error), NULL, 0);
}

/* Who says nothing may not keep the volume from being closed. */
static void limit_silence(const struct connection *c, unsigned seconds)
{
    struct timeval limit = {.tv_sec = seconds};

    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static bool shake_hands(struct connection *c)
{
    enum rc rc = RC_AGAIN;

    limit_silence(c, HANDSHAKE_SECONDS);
    while (rc == RC_AGAIN) {
        if (!send_both(c, c->session.reply, c->session.reply_len, NULL, 0) ||
            !receive(c, c->buffer, c->session.wants))
            return false;
        rc = nbd_step(&c->session, c->buffer);
    }
    if (rc != RC_OK && rc != RC_END)
        return false;
    limit_silence(c, 0);
    return send_both(c, c->session.reply, c->session.reply_len, NULL, 0) && rc == RC_OK;
}

static int error_of(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return 0;
    case RC_DENIED:
        return EPERM;
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

static bool answer_read(struct connection *c, const struct nbd_request *r)
{
    uint8_t head[NBD_HEAD_MAX];

    for (uint32_t done = 0, len; done < r->len; done += len) {
        int error;

        len = r->len - done < NBD_BUFFER ? r->len - done : NBD_BUFFER;
        error = error_of(device_read(c->device, r->offset + done, c->buffer, len, NULL));
        if (error) /* without chunks there is no place for it behind the first bytes */
            return (c->session.structured || done == 0) && send_done(c, r, error);
        if (!send_both(c, head, nbd_put_data(head, &c->session, r, done, len), c->buffer, len))
            return false;
    }
    return true;
}

/* The next piece of what is written from `offset` on: only the first and the last begin or end
 * inside a sector. */
static size_t piece(uint64_t offset, uint64_t left)
{
    uint64_t rest = NBD_BUFFER - offset % NBD_BUFFER;

    return (size_t)(left < rest ? left : rest);
}

static int settle(struct connection *c, const struct nbd_request *r, int error)
{
    return error == 0 && r->fua ? error_of(device_flush(c->device, NULL)) : error;
}

/* The data are taken whether they can be written or not. */
static bool answer_write(struct connection *c, const struct nbd_request *r, int error)
{
    for (size_t done = 0, len; done < r->len; done += len) {
        len = piece(r->offset + done, r->len - done);
        if (!receive(c, c->buffer, len))
            return false;
        if (error == 0)
            error = error_of(device_write(c->device, r->offset + done, c->buffer, len, NULL));
    }
    return send_done(c, r, settle(c, r, error));
}

static bool answer_write_zeroes(struct connection *c, const struct nbd_request *r)
{
    int error = 0;

    memset(c->buffer, 0, r->len < NBD_BUFFER ? r->len : NBD_BUFFER);
    for (size_t done = 0, len; done < r->len && error == 0; done += len) {
        len = piece(r->offset + done, r->len - done);
        error = error_of(device_write(c->device, r->offset + done, c->buffer, len, NULL));
    }
    return send_done(c, r, settle(c, r, error));
}

static bool answer(struct connection *c, const struct nbd_request *r)
{
    int error = nbd_request_check(&c->session, r);

    if (r->command == NBD_WRITE)
        return answer_write(c, r, error);
    if (error)
        return send_done(c, r, error);
    switch ((enum nbd_command)r->command) {
    case NBD_READ:
        return answer_read(c, r);
    case NBD_WRITE_ZEROES:
        return answer_write_zeroes(c, r);
    case NBD_FLUSH:
        return send_done(c, r, error_of(device_flush(c->device, NULL)));
    case NBD_TRIM:
        error = error_of(device_discard(c->device, r->offset, r->len, NULL));
        return send_done(c, r, settle(c, r, error));
    case NBD_WRITE:
    case NBD_DISCONNECT:
        break;
    }
    return false;
}

void nbd_connection_run(int fd, struct device *device, const struct nbd_export *export,
                        uint8_t *buffer)
{
    struct connection c = {.fd = fd, .device = device, .buffer = buffer};
    uint8_t bytes[NBD_REQUEST];
    struct nbd_request request;

    nbd_begin(&c.session, export);
    if (!shake_hands(&c))
        return;
    while (receive(&c, bytes, sizeof bytes) && nbd_request_read(&request, bytes) == RC_OK &&
           answer(&c, &request))
        ;
}
