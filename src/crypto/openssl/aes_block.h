/* AES on single blocks. */
#ifndef CRYPTO_OPENSSL_AES_BLOCK_H
#define CRYPTO_OPENSSL_AES_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct aes_block; /* one direction; serves one call at a time */

/* AES-256; NULL where there is no memory. The key is not kept, but expanded. */
struct aes_block *aes_block_open(const uint8_t key[32], bool encrypt);

/* `in` may be `out`; false: the library failed. */
bool aes_block_crypt(struct aes_block *block, const uint8_t in[16], uint8_t out[16]);

/* Harmless on NULL; what was expanded is wiped. */
void aes_block_close(struct aes_block *block);

#endif
