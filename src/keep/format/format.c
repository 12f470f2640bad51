#include "keep/format/format.h"

extern const struct format format_luks1, format_luks2;

/* LUKS2 last: where its first copy is lost, it searches for the second one. */
static const struct format *const formats[] = {&format_luks1, &format_luks2};

enum rc format_read(struct container **out, struct device *device, struct fault *why)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        enum rc rc = formats[i]->read(out, device, why);

        if (rc != RC_NOT_FOUND)
            return rc;
    }
    return fail(why, RC_NOT_FOUND, "no LUKS header is here");
}

enum rc format_unlock(struct container *container, uint64_t data_size, bool detached,
                      const struct secret *credential, int keyslot,
                      struct format_volume *volume, struct fault *why)
{
    return container->format->unlock(container, data_size, detached, credential, keyslot,
                                     volume, why);
}

enum rc format_repair(struct container *container, struct fault *why)
{
    return container->repair_due ? container->format->repair(container, why) : RC_OK;
}

void format_close(struct container *container)
{
    if (container)
        container->format->close(container);
}

void format_volume_clear(struct format_volume *volume)
{
    secret_clear(&volume->key);
    *volume = (struct format_volume){0};
}
