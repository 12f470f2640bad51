/* Authenticated sectors: dm-crypt's authenticated mode above dm-integrity. */
#ifndef KEEP_VOLUME_SEALED_H
#define KEEP_VOLUME_SEALED_H

#include "base/secret.h"
#include "keep/volume/integrity.h"
#include "keep/volume/volume.h"

struct sealed;

/*
 * As volume_open for a place with an integrity.
 *
 * RC_UNSUPPORTED  an integrity that we do not have
 * others          as integrity_open
 */
enum rc sealed_open(struct sealed **out, struct device *device,
                    const struct volume_place *place, const struct secret *key,
                    enum integrity_use use, struct fault *why);

/* A new superblock and journal at the place; every sector is still to be written. */
enum rc sealed_create(struct device *device, const struct volume_place *place,
                      struct fault *why);

/* Bytes that it offers. */
uint64_t sealed_size(const struct sealed *sealed);

/* Whole sectors, at most a lane's room; RC_IO where a sector is not what was written. */
enum rc sealed_read(struct sealed *sealed, uint64_t offset, uint8_t *at, size_t len,
                    struct fault *why);
/* The same; `room` has as many bytes, and may be `from`. */
enum rc sealed_write(struct sealed *sealed, uint64_t offset, const uint8_t *from,
                     uint8_t *room, size_t len, struct fault *why);

enum rc sealed_flush(struct sealed *sealed, struct fault *why);

/* Harmless on NULL. */
void sealed_close(struct sealed *sealed);

#endif
