#include "codec/base64.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int letter_value(uint8_t letter)
{
    const char *hit = letter ? strchr(letters, letter) : NULL;

    return hit ? (int)(hit - letters) : -1;
}

/* Four letters, of which the last `padding` are '='; false when they are not canonical. */
static bool decode_four(const uint8_t *four, size_t padding, uint8_t three[3])
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding ? letter_value(four[i]) : four[i] == '=' ? 0 : -1;

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    three[0] = (uint8_t)(bits >> 16);
    three[1] = (uint8_t)(bits >> 8);
    three[2] = (uint8_t)bits;
    return (bits & ((1U << 8 * padding) - 1)) == 0;
}

enum rc base64_decode(struct span text, uint8_t *into, size_t size, size_t *len)
{
    size_t padding = 0, done = 0;

    if (text.len % 4 != 0)
        return RC_FORMAT;
    while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
        padding++;
    if (text.len / 4 * 3 - padding > size)
        return RC_LIMIT;
    while (text.len > 0) {
        struct span four = span_cut(&text, 4);
        size_t missing = text.len > 0 ? 0 : padding;
        uint8_t three[3];

        if (!decode_four(four.at, missing, three))
            return RC_FORMAT;
        memcpy(into + done, three, 3 - missing);
        done += 3 - missing;
    }
    *len = done;
    return RC_OK;
}

void base64_encode(struct span bytes, struct text *text)
{
    while (bytes.len > 0) {
        struct span three = span_cut(&bytes, 3);
        uint32_t bits = (uint32_t)three.at[0] << 16;

        if (three.len > 1)
            bits |= (uint32_t)three.at[1] << 8;
        if (three.len > 2)
            bits |= three.at[2];
        for (size_t i = 0; i < 4; i++)
            text_add_char(text, i <= three.len ? letters[bits >> (18 - 6 * i) & 63] : '=');
    }
}
