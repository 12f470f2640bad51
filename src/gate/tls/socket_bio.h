/* OpenSSL's view of a socket that we own: never raises SIGPIPE, never closes the fd. */
#ifndef GATE_TLS_SOCKET_BIO_H
#define GATE_TLS_SOCKET_BIO_H

#include <openssl/bio.h>

/* NULL when there is no memory. */
BIO *socket_bio_open(int fd);

#endif
