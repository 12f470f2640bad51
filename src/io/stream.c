#include "io/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum rc socket_read(struct stream *s, void *at, size_t size, size_t *got)
{
    ssize_t n;

    do
        n = recv(s->fd, at, size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        *got = (size_t)n;
        return RC_OK;
    }
    if (n == 0)
        return RC_END;
    return errno == EAGAIN ? RC_AGAIN : RC_IO;
}

/* Less than this is brought together first: one copy costs less than what sendmsg does with a list. */
enum { TOGETHER = 2048 };

static bool bring_together(const struct iovec *pieces, int count, uint8_t *at, size_t *len)
{
    *len = 0;
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len > TOGETHER - *len)
            return false;
        if (pieces[i].iov_len > 0)
            memcpy(at + *len, pieces[i].iov_base, pieces[i].iov_len);
        *len += pieces[i].iov_len;
    }
    return true;
}

static ssize_t send_pieces(int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = {0};
    uint8_t bytes[TOGETHER];
    size_t len;

    if (count == 1)
        return send(fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
    if (bring_together(pieces, count, bytes, &len))
        return send(fd, bytes, len, MSG_NOSIGNAL);
    message.msg_iov = (struct iovec *)(uintptr_t)pieces; /* which sendmsg does not change */
    message.msg_iovlen = (size_t)count;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static enum rc socket_write(struct stream *s, const struct iovec *pieces, int count,
                            size_t *sent)
{
    ssize_t n;

    do
        n = send_pieces(s->fd, pieces, count);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        *sent = (size_t)n;
        return RC_OK;
    }
    return errno == EAGAIN ? RC_AGAIN : RC_IO;
}

static void socket_shut(struct stream *s)
{
    shutdown(s->fd, SHUT_WR);
}

static void socket_free(struct stream *s)
{
    (void)s;
}

const struct stream_kind stream_socket = {
    .name = "socket",
    .read = socket_read,
    .write = socket_write,
    .shut = socket_shut,
    .free = socket_free,
};

void stream_close(struct stream *s)
{
    if (!s->kind)
        return;
    s->kind->free(s);
    close(s->fd);
    *s = (struct stream){0};
}
