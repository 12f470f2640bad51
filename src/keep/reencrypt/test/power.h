/*
 * Devices in memory whose power goes at the n-th write or flush. What was flushed before is there; of
 * what was not, some sectors of 512 bytes are, in any order, and of the last write a part.
 */
#ifndef KEEP_REENCRYPT_TEST_POWER_H
#define KEEP_REENCRYPT_TEST_POWER_H

#include "io/device.h"

enum power_loss {
    POWER_KEEPS_ALL,  /* and half of the last write: a process that was killed */
    POWER_DROPS_ALL,  /* nothing arrives that was not flushed */
    POWER_DROPS_SOME, /* some sectors do */
    POWER_LOSSES,
};

struct power {
    long left;   /* writes and flushes; -1: it never goes */
    long events; /* so many of them there were */
    bool out;
    enum power_loss loss;
    unsigned seed;
};

enum { POWER_PENDING = 4096 };

struct power_device {
    struct device device;
    struct power *power;
    uint8_t *now;     /* what is read */
    uint8_t *lasting; /* what is on the medium */
    struct {
        uint64_t offset, len;
    } pending[POWER_PENDING]; /* written and not flushed */
    unsigned count;
};

/* Both arrays have `size` bytes and are the caller's; `lasting` counts. */
void power_device_init(struct power_device *d, struct power *power, uint8_t *now,
                       uint8_t *lasting, size_t size);

/* After power went: what is on the medium from here on. */
void power_device_settle(struct power_device *d);

#endif
