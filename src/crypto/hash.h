/* Hash functions, by the names that LUKS headers use. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/span.h"

enum { HASH_SIZE_MAX = 64 };

struct hash {
    const char *name;    /* "sha256", in lower case */
    const char *library; /* what the library calls it */
    size_t size;         /* bytes of output */
    bool legacy; /* old: the library has it apart, and may have been installed without */
};

/* Letters of either case are equal, as in LUKS. NULL for a word that names none. */
const struct hash *hash_find(const char *name);

/* Broken, and in no list: for formats of others that have nothing else. */
extern const struct hash hash_md5;

/*
 * The hash of `count` pieces, as if they stood in one row; hash->size bytes go to `out`, which
 * may be one of the pieces.
 *
 * RC_UNSUPPORTED  the library has this hash switched off
 */
enum rc hash_compute(const struct hash *hash, const struct span *pieces, size_t count,
                     uint8_t *out, struct fault *why);

#endif
