/* Base64 (RFC 4648, section 4): padded, on one line, and in its one canonical form. */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include "base/rc.h"
#include "base/span.h"
#include "base/text.h"

/*
 * RC_FORMAT  a foreign letter, missing padding, or bits behind the end that are not 0
 * RC_LIMIT   more than `size` bytes
 */
enum rc base64_decode(struct span text, uint8_t *into, size_t size, size_t *len);

void base64_encode(struct span bytes, struct text *text);

#endif
