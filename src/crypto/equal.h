/* Are two runs of bytes equal? Takes the same time whatever they hold; lengths are public. */
#ifndef CRYPTO_EQUAL_H
#define CRYPTO_EQUAL_H

#include <stdbool.h>

#include "base/span.h"

bool equal_bytes(struct span a, struct span b);

#endif
