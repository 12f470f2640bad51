/*
 * A device in memory whose power can be cut: what was written since the last flush reaches the
 * medium in any order, or not at all, or torn between its sectors.
 */
#ifndef KEEP_VOLUME_TEST_CUT_DEVICE_H
#define KEEP_VOLUME_TEST_CUT_DEVICE_H

#include "io/device.h"

enum { CUT_DEVICE_SIZE = 1 << 20, CUT_SECTOR = 512 };

struct cut_device {
    struct device device;
    uint8_t now[CUT_DEVICE_SIZE];    /* what reads see */
    uint8_t medium[CUT_DEVICE_SIZE]; /* what is there after a cut */
    uint64_t writes;                 /* so far */
    uint64_t cut_at;                 /* from this write or flush on everything fails */
    uint64_t seed;                   /* of the order */
};

/* An empty one, never cut. */
void cut_device_init(struct cut_device *d);

/* After the cut: the medium is what is read now, and nothing is cut any more. */
void cut_device_revive(struct cut_device *d);

#endif
