/*
 * Key material and passphrases, and nothing else: locked in memory (memfd_secret(2) where the kernel
 * has it, else mlock(2)), between guard pages, out of core dumps and of children, wiped when cleared.
 * {0} is no secret. Every secret costs at least one page: streams of key material go through one
 * small secret, piece by piece.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/scoped.h"
#include "base/span.h"

struct secret {
    uint8_t *at;
    size_t len;
    size_t mapped; /* bytes between the guard pages; for secret.c alone */
};

/*
 * `len` zero bytes; `s` must be {0} or hold a secret, which is cleared first.
 *
 * RC_MEMORY  no memory, or none that may be locked: the fault names the limit to raise
 */
enum rc secret_alloc(struct secret *s, size_t len, struct fault *why);

enum rc secret_copy(struct secret *s, struct span from, struct fault *why);

/* Makes it shorter; what is cut off is wiped. */
void secret_cut(struct secret *s, size_t len);

/* Takes the same time whatever the bytes are; false where the lengths differ. */
bool secret_equal(const struct secret *a, const struct secret *b);

static inline struct span secret_span(const struct secret *s)
{
    return span_of(s->at, s->len);
}

/* Wiped and given back; harmless on {0}. */
void secret_clear(struct secret *s);

/* Overwrites bytes so that the compiler may not leave it out. */
void wipe(void *at, size_t len);

#endif
