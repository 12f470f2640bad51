/*
 * Pairs that were read for a handshake and may come again: ssl_certificate_cache. All threads may use one at once. For this
 * room alone.
 */
#ifndef GATE_TLS_TLS_PAIR_CACHE_H
#define GATE_TLS_TLS_PAIR_CACHE_H

#include "gate/tls/tls_pair.h"

struct tls_pair_cache;

/* At most `max` of them; one that was not asked for in `inactive_ms` goes, and after `valid_ms` it is read anew. */
enum rc tls_pair_cache_open(struct tls_pair_cache **out, size_t max, uint64_t inactive_ms,
                            uint64_t valid_ms);

/* As tls_pair_read; `cache` may be NULL. The pair is the caller's to clear. */
enum rc tls_pair_cache_read(struct tls_pair_cache *cache, struct tls_pair *pair,
                            struct span certificate, struct span key, struct span phrases,
                            struct fault *why);

/* Harmless on NULL. */
void tls_pair_cache_close(struct tls_pair_cache *cache);

#endif
