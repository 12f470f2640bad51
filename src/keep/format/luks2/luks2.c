/* LUKS2, which vault reads and writes. */
#include <stdlib.h>

#include "keep/format/luks2/luks2_unlock.h"

extern const struct format format_luks2;

struct luks2_container {
    struct container container;
    struct luks2 *header;
};

static struct luks2_container *luks2_of(struct container *container)
{
    return (struct luks2_container *)(void *)container;
}

static void close_container(struct container *container)
{
    luks2_close(luks2_of(container)->header);
    free(container);
}

static enum rc read_container(struct container **out, struct device *device, struct fault *why)
{
    struct luks2_container *c = calloc(1, sizeof *c);
    enum rc rc;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a header");
    if ((rc = luks2_read(&c->header, device, why)) != RC_OK) {
        free(c);
        return rc;
    }
    c->container = (struct container){.format = &format_luks2,
                                      .device = device,
                                      .uuid = c->header->uuid,
                                      .repair_due = c->header->repair_due};
    *out = &c->container;
    return RC_OK;
}

static enum rc unlock_container(struct container *container, uint64_t data_size, bool detached,
                                const struct secret *credential, int keyslot,
                                struct format_volume *volume, struct fault *why)
{
    return luks2_unlock(luks2_of(container)->header, container->device, data_size, detached,
                        credential, keyslot, volume, why);
}

static enum rc repair_container(struct container *container, struct fault *why)
{
    enum rc rc = luks2_repair(luks2_of(container)->header, container->device, why);

    container->repair_due = luks2_of(container)->header->repair_due;
    return rc;
}

const struct format format_luks2 = {
    .name = "LUKS2",
    .read = read_container,
    .unlock = unlock_container,
    .repair = repair_container,
    .close = close_container,
};
