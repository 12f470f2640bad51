/*
 * Blocks of a cipher one by one, at the speed of many at a time: the library is quick in some of
 * its modes alone. OCB is one of them, and what it XORs onto each block, before and after the
 * cipher, is known once for a key and a nonce; here it is taken away again.
 *
 * Source: RFC 7253, section 4.2, with the nonce 0 and a tag of 16 bytes.
 */
#ifndef CRYPTO_GCRYPT_BULK_H
#define CRYPTO_GCRYPT_BULK_H

#include <gcrypt.h>

#include "base/secret.h"

enum { BULK_BLOCK = 16, BULK_MAX = 4096 };

struct bulk {
    struct secret offsets; /* of the blocks in BULK_MAX bytes */
};

/* `ecb` has the key in ECB mode. RC_MEMORY, RC_IO; `bulk` must be {0}, and is cleared with
 * bulk_clear. */
enum rc bulk_init(struct bulk *bulk, gcry_cipher_hd_t ecb, struct fault *why);
void bulk_clear(struct bulk *bulk);

/*
 * `len` bytes of blocks, BULK_MAX at most, each XORed with its tweak before and after the
 * cipher. `ocb` has the same key in OCB mode; `tweaks` is overwritten; `in` may be `out`. False:
 * the library failed.
 */
bool bulk_crypt(const struct bulk *bulk, gcry_cipher_hd_t ocb, bool encrypt, uint8_t *tweaks,
                const uint8_t *in, uint8_t *out, size_t len);

#endif
