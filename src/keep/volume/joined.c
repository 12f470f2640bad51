#include "keep/volume/joined.h"

#include <stdlib.h>

/* A device that a piece may close without closing what it is made of. */
struct lent {
    struct device device;
    struct device *lower;
};

struct joined {
    struct device device;
    struct device *lower;
    struct {
        uint64_t start, len;
        struct device *bytes; /* a volume over `lent`, or `lower` itself */
        uint64_t offset;      /* in these */
        struct lent lent;
    } piece[JOINED_MAX];
    unsigned count;
};

static struct device *lower_of(struct device *d)
{
    return ((struct lent *)(void *)d)->lower;
}

static enum rc lent_read(struct device *d, uint64_t offset, void *at, size_t len,
                         struct fault *why)
{
    return device_read(lower_of(d), offset, at, len, why);
}

static enum rc lent_write(struct device *d, uint64_t offset, const void *at, size_t len,
                          struct fault *why)
{
    return device_write(lower_of(d), offset, at, len, why);
}

static enum rc lent_flush(struct device *d, struct fault *why)
{
    return device_flush(lower_of(d), why);
}

static enum rc lent_discard(struct device *d, uint64_t offset, uint64_t len, struct fault *why)
{
    return device_discard(lower_of(d), offset, len, why);
}

static void lent_close(struct device *d)
{
    (void)d;
}

static const struct device_kind lent_kind = {.name = "lent",
                                             .read_at = lent_read,
                                             .write_at = lent_write,
                                             .flush = lent_flush,
                                             .discard = lent_discard,
                                             .close = lent_close};

static struct joined *joined_of(struct device *d)
{
    return (struct joined *)(void *)d;
}

/* The piece at `offset`, and how much of `len` lies in it. */
static unsigned find(const struct joined *j, uint64_t offset, uint64_t len, uint64_t *part)
{
    unsigned i = 0;

    while (offset - j->piece[i].start >= j->piece[i].len)
        i++;
    *part = j->piece[i].len - (offset - j->piece[i].start);
    if (*part > len)
        *part = len;
    return i;
}

static uint64_t place(const struct joined *j, unsigned i, uint64_t offset)
{
    return j->piece[i].offset + (offset - j->piece[i].start);
}

static enum rc joined_read(struct device *d, uint64_t offset, void *at, size_t len,
                           struct fault *why)
{
    struct joined *j = joined_of(d);
    uint64_t part;

    for (size_t done = 0; done < len; done += part) {
        unsigned i = find(j, offset + done, len - done, &part);
        enum rc rc = device_read(j->piece[i].bytes, place(j, i, offset + done),
                                 (uint8_t *)at + done, (size_t)part, why);

        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc joined_write(struct device *d, uint64_t offset, const void *at, size_t len,
                            struct fault *why)
{
    struct joined *j = joined_of(d);
    uint64_t part;

    for (size_t done = 0; done < len; done += part) {
        unsigned i = find(j, offset + done, len - done, &part);
        enum rc rc = device_write(j->piece[i].bytes, place(j, i, offset + done),
                                  (const uint8_t *)at + done, (size_t)part, why);

        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc joined_flush(struct device *d, struct fault *why)
{
    return device_flush(joined_of(d)->lower, why);
}

static enum rc joined_discard(struct device *d, uint64_t offset, uint64_t len,
                              struct fault *why)
{
    struct joined *j = joined_of(d);
    uint64_t part;

    for (uint64_t done = 0; done < len; done += part) {
        unsigned i = find(j, offset + done, len - done, &part);
        enum rc rc = device_discard(j->piece[i].bytes, place(j, i, offset + done), part, why);

        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static void joined_close(struct device *d)
{
    struct joined *j = joined_of(d);

    for (unsigned i = 0; i < j->count; i++)
        if (j->piece[i].bytes != j->lower)
            device_close(j->piece[i].bytes);
    device_close(j->lower);
    free(j);
}

static const struct device_kind joined_kind = {.name = "joined",
                                               .read_at = joined_read,
                                               .write_at = joined_write,
                                               .flush = joined_flush,
                                               .discard = joined_discard,
                                               .close = joined_close};

static enum rc add(struct joined *j, struct device *lower, const struct joined_piece *from,
                   struct fault *why)
{
    unsigned i = j->count;
    uint64_t len = from->place.len;
    enum rc rc = RC_OK;

    j->piece[i].start = j->device.size;
    j->piece[i].len = len;
    if (from->place.encryption) {
        j->piece[i].lent = (struct lent){
            .device = {.kind = &lent_kind, .size = lower->size, .read_only = lower->read_only},
            .lower = lower};
        rc = volume_open(&j->piece[i].bytes, &j->piece[i].lent.device, &from->place, from->key,
                         why);
    } else if (from->place.offset > lower->size || len > lower->size - from->place.offset) {
        rc = fail(why, RC_FORMAT, "a piece does not lie inside the device");
    } else {
        j->piece[i].bytes = lower;
        j->piece[i].offset = from->place.offset;
    }
    if (rc != RC_OK)
        return rc;
    j->device.size += len;
    j->count++;
    return RC_OK;
}

enum rc joined_open(struct device **out, struct device *lower,
                    const struct joined_piece *pieces, unsigned count, struct fault *why)
{
    struct joined *j = count <= JOINED_MAX ? calloc(1, sizeof *j) : NULL;
    enum rc rc = j ? RC_OK : fail(why, RC_MEMORY, "no memory for a volume");

    if (rc == RC_OK)
        j->device = (struct device){.kind = &joined_kind, .read_only = lower->read_only};
    for (unsigned i = 0; i < count && rc == RC_OK; i++)
        rc = add(j, lower, &pieces[i], why);
    if (rc != RC_OK) {
        for (unsigned i = 0; j && i < j->count; i++)
            if (j->piece[i].bytes != lower)
                device_close(j->piece[i].bytes);
        free(j);
        return rc;
    }
    j->lower = lower;
    *out = &j->device;
    return RC_OK;
}
