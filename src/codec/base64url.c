#include "codec/base64url.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(struct span bytes, char *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.at[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            *out++ = letters[bits >> held & 63];
        }
    }
    if (held > 0)
        *out++ = letters[bits << (6 - held) & 63];
    *out = '\0';
}

/* What each letter stands for, plus 1; 0 for what is none. */
static const uint8_t values[256] = {
    /* clang-format off */
    ['-'] = 63,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    ['_'] = 64,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    /* clang-format on */
};

int base64url_decode(struct span text, uint8_t *out, size_t size)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t len = 0;

    if (text.len % 4 == 1 || text.len / 4 * 3 + (text.len % 4) * 3 / 4 > size)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value = values[text.at[i]];

        if (value == 0)
            return -1;
        bits = bits << 6 | (value - 1);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1U << held) - 1)) == 0 ? (int)len : -1;
}
