/* Sockets towards others, and their options. */
#ifndef IO_SOCKET_H
#define IO_SOCKET_H

#include <stdbool.h>

#include "base/fault.h"
#include "io/address.h"

/*
 * Begins a connection; the fd is non-blocking, close-on-exec, and without Nagle's delay where
 * it is TCP.
 *
 * RC_OK      connected already (*fd)
 * RC_AGAIN   under way (*fd): when it may be written, socket_error says what came of it
 * RC_IO      refused at once; *fd is untouched, errno says why
 * RC_MEMORY  there was no socket to be had: see socket_is_short
 */
enum rc socket_connect(const struct address *to, int *fd);

/* An errno that tells of us and not of the other side: no descriptor or no memory is left. */
bool socket_is_short(int error);

/* The error that waits on a socket, as errno has them; 0 for none. Reading it takes it away.
 */
int socket_error(int fd);

/* The address it is bound to. */
enum rc socket_local(int fd, struct address *address);

/* Does nothing on a socket that is not TCP. */
void socket_no_delay(int fd);

/* SO_KEEPALIVE */
void socket_keep_alive(int fd);

/* Makes close(2) send a reset, and drop what was not sent. */
void socket_reset_on_close(int fd);

#endif
