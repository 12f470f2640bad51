/*
 * Random bytes without a system call for each: AES-256-CTR under a key from the kernel, which
 * replaces itself with every run (so that what was given out cannot be computed from what is kept)
 * and is taken anew from the kernel after a megabyte, a minute, or a fork. For nonces, ids and
 * keys of files; keys of containers come from random.h.
 */
#ifndef CRYPTO_GENERATOR_H
#define CRYPTO_GENERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* RC_IO, RC_MEMORY: `at` is then not to be used. Safe from several threads at once. */
enum rc generator_bytes(void *at, size_t len, struct fault *why);

#endif
