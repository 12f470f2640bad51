/* Links that carry a hash of themselves and of a secret: secure_link in both its forms. Knows no request. */
#ifndef GATE_AUTH_SECURE_LINK_H
#define GATE_AUTH_SECURE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* "HASH" or "HASH,EXPIRES": what secure_link evaluates to. False: an end that is no time. */
bool secure_link_split(struct span text, struct span *hash, uint64_t *expires,
                       struct span *expires_text);

/* Is `hash` (base64url) the MD5 of `text`? */
bool secure_link_fits(struct span hash, struct span text);

/* "/PREFIX/HASH/LINK" with the MD5 of LINK and the secret in hex: the link. */
bool secure_link_path(struct span path, struct span secret, struct span *link);

#endif
