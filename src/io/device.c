#include "io/device.h"

#include <inttypes.h>

static enum rc check_range(const struct device *d, uint64_t offset, uint64_t len,
                           struct fault *why)
{
    if (offset <= d->size && len <= d->size - offset)
        return RC_OK;
    return fail(why, RC_FORMAT,
                "offset %" PRIu64 ": %" PRIu64 " bytes reach behind the end, %" PRIu64, offset,
                len, d->size);
}

static enum rc check_change(const struct device *d, uint64_t offset, uint64_t len,
                            struct fault *why)
{
    if (d->read_only)
        return fail(why, RC_DENIED, "opened for reading only");
    return check_range(d, offset, len, why);
}

enum rc device_read(struct device *d, uint64_t offset, void *at, size_t len, struct fault *why)
{
    enum rc rc = check_range(d, offset, len, why);

    return rc == RC_OK && len > 0 ? d->kind->read_at(d, offset, at, len, why) : rc;
}

enum rc device_write(struct device *d, uint64_t offset, const void *at, size_t len,
                     struct fault *why)
{
    enum rc rc = check_change(d, offset, len, why);

    return rc == RC_OK && len > 0 ? d->kind->write_at(d, offset, at, len, why) : rc;
}

enum rc device_write_over(struct device *d, uint64_t offset, void *at, size_t len,
                          struct fault *why)
{
    enum rc rc = check_change(d, offset, len, why);

    if (rc != RC_OK || len == 0)
        return rc;
    return d->kind->write_over ? d->kind->write_over(d, offset, at, len, why)
                               : d->kind->write_at(d, offset, at, len, why);
}

enum rc device_write_direct(struct device *d, uint64_t offset, const void *at, size_t len,
                            struct fault *why)
{
    enum rc rc = check_change(d, offset, len, why);

    if (rc != RC_OK || len == 0)
        return rc;
    return d->kind->write_direct ? d->kind->write_direct(d, offset, at, len, why)
                                 : d->kind->write_at(d, offset, at, len, why);
}

enum rc device_flush(struct device *d, struct fault *why)
{
    return d->read_only ? RC_OK : d->kind->flush(d, why);
}

enum rc device_discard(struct device *d, uint64_t offset, uint64_t len, struct fault *why)
{
    enum rc rc = check_change(d, offset, len, why);

    if (rc != RC_OK || len == 0)
        return rc;
    if (!d->kind->discard)
        return fail(why, RC_UNSUPPORTED, "this device cannot discard");
    return d->kind->discard(d, offset, len, why);
}

enum rc device_follow(struct device *d, uint64_t bottom, struct fault *why)
{
    return d->kind->follow ? d->kind->follow(d, bottom, why)
                           : fail(why, RC_UNSUPPORTED, "its size is fixed while it is open");
}

void device_close(struct device *d)
{
    if (d)
        d->kind->close(d);
}
