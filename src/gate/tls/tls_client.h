/* Our side of TLS towards origins: what is trusted, and the sessions to resume. */
#ifndef GATE_TLS_TLS_CLIENT_H
#define GATE_TLS_TLS_CLIENT_H

#include "base/fault.h"
#include "gate/tls/tls_settings.h"
#include "io/stream.h"

struct tls_client;

/*
 * May be used by several threads at once. Must live as long as any stream started with it.
 *
 * RC_IO      the file of trusted certificates cannot be read
 * RC_FORMAT  it holds none, or the ciphers name none
 */
enum rc tls_client_open(struct tls_client **out, const struct tls_client_settings *settings,
                        struct fault *why);

/* Harmless on NULL. */
void tls_client_close(struct tls_client *client);

/*
 * Makes TLS of a plain stream that is connected, or about to be. `name` is whom we ask for, a
 * host name or an address, whose certificate is accepted where verification is on; a port at
 * its end is left out.
 */
enum rc tls_client_start(struct stream *s, struct tls_client *client, struct span name,
                         struct fault *why);

#endif
