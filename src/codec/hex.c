#include "codec/hex.h"

enum rc hex_decode(struct span text, uint8_t *into, size_t size, size_t *len)
{
    if (text.len % 2 != 0)
        return RC_FORMAT;
    if (text.len / 2 > size)
        return RC_LIMIT;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_value(text.at[2 * i]), low = hex_value(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return RC_FORMAT;
        into[i] = (uint8_t)(high << 4 | low);
    }
    *len = text.len / 2;
    return RC_OK;
}

char *hex_encode(struct span bytes, char *into)
{
    static const char digits[] = "0123456789abcdef";
    char *at = into;

    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = digits[bytes.at[i] >> 4];
        *at++ = digits[bytes.at[i] & 15];
    }
    *at = '\0';
    return into;
}
