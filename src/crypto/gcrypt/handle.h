/*
 * Handles of libgcrypt: each has one expanded key, and serves one call at a time.
 */
#ifndef CRYPTO_GCRYPT_HANDLE_H
#define CRYPTO_GCRYPT_HANDLE_H

#include <gcrypt.h>

#include "base/secret.h"

/* Before anything else; any number of times. */
void handle_start(void);

/* The library's number for "serpent" with a key of so many bytes; GCRY_CIPHER_NONE for none. */
int handle_algorithm(const char *name, size_t key_size);

/* NULL where the library refuses the algorithm or the key; gcry_cipher_close wipes it. */
gcry_cipher_hd_t handle_open(int algorithm, int mode, const struct secret *key);

#endif
