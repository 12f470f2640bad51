/*
 * TLS over a socket, as a kind of stream. The handshake is done by stream_handshake, or by the
 * first read or write. On such a stream:
 *
 * - a read may want to write and a write to read: after RC_AGAIN call again on any event of
 * the fd;
 * - a read that gave fewer bytes than asked for does not say that all was read: read until
 * RC_AGAIN;
 * - stream_shut sends the close_notify that tells the other side the end is meant;
 * stream_close alone does not, so that what breaks off cannot be taken for whole;
 * - after RC_AGAIN from a write, the next one must offer the same bytes and may offer more
 * behind them;
 * - no signal is raised by a broken connection.
 */
#ifndef GATE_TLS_TLS_H
#define GATE_TLS_TLS_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/span.h"
#include "io/stream.h"

/*
 * The handshake (through stream_handshake):
 *
 * RC_OK      done
 * RC_AGAIN   waits for the fd
 * RC_IO      the other side broke off, or broke the protocol, or shares none with us: its fault
 * RC_FORMAT  the client does not speak TLS, plain HTTP perhaps: after tls_make_plain all that
 *            it sent can be read
 * RC_NOT_FOUND  the certificate that variables name for it cannot be read: our fault
 * RC_DENIED  the other side's certificate is not to be trusted, or not for the name asked
 */
extern const struct stream_kind stream_tls;

static inline bool tls_is(const struct stream *s)
{
    return s->kind == &stream_tls;
}

/* Ends TLS on the stream, says nothing to the other side, and leaves the bare socket. */
void tls_make_plain(struct stream *s);

/* What was agreed, as OpenSSL calls it: "TLSv1.3", "TLS_AES_256_GCM_SHA384". Valid after the
 * handshake. */
const char *tls_protocol(const struct stream *s);
const char *tls_cipher(const struct stream *s);

/* Was an earlier session resumed? */
bool tls_is_reused(const struct stream *s);

/* The name that the client asked for, as it sent it; empty where it named none. */
struct span tls_server_name(const struct stream *s);

/* The library and its version: "OpenSSL 3.0.17 1 Jul 2025". */
const char *tls_library(void);

#endif
