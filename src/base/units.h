/* Sizes and times as people write them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"

/*
 * "64", "64K", "64MiB", "10G", "1T": powers of 1024, an upper or lower case letter, "iB" or "B" may follow.
 * RC_FORMAT  not of this form; RC_LIMIT  beyond 2^63 - 1
 */
enum rc units_parse_size(struct span text, uint64_t *bytes);

/* "64.0 MiB" into `text` of at least 16 bytes; returns `text`. */
char *units_size(char text[16], uint64_t bytes);

/* Decimal digits and nothing else. RC_FORMAT, or RC_LIMIT beyond `max`. */
enum rc units_parse_number(struct span text, uint64_t max, uint64_t *number);

#endif
