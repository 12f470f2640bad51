/* LUKS1: what cryptsetup made before 2018, and still does when asked. */
#include <stdlib.h>

#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks2/luks2_unlock.h"

extern const struct format format_luks1;

struct luks1_container {
    struct container container;
    struct luks2 *header; /* in that form */
};

static struct luks1_container *luks1_of(struct container *container)
{
    return (struct luks1_container *)(void *)container;
}

static void close_container(struct container *container)
{
    luks2_close(luks1_of(container)->header);
    free(container);
}

static enum rc read_container(struct container **out, struct device *device, struct fault *why)
{
    struct luks1_container *c = calloc(1, sizeof *c);
    enum rc rc;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a header");
    if ((rc = luks1_header_read(&c->header, device, why)) != RC_OK) {
        free(c);
        return rc;
    }
    c->container =
        (struct container){.format = &format_luks1, .device = device, .uuid = c->header->uuid};
    *out = &c->container;
    return RC_OK;
}

static enum rc unlock_container(struct container *container, uint64_t data_size, bool detached,
                                const struct secret *credential, int keyslot,
                                struct format_volume *volume, struct fault *why)
{
    return luks2_unlock(luks1_of(container)->header, container->device, data_size, detached,
                        credential, keyslot, volume, why);
}

const struct format format_luks1 = {
    .name = "LUKS1",
    .read = read_container,
    .unlock = unlock_container,
    .close = close_container,
};
