#include "keep/reencrypt/test/power.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct power_device *of(struct device *d)
{
    return (struct power_device *)(void *)d;
}

static unsigned roll(struct power *p)
{
    p->seed = p->seed * 1103515245u + 12345u;
    return p->seed >> 16;
}

static enum rc power_read(struct device *d, uint64_t offset, void *at, size_t len,
                          struct fault *why)
{
    if (of(d)->power->out)
        return fail(why, RC_IO, "power is gone");
    memcpy(at, of(d)->now + offset, len);
    return RC_OK;
}

static enum rc cut(struct power_device *d, uint64_t offset, const void *at, size_t len,
                   struct fault *why)
{
    size_t part = len >= SECTOR ? roll(d->power) % (len / SECTOR) * SECTOR : 0;

    d->power->out = true;
    memcpy(d->now + offset, at, part);
    d->pending[d->count].offset = offset;
    d->pending[d->count++].len = part;
    return fail(why, RC_IO, "power is gone");
}

static enum rc write_locked(struct power_device *d, uint64_t offset, const void *at,
                            size_t len, struct fault *why)
{
    if (d->power->out)
        return fail(why, RC_IO, "power is gone");
    if (d->count + 1 >= POWER_PENDING)
        abort();
    d->power->events++;
    if (d->power->left == 0)
        return cut(d, offset, at, len, why);
    if (d->power->left > 0)
        d->power->left--;
    memcpy(d->now + offset, at, len);
    d->pending[d->count].offset = offset;
    d->pending[d->count++].len = len;
    return RC_OK;
}

static enum rc power_write(struct device *d, uint64_t offset, const void *at, size_t len,
                           struct fault *why)
{
    enum rc rc;

    pthread_mutex_lock(&lock);
    rc = write_locked(of(d), offset, at, len, why);
    pthread_mutex_unlock(&lock);
    return rc;
}

static void keep_range(struct power_device *d, uint64_t offset, uint64_t len)
{
    memcpy(d->lasting + offset, d->now + offset, len);
}

/* Power may go while it is flushed, too: then all of it is still in the air. */
static enum rc power_flush(struct device *d, struct fault *why)
{
    struct power_device *p = of(d);

    p->power->events += !p->power->out;
    p->power->out |= p->power->left == 0;
    if (p->power->out)
        return fail(why, RC_IO, "power is gone");
    if (p->power->left > 0)
        p->power->left--;
    for (unsigned i = 0; i < p->count; i++)
        keep_range(p, p->pending[i].offset, p->pending[i].len);
    p->count = 0;
    return RC_OK;
}

static void power_close(struct device *d)
{
    (void)d;
}

static const struct device_kind power_kind = {.name = "power",
                                              .read_at = power_read,
                                              .write_at = power_write,
                                              .flush = power_flush,
                                              .close = power_close};

void power_device_init(struct power_device *d, struct power *power, uint8_t *now,
                       uint8_t *lasting, size_t size)
{
    d->device = (struct device){.kind = &power_kind, .size = size};
    d->power = power;
    d->now = now;
    d->lasting = lasting;
    d->count = 0;
    memcpy(now, lasting, size);
}

void power_device_settle(struct power_device *d)
{
    for (unsigned i = 0; i < d->count && d->power->loss != POWER_DROPS_ALL; i++)
        for (uint64_t at = 0; at < d->pending[i].len; at += SECTOR) {
            uint64_t left = d->pending[i].len - at;

            if (d->power->loss == POWER_KEEPS_ALL || roll(d->power) & 1)
                keep_range(d, d->pending[i].offset + at, left < SECTOR ? left : SECTOR);
        }
    d->count = 0;
}
