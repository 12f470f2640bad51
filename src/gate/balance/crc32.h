/* CRC-32 as zlib has it (ISO-HDLC: polynomial 04c11db7, reflected), in pieces. */
#ifndef GATE_BALANCE_CRC32_H
#define GATE_BALANCE_CRC32_H

#include <stdint.h>

#include "base/span.h"

/* `crc` is 0, or that of the bytes before these. */
uint32_t crc32_add(uint32_t crc, struct span bytes);

#endif
