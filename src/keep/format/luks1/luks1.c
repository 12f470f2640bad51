/* LUKS1: what cryptsetup made before 2018, and still does when asked. */
#include <inttypes.h>
#include <stdlib.h>

#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks2/luks2_unlock.h"

extern const struct format format_luks1;

struct luks1_container {
    struct container container;
    struct luks1_header header;
};

static struct luks1_container *luks1_of(struct container *container)
{
    return (struct luks1_container *)(void *)container;
}

static void close_container(struct container *container)
{
    free(container);
}

static enum rc fill(struct luks1_container *c, struct device *device, struct fault *why)
{
    uint8_t bytes[LUKS1_HEADER_SIZE];
    enum rc rc;

    if (device->size < sizeof bytes)
        return fail(why, RC_NOT_FOUND, "no LUKS1 header is here");
    if ((rc = device_read(device, 0, bytes, sizeof bytes, why)) ||
        (rc = luks1_header_parse(&c->header, bytes, why)))
        return rc;
    if (luks1_header_end(&c->header) > device->size)
        return fail(why, RC_TRUNCATED,
                    "the device was cut off: it ends at %" PRIu64
                    ", within the keys of its header",
                    device->size);
    c->container = (struct container){.format = &format_luks1, .device = device};
    return RC_OK;
}

static enum rc read_container(struct container **out, struct device *device, struct fault *why)
{
    struct luks1_container *c = calloc(1, sizeof *c);
    enum rc rc;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a header");
    if ((rc = fill(c, device, why)) != RC_OK) {
        free(c);
        return rc;
    }
    *out = &c->container;
    return RC_OK;
}

static enum rc unlock_container(struct container *container, uint64_t data_size, bool detached,
                                const struct secret *credential, int keyslot,
                                struct format_volume *volume, struct fault *why)
{
    return luks2_unlock(&luks1_of(container)->header.as_luks2, container->device,
                        LUKS1_HEADER_SIZE, data_size, detached, credential, keyslot, volume,
                        why);
}

const struct format format_luks1 = {
    .name = "LUKS1",
    .read = read_container,
    .unlock = unlock_container,
    .close = close_container,
};
