/* Hexadecimal digits, of either case when read and lower when written. */
#ifndef CODEC_HEX_H
#define CODEC_HEX_H

#include "base/rc.h"
#include "base/span.h"

/* 0 .. 15, or -1 for a byte that is no digit. */
static inline int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* RC_FORMAT: a foreign byte, or an odd number of digits. RC_LIMIT: more than `size` bytes. */
enum rc hex_decode(struct span text, uint8_t *into, size_t size, size_t *len);

/* 2 * bytes.len digits and a NUL to `into`, which is returned. */
char *hex_encode(struct span bytes, char *into);

#endif
