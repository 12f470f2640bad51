/* The initial vectors that dm-crypt gives to sectors, for ciphers with blocks of 8 or 16 bytes. */
#ifndef CRYPTO_IV_H
#define CRYPTO_IV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IV_SIZE = 16 }; /* at most: as large as a block */

enum iv_kind {
    IV_NONE,      /* "" */
    IV_NULL,      /* zeros */
    IV_PLAIN,     /* the number of the sector, 32 bits, little endian */
    IV_PLAIN64,   /* 64 bits of it */
    IV_PLAIN64BE, /* the same in big endian, at the end */
    IV_BENBI, /* the number of the sector's first block, from 1, in big endian at the end */
    IV_EBOIV, /* the offset in bytes, encrypted with the key of the data */
    IV_ESSIV, /* the number, encrypted with the SHA-256 of that key */
};

/* "plain64", "essiv:sha256"; the word is one that a table of ours has. */
enum iv_kind iv_find(const char *name);

/* Has its last step, encryption as one block, still to be done by the caller? */
bool iv_is_encrypted(enum iv_kind kind);

/* `sector` is the number that the cipher counts; the vector has `size` bytes. */
void iv_put(enum iv_kind kind, uint64_t sector, uint32_t sector_size, uint8_t *iv,
            size_t size);

#endif
