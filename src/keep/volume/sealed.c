#include "keep/volume/sealed.h"

#include <stdlib.h>

#include "crypto/cipher.h"
#include "crypto/seal.h"
#include "keep/volume/lanes.h"

enum { SECTORS_MOST = LANE_ROOM / CIPHER_SECTOR };

struct sealed {
    struct integrity *integrity;
    struct seal *seal;
    uint32_t sector_size;
};

enum rc sealed_open(struct sealed **out, struct device *device,
                    const struct volume_place *place, const struct secret *key,
                    enum integrity_use use, struct fault *why)
{
    struct sealed *s = calloc(1, sizeof *s);
    enum rc rc;

    if (!s)
        return fail(why, RC_MEMORY, "no memory for a volume");
    s->sector_size = place->sector_size;
    rc = seal_open(&s->seal, place->encryption, place->integrity, key, place->sector_size,
                   place->iv_tweak, why);
    if (rc == RC_OK)
        rc = integrity_open(&s->integrity, device, place->offset, place->len,
                            (uint32_t)seal_stored_size(s->seal->kind), place->sector_size, use,
                            why);
    if (rc != RC_OK) {
        sealed_close(s);
        return rc;
    }
    *out = s;
    return RC_OK;
}

enum rc sealed_create(struct device *device, const struct volume_place *place,
                      struct fault *why)
{
    const struct seal_kind *kind = seal_find(place->encryption, place->integrity);

    if (!kind)
        return fail(why, RC_UNSUPPORTED, "the integrity \"%s\" is not known here",
                    place->integrity);
    return integrity_create(device, place->offset, place->len,
                            (uint32_t)seal_stored_size(kind), place->sector_size, why);
}

uint64_t sealed_size(const struct sealed *sealed)
{
    return integrity_blocks(sealed->integrity) * sealed->sector_size;
}

static struct seal_run run_at(const struct sealed *s, uint64_t offset, const uint8_t *in,
                              uint8_t *out, size_t len)
{
    return (struct seal_run){
        .sector = offset / CIPHER_SECTOR, .count = len / s->sector_size, .in = in, .out = out};
}

enum rc sealed_read(struct sealed *sealed, uint64_t offset, uint8_t *at, size_t len,
                    struct fault *why)
{
    const struct seal_run run = run_at(sealed, offset, at, at, len);
    uint8_t stored[SECTORS_MOST * SEAL_STORED_MAX];
    enum rc rc = integrity_read(sealed->integrity, offset / sealed->sector_size, run.count, at,
                                stored, why);

    if (rc != RC_OK || (rc = seal_decrypt(sealed->seal, &run, stored, why)) != RC_DENIED)
        return rc;
    wipe(at, len);
    if (why)
        why->rc = RC_IO;
    return RC_IO;
}

enum rc sealed_write(struct sealed *sealed, uint64_t offset, const uint8_t *from,
                     uint8_t *room, size_t len, struct fault *why)
{
    const struct seal_run run = run_at(sealed, offset, from, room, len);
    uint8_t stored[SECTORS_MOST * SEAL_STORED_MAX];
    enum rc rc = seal_encrypt(sealed->seal, &run, stored, why);

    return rc != RC_OK ? rc
                       : integrity_write(sealed->integrity, offset / sealed->sector_size,
                                         run.count, room, stored, why);
}

enum rc sealed_flush(struct sealed *sealed, struct fault *why)
{
    return integrity_flush(sealed->integrity, why);
}

void sealed_close(struct sealed *sealed)
{
    if (!sealed)
        return;
    integrity_close(sealed->integrity);
    seal_close(sealed->seal);
    free(sealed);
}
