/* All bytes of a header, from one device to another: both copies and the key slots. */
#ifndef KEEP_COMMAND_HEADER_COPY_H
#define KEEP_COMMAND_HEADER_COPY_H

#include "io/device.h"

/*
 * Copies [offset, offset + len) to the same place, flushes it and reads it back.
 * RC_IO  also where it does not read back as it was written
 */
enum rc header_copy(struct device *from, struct device *to, uint64_t offset, uint64_t len,
                    struct fault *why);

#endif
