/*
 * Decrypted bytes: a device made of a device and a key. Any offset and length will do; what
 * does not begin or end on a sector is read, changed and written whole, while nobody else
 * touches it.
 */
#ifndef KEEP_VOLUME_VOLUME_H
#define KEEP_VOLUME_VOLUME_H

#include "base/secret.h"
#include "io/device.h"

/* Where the encrypted sectors are, and how they are encrypted. */
struct volume_place {
    uint64_t offset, len;   /* bytes of the lower device; len is a multiple of sector_size */
    uint32_t sector_size;   /* 512, 1024, 2048 or 4096 */
    uint64_t iv_tweak;      /* the number of the first sector, in units of 512 bytes */
    bool large_iv;          /* sectors are numbered in their own size (iv_large_sectors) */
    const char *encryption; /* "aes-xts-plain64" */
    const char *integrity;  /* "hmac(sha256)", "aead"; NULL: nothing stands beside a sector */
};

/*
 * The key is copied into the cipher and not kept. `lower` becomes the volume's own on success,
 * and is closed with it.
 *
 * RC_FORMAT       the place does not lie inside `lower`, or is no whole number of sectors
 * RC_UNSUPPORTED  a cipher, or a key of a size, that we do not have
 * others          where the place has an integrity, as integrity_open
 * RC_MEMORY
 */
enum rc volume_open(struct device **out, struct device *lower,
                    const struct volume_place *place, const struct secret *key,
                    struct fault *why);

#endif
