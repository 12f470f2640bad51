#include "crypto/native/aegis128.h"

#include "crypto/cpu.h"

#define FLOW static inline

/* One technique without any instruction for AES: the S-box is computed, sixteen bytes at a
 * time, as the inverse in GF(2^8) and a rotation of bits. */
typedef uint8_t block __attribute__((vector_size(16)));

static inline block block_load(const void *at)
{
    block b;

    __builtin_memcpy(&b, at, sizeof b);
    return b;
}

static inline void block_store(void *at, block b)
{
    __builtin_memcpy(at, &b, sizeof b);
}

static inline block block_xor(block a, block b)
{
    return a ^ b;
}

static inline block block_and(block a, block b)
{
    return a & b;
}

/* Times x, modulo x^8 + x^4 + x^3 + x + 1. */
static inline block times_two(block a)
{
    return (block)(a << 1) ^ (block)((block)(a >> 7) * 0x1b);
}

static inline block multiply(block a, block b)
{
    block product = {0};

    for (int bit = 0; bit < 8; bit++) {
        product ^= (block)((block)(b & 1) * 0xff) & a;
        a = times_two(a);
        b >>= 1;
    }
    return product;
}

/* The inverse is the power of 254; that of 0 is 0. */
static inline block invert(block a)
{
    block a2 = multiply(a, a), a3 = multiply(a2, a), a12 = multiply(a3, a3);
    block a15, a240;

    a12 = multiply(a12, a12);
    a15 = multiply(a12, a3);
    a240 = multiply(a15, a15);
    a240 = multiply(a240, a240);
    a240 = multiply(a240, a240);
    a240 = multiply(a240, a240);
    return multiply(multiply(a240, a12), a2);
}

static inline block rotate(block a, int bits)
{
    return (block)(a << bits) | (block)(a >> (8 - bits));
}

/* FIPS 197, sections 5.1.1 to 5.1.4. */
static inline block block_round(block state, block key)
{
    block a = invert(state), b, c;

    a ^= rotate(a, 1) ^ rotate(a, 2) ^ rotate(a, 3) ^ rotate(a, 4) ^ 0x63;
    a = __builtin_shufflevector(a, a, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
    b = __builtin_shufflevector(a, a, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
    c = a ^ b;
    c ^= __builtin_shufflevector(c, c, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    return a ^ c ^ times_two(a ^ b) ^ key;
}

#include "crypto/native/aegis128_flow.h"

static void crypt_portable(const struct aegis128_message *message, bool encrypt, uint8_t *tag)
{
    crypt_message(message, encrypt, tag);
}

static const struct aegis128_engine portable = {.name = "portable", .crypt = crypt_portable};

#if defined(__x86_64__)
extern const struct aegis128_engine aegis128_aesni;
#endif

static const struct aegis128_engine *const engines[] = {
#if defined(__x86_64__)
    &aegis128_aesni,
#endif
    &portable,
};

const struct aegis128_engine *aegis128_engine_at(size_t index)
{
    return index < sizeof engines / sizeof *engines ? engines[index] : NULL;
}

const struct aegis128_engine *aegis128_engine(void)
{
    size_t i = 0;

    while ((engines[i]->needs & ~cpu_features()) != 0)
        i++; /* the last needs nothing */
    return engines[i];
}
