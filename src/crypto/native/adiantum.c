#include "crypto/native/adiantum.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/native/chacha.h"
#include "crypto/native/nh.h"
#include "crypto/openssl/aes_block.h"
#include "crypto/openssl/poly1305.h"

enum { BLOCK = 16, SECTOR_MOST = 4096, CHUNKS_MOST = SECTOR_MOST / NH_MESSAGE };

struct adiantum_keys {
    uint8_t stream[CHACHA_KEY], block[32];
    uint8_t tweak_hash[POLY1305_SIZE], message_hash[POLY1305_SIZE];
    uint32_t nh[NH_KEY / 4];
};

static const struct adiantum_keys *keys_of(const struct adiantum *a)
{
    return (const struct adiantum_keys *)(const void *)a->keys.at;
}

/* All keys but the first come out of the stream cipher, under a nonce that begins with 1. */
enum rc adiantum_init(struct adiantum *a, unsigned rounds, const struct secret *key,
                      struct fault *why)
{
    static const uint8_t nonce[XCHACHA_NONCE] = {1};
    struct adiantum_keys *keys;
    uint8_t *derived;
    enum rc rc = secret_alloc(&a->keys, sizeof *keys, why);

    if (rc != RC_OK)
        return rc;
    a->rounds = rounds;
    keys = (struct adiantum_keys *)(void *)a->keys.at;
    memcpy(keys->stream, key->at, sizeof keys->stream);
    derived = a->keys.at + sizeof keys->stream;
    xchacha_crypt(rounds, keys->stream, nonce, derived, derived,
                  sizeof *keys - sizeof keys->stream);
    for (size_t i = 0; i < NH_KEY / 4; i++)
        keys->nh[i] = le32_get(&keys->nh[i]);
    return RC_OK;
}

void adiantum_clear(struct adiantum *a)
{
    secret_clear(&a->keys);
}

enum rc adiantum_tools_init(struct adiantum_tools *tools, const struct adiantum *a,
                            bool encrypt, struct fault *why)
{
    *tools = (struct adiantum_tools){.poly = poly1305_open(),
                                     .block = aes_block_open(keys_of(a)->block, encrypt)};
    return tools->poly && tools->block ? RC_OK
                                       : fail(why, RC_MEMORY, "no memory for a cipher");
}

void adiantum_tools_clear(struct adiantum_tools *tools)
{
    poly1305_close(tools->poly);
    aes_block_close(tools->block);
}

/* Integers of 128 bits, little endian: sum += value, or -= value. */
static void add(uint8_t sum[BLOCK], const uint8_t value[BLOCK], bool negative)
{
    unsigned __int128 a = le64_get(sum) | (unsigned __int128)le64_get(sum + 8) << 64;
    unsigned __int128 b = le64_get(value) | (unsigned __int128)le64_get(value + 8) << 64;

    a = negative ? a - b : a + b;
    le64_put(sum, (uint64_t)a);
    le64_put(sum + 8, (uint64_t)(a >> 64));
}

/* The hash's share of the tweak and of the length in bits, which precedes it. */
static bool hash_tweak(const struct adiantum *a, const struct adiantum_tools *tools,
                       const uint8_t tweak[ADIANTUM_TWEAK], size_t len, uint8_t out[BLOCK])
{
    uint8_t head[BLOCK + ADIANTUM_TWEAK] = {0};

    le64_put(head, 8 * (uint64_t)len);
    memcpy(head + BLOCK, tweak, ADIANTUM_TWEAK);
    return poly1305_hash(tools->poly, keys_of(a)->tweak_hash, head, sizeof head, out);
}

/* Its share of the message: NH over pieces of 1024 bytes, and Poly1305 over what they give. */
static bool hash_message(const struct adiantum *a, const struct adiantum_tools *tools,
                         const uint8_t *at, size_t len, uint8_t out[BLOCK])
{
    uint8_t sums[CHUNKS_MOST][NH_HASH], last[NH_MESSAGE];
    size_t chunks = 0;

    for (size_t done = 0; done < len; done += NH_MESSAGE, chunks++) {
        size_t part = len - done < NH_MESSAGE ? len - done : NH_MESSAGE;
        size_t padded = (part + NH_UNIT - 1) / NH_UNIT * NH_UNIT;
        const uint8_t *from = at + done;

        if (part < padded) {
            memcpy(last, from, part);
            memset(last + part, 0, padded - part);
            from = last;
        }
        nh_hash(keys_of(a)->nh, from, padded, sums[chunks]);
    }
    return poly1305_hash(tools->poly, keys_of(a)->message_hash, sums, chunks * NH_HASH, out);
}

bool adiantum_crypt(const struct adiantum *a, const struct adiantum_tools *tools, bool encrypt,
                    const uint8_t tweak[ADIANTUM_TWEAK], const uint8_t *in, uint8_t *out,
                    size_t len)
{
    uint8_t tweak_sum[BLOCK], sum[BLOCK], right[BLOCK], middle[BLOCK];
    uint8_t nonce[XCHACHA_NONCE] = {[BLOCK] = 1};
    size_t left = len - BLOCK;

    if (len < ADIANTUM_LEAST || len > SECTOR_MOST ||
        !hash_tweak(a, tools, tweak, left, tweak_sum) ||
        !hash_message(a, tools, in, left, sum))
        return false;
    memcpy(right, in + left, BLOCK);
    add(right, tweak_sum, false);
    add(right, sum, false);
    if (!aes_block_crypt(tools->block, right, middle))
        return false;
    memcpy(nonce, encrypt ? middle : right, BLOCK);
    xchacha_crypt(a->rounds, keys_of(a)->stream, nonce, in, out, left);
    if (!hash_message(a, tools, out, left, sum))
        return false;
    add(middle, tweak_sum, true);
    add(middle, sum, true);
    memcpy(out + left, middle, BLOCK);
    return true;
}
