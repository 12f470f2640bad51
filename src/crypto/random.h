/* Random bytes from the kernel, for keys and salts alike. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

#include "base/fault.h"
#include "base/secret.h"

/* RC_IO  the kernel gave none; `at` is then not to be used */
enum rc random_bytes(void *at, size_t len, struct fault *why);

/* A new key of `len` bytes. */
enum rc random_key(struct secret *key, size_t len, struct fault *why);

#endif
