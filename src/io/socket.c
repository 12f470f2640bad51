#include "io/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum rc socket_connect(const struct address *to, int *fd)
{
    int made = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int reason;

    if (made < 0)
        return socket_is_short(errno) ? RC_MEMORY : RC_IO;
    if (to->any.sa_family != AF_UNIX)
        socket_no_delay(made);
    if (connect(made, &to->any, to->len) == 0) {
        *fd = made;
        return RC_OK;
    }
    if (errno == EINPROGRESS) {
        *fd = made;
        return RC_AGAIN;
    }
    reason = errno;
    close(made);
    errno = reason;
    return RC_IO;
}

bool socket_is_short(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int socket_error(int fd)
{
    int reason = 0;
    socklen_t len = sizeof reason;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) != 0)
        return errno;
    return reason;
}

enum rc socket_local(int fd, struct address *address)
{
    *address = (struct address){.len = sizeof *address - offsetof(struct address, any)};
    return getsockname(fd, &address->any, &address->len) == 0 ? RC_OK : RC_IO;
}

static void set_flag(int fd, int level, int option)
{
    (void)setsockopt(fd, level, option, &(int){1}, sizeof(int));
}

void socket_no_delay(int fd)
{
    set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
}

void socket_keep_alive(int fd)
{
    set_flag(fd, SOL_SOCKET, SO_KEEPALIVE);
}

void socket_reset_on_close(int fd)
{
    const struct linger now = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}
