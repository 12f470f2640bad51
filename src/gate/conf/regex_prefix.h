/* What every match of a regular expression begins with: most subjects are refused by that, without the library. */
#ifndef GATE_CONF_REGEX_PREFIX_H
#define GATE_CONF_REGEX_PREFIX_H

#include "base/span.h"

/*
 * The literal text behind a '^', as far as it certainly stands there, to `out`, at most `room` bytes; its length. 0: nothing is
 * certain. For expressions that heed the case of letters.
 */
size_t regex_prefix(struct span pattern, uint8_t *out, size_t room);

#endif
