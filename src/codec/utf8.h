/* UTF-8 (RFC 3629), strictly: no longer forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include "base/span.h"

/* Sound UTF-8 without control characters (C0, DEL, C1): safe to show on a terminal. */
bool utf8_is_plain(struct span text);

#endif
