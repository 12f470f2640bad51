#include "io/device.h"

#include <stdlib.h>
#include <string.h>

struct device_memory {
    struct device device;
    uint8_t *bytes;
};

static uint8_t *bytes_of(struct device *d)
{
    return ((struct device_memory *)(void *)d)->bytes;
}

static enum rc memory_read(struct device *d, uint64_t offset, void *at, size_t len,
                           struct fault *why)
{
    (void)why;
    memcpy(at, bytes_of(d) + offset, len);
    return RC_OK;
}

static enum rc memory_write(struct device *d, uint64_t offset, const void *at, size_t len,
                            struct fault *why)
{
    (void)why;
    memcpy(bytes_of(d) + offset, at, len);
    return RC_OK;
}

static enum rc memory_flush(struct device *d, struct fault *why)
{
    (void)d;
    (void)why;
    return RC_OK;
}

static enum rc memory_discard(struct device *d, uint64_t offset, uint64_t len,
                              struct fault *why)
{
    (void)why;
    memset(bytes_of(d) + offset, 0, (size_t)len);
    return RC_OK;
}

static void memory_close(struct device *d)
{
    free(d);
}

static const struct device_kind memory_kind = {
    .name = "memory",
    .read_at = memory_read,
    .write_at = memory_write,
    .flush = memory_flush,
    .discard = memory_discard,
    .close = memory_close,
};

enum rc device_open_memory(struct device **out, void *at, size_t size, struct fault *why)
{
    struct device_memory *memory = calloc(1, sizeof *memory);

    if (!memory)
        return fail(why, RC_MEMORY, "no memory for a device");
    *memory =
        (struct device_memory){.device = {.kind = &memory_kind, .size = size}, .bytes = at};
    *out = &memory->device;
    return RC_OK;
}
