#include "keep/volume/test/cut_device.h"

#include <string.h>

static struct cut_device *cut_of(struct device *d)
{
    return (struct cut_device *)(void *)d;
}

static enum rc cut_read(struct device *d, uint64_t offset, void *at, size_t len,
                        struct fault *why)
{
    (void)why;
    memcpy(at, cut_of(d)->now + offset, len);
    return RC_OK;
}

static uint64_t next(struct cut_device *d)
{
    d->seed ^= d->seed << 13;
    d->seed ^= d->seed >> 7;
    d->seed ^= d->seed << 17;
    return d->seed;
}

/* Some sectors of what was not flushed are there all the same. */
static void leak(struct cut_device *d)
{
    for (size_t at = 0; at < CUT_DEVICE_SIZE; at += CUT_SECTOR) {
        if (memcmp(d->now + at, d->medium + at, CUT_SECTOR) != 0 && next(d) & 1)
            memcpy(d->medium + at, d->now + at, CUT_SECTOR);
    }
}

static enum rc step(struct cut_device *d, struct fault *why)
{
    if (d->writes < d->cut_at) {
        d->writes++;
        return RC_OK;
    }
    return fail(why, RC_IO, "the power is off");
}

static enum rc cut_write(struct device *d, uint64_t offset, const void *at, size_t len,
                         struct fault *why)
{
    struct cut_device *cut = cut_of(d);
    bool was_on = cut->writes < cut->cut_at;
    enum rc rc = step(cut, why);

    if (was_on)
        memcpy(cut->now + offset, at, len);
    if (cut->writes == cut->cut_at && was_on)
        leak(cut); /* this was the last */
    return rc;
}

static enum rc cut_flush(struct device *d, struct fault *why)
{
    struct cut_device *cut = cut_of(d);
    enum rc rc = step(cut, why);

    if (rc == RC_OK)
        memcpy(cut->medium, cut->now, sizeof cut->now);
    return rc;
}

static void cut_close(struct device *d)
{
    (void)d;
}

static const struct device_kind cut_kind = {
    .name = "cut",
    .read_at = cut_read,
    .write_at = cut_write,
    .flush = cut_flush,
    .close = cut_close,
};

void cut_device_init(struct cut_device *d)
{
    memset(d, 0, sizeof *d);
    d->device = (struct device){.kind = &cut_kind, .size = CUT_DEVICE_SIZE};
    d->cut_at = UINT64_MAX;
    d->seed = 88172645463325252;
}

void cut_device_revive(struct cut_device *d)
{
    memcpy(d->now, d->medium, sizeof d->now);
    d->cut_at = UINT64_MAX;
}
