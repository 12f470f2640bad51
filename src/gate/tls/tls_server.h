/* Our side of TLS towards clients: the certificates and rules of one server. */
#ifndef GATE_TLS_TLS_SERVER_H
#define GATE_TLS_TLS_SERVER_H

#include "base/fault.h"
#include "gate/tls/tls_settings.h"
#include "io/stream.h"

struct tls_server;

/*
 * Reads the certificates and keys. Must live as long as any stream started with it.
 *
 * RC_IO      a file cannot be read
 * RC_FORMAT  a file holds no certificate or key, they do not belong together, or the ciphers
 * name none
 */
enum rc tls_server_open(struct tls_server **out, const struct tls_settings *settings,
                        struct fault *why);

/* Harmless on NULL. */
void tls_server_close(struct tls_server *server);

/*
 * Asked in the middle of the handshake, once the client's hello is read: who answers to `name`
 * (in lower case, without a final dot)? NULL ends the handshake. Is not asked when the client
 * gives no name.
 */
typedef const struct tls_server *tls_choose(void *of, struct span name);

/* A certificate and its key: paths, or "data:" and what would be there. */
struct tls_sources {
    struct span certificate, key;
};

/*
 * Asked in the handshake of a server whose settings say pairs_vary: what its pair number `i` is now, or false. They last
 * until the next call, and a key in them is wiped.
 */
typedef bool tls_evaluate(void *of, size_t i, struct tls_sources *sources);

/*
 * Makes TLS of a plain stream; `first` answers where the client names nobody. `choose` may be
 * NULL, and `evaluate` where no server needs it. A session is only resumed by the server that it was made with, whoever answers first.
 */
enum rc tls_server_start(struct stream *s, const struct tls_server *first, tls_choose *choose,
                         tls_evaluate *evaluate, void *of, struct fault *why);

#endif
