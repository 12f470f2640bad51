#include "crypto/gcrypt/bulk.h"

#include "base/bytes.h"

enum {
    NONCE = 12,
    DOUBLINGS = 9
}; /* 2^8 blocks have numbers with up to 8 zeros at their end */

typedef uint64_t wide __attribute__((vector_size(BULK_BLOCK)));

static void mix(uint8_t *out, const uint8_t *in, const uint8_t *with, size_t len)
{
    for (size_t at = 0; at < len; at += BULK_BLOCK) {
        wide a, b;

        memcpy(&a, in + at, sizeof a);
        memcpy(&b, with + at, sizeof b);
        a ^= b;
        memcpy(out + at, &a, sizeof a);
    }
}

/* Times x in GF(2^128), big endian. */
static void twice(uint8_t at[BULK_BLOCK])
{
    uint64_t high = be64_get(at), low = be64_get(at + 8);

    be64_put(at, high << 1 | low >> 63);
    be64_put(at + 8, low << 1 ^ (high >> 63) * 0x87);
}

enum rc bulk_init(struct bulk *bulk, gcry_cipher_hd_t ecb, struct fault *why)
{
    uint8_t steps[DOUBLINGS][BULK_BLOCK] = {0}, offset[BULK_BLOCK] = {[3] = 1};
    enum rc rc = secret_alloc(&bulk->offsets, BULK_MAX, why);

    if (rc != RC_OK)
        return rc;
    if (gcry_cipher_encrypt(ecb, steps[0], BULK_BLOCK, NULL, 0) != 0 ||
        gcry_cipher_encrypt(ecb, offset, BULK_BLOCK, NULL, 0) != 0)
        return fail(why, RC_IO, "the cipher failed");
    twice(steps[0]);
    twice(steps[0]);
    for (int i = 1; i < DOUBLINGS; i++) {
        memcpy(steps[i], steps[i - 1], BULK_BLOCK);
        twice(steps[i]);
    }
    for (unsigned block = 1; block <= BULK_MAX / BULK_BLOCK; block++) {
        mix(offset, offset, steps[__builtin_ctz(block)], BULK_BLOCK);
        memcpy(bulk->offsets.at + (size_t)(block - 1) * BULK_BLOCK, offset, BULK_BLOCK);
    }
    wipe(steps, sizeof steps);
    wipe(offset, sizeof offset);
    return RC_OK;
}

void bulk_clear(struct bulk *bulk)
{
    secret_clear(&bulk->offsets);
}

bool bulk_crypt(const struct bulk *bulk, gcry_cipher_hd_t ocb, bool encrypt, uint8_t *tweaks,
                const uint8_t *in, uint8_t *out, size_t len)
{
    static const uint8_t nonce[NONCE];

    mix(tweaks, tweaks, bulk->offsets.at, len);
    mix(out, in, tweaks, len);
    if (gcry_cipher_setiv(ocb, nonce, sizeof nonce) != 0 ||
        (encrypt ? gcry_cipher_encrypt(ocb, out, len, NULL, 0)
                 : gcry_cipher_decrypt(ocb, out, len, NULL, 0)) != 0)
        return false;
    mix(out, out, tweaks, len);
    return true;
}
