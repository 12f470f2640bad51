/*
 * The reader of LUKS1 headers, and the way from one to the volume. An input is the header and what of
 * the device follows it. Costs are made small, so that unlocking is reached as well as parsing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "keep/format/format.h"
#include "keep/format/luks1/luks1_header.h"

enum {
    DEVICE_SIZE = 2 << 20,
    INPUT_MAX = 4096,
    DIGEST_ITERATIONS_AT = 164,
    KEYSLOTS_AT = 208,
    KEYSLOT_SIZE = 48,
    ITERATIONS_AT = 4,
    ITERATIONS_MAX = 3,
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static uint8_t image[DEVICE_SIZE];

static void make_cheap(uint8_t *iterations)
{
    if (be32_get(iterations) > ITERATIONS_MAX)
        be32_put(iterations, ITERATIONS_MAX);
}

/* What passed the reader keeps to its promises. */
static void check_header(const struct luks1_header *header)
{
    uint64_t data = header->as_luks2.segments[0].offset;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->as_luks2.keyslots[i];

        assert(i < LUKS1_KEYSLOTS || !slot->present);
        if (i >= LUKS1_KEYSLOTS)
            continue;
        assert(slot->area_offset >= LUKS1_HEADER_SIZE);
        assert(slot->area_size >= (uint64_t)slot->key_size * LUKS2_STRIPES);
        assert(data == 0 || slot->area_offset + slot->area_size <= data);
    }
}

static void unlock_it(struct device *device)
{
    SCOPED(format_volume) volume = {0};
    SCOPED(secret) phrase = {0};
    struct container *container;

    if (secret_copy(&phrase, span_text("fuzz"), NULL) != RC_OK)
        abort();
    if (format_read(&container, device, NULL) != RC_OK)
        return;
    if (format_unlock(container, device->size, false, &phrase, FORMAT_KEYSLOT_ANY, &volume,
                      NULL) == RC_OK)
        assert(volume.place.offset + volume.place.len <= device->size);
    format_close(container);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct luks1_header header;
    struct device *device;

    if (len < LUKS1_HEADER_SIZE || len > INPUT_MAX)
        return 0;
    memset(image, 0, INPUT_MAX);
    memcpy(image, at, len);
    make_cheap(image + DIGEST_ITERATIONS_AT);
    for (size_t i = 0; i < LUKS1_KEYSLOTS; i++)
        make_cheap(image + KEYSLOTS_AT + i * KEYSLOT_SIZE + ITERATIONS_AT);
    if (luks1_header_parse(&header, image, NULL) == RC_OK)
        check_header(&header);
    else if (memcmp(image, "LUKS\xba\xbe\0\1", 8) != 0)
        return 0;
    if (device_open_memory(&device, image, sizeof image, NULL) != RC_OK)
        abort();
    unlock_it(device);
    device_close(device);
    return 0;
}
