#include "crypto/gcrypt/lrw.h"

#include <string.h>

#include "base/bytes.h"

enum { BITS = 128 };

typedef unsigned __int128 element; /* big endian: bit n is the coefficient of x^n */

static element load(const uint8_t at[LRW_BLOCK])
{
    return (element)be64_get(at) << 64 | be64_get(at + 8);
}

static void store(uint8_t at[LRW_BLOCK], element value)
{
    be64_put(at, (uint64_t)(value >> 64));
    be64_put(at + 8, (uint64_t)value);
}

enum rc lrw_init(struct lrw *lrw, const uint8_t key[LRW_BLOCK], struct fault *why)
{
    enum rc rc = secret_alloc(&lrw->powers, BITS * sizeof(element), why);
    element power = load(key);

    for (size_t bit = 0; bit < BITS && rc == RC_OK; bit++) {
        memcpy(lrw->powers.at + bit * sizeof power, &power, sizeof power);
        power =
            power << 1 ^ (element)0x87 * (power >> 127); /* modulo x^128 + x^7 + x^2 + x + 1 */
    }
    wipe(&power, sizeof power);
    return rc;
}

void lrw_clear(struct lrw *lrw)
{
    secret_clear(&lrw->powers);
}

/* The sum of those powers whose bits are set: these are public. */
static element multiply(const struct lrw *lrw, element bits)
{
    element sum = 0, power;

    for (size_t bit = 0; bits != 0; bit++, bits >>= 1) {
        if (!(bits & 1))
            continue;
        memcpy(&power, lrw->powers.at + bit * sizeof power, sizeof power);
        sum ^= power;
    }
    return sum;
}

/* From one number to the next few bits change, nearly always. */
void lrw_tweaks(const struct lrw *lrw, const uint8_t index[LRW_BLOCK], uint8_t *out,
                size_t len)
{
    element number = load(index), product = multiply(lrw, number);

    for (size_t at = 0; at < len; at += LRW_BLOCK, number++) {
        store(out + at, product);
        product ^= multiply(lrw, number ^ (number + 1));
    }
}
