/* Base64 with the alphabet for URLs and names of files (RFC 4648, section 5): not padded, and in its
 * one canonical form. */
#ifndef CODEC_BASE64URL_H
#define CODEC_BASE64URL_H

#include "base/span.h"

#define BASE64URL_LEN(bytes) (((bytes)*4 + 2) / 3)

/* Writes BASE64URL_LEN(bytes.len) letters and a NUL. */
void base64url_encode(struct span bytes, char *out);

/* The number of bytes, or -1: a foreign letter, a length that cannot be, bits behind the end that are
 * not 0, or more than `size` bytes. */
int base64url_decode(struct span text, uint8_t *out, size_t size);

#endif
