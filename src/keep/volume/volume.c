#include "keep/volume/volume.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/cipher.h"
#include "keep/volume/lanes.h"
#include "keep/volume/sealed.h"

enum { IV_UNIT = 512 };

/* A write of this size is one of many, after which somebody waits for a flush. */
enum { BULK = 256 << 10 };

/* Of one read of the lower device: as much as stays in a processor's second cache. */
enum { READ_MOST = 256 << 10 };

/* A shorter one is not worth the way to the medium and back. */
enum { DIRECT_LEAST = 128 << 10 };

struct volume {
    struct device device;
    struct device *lower;
    struct cipher *cipher;
    struct sealed *sealed; /* in the place of the cipher, where tags stand beside sectors */
    uint64_t offset;
    uint64_t iv_tweak;
    uint32_t iv_unit; /* bytes that a sector's number counts */
    uint32_t sector_size;
    struct lanes lanes;
};

static struct volume *volume_of(struct device *d)
{
    return (struct volume *)d;
}

static uint64_t down(const struct volume *v, uint64_t offset)
{
    return offset & ~(uint64_t)(v->sector_size - 1);
}

static uint64_t up(const struct volume *v, uint64_t offset)
{
    return down(v, offset + v->sector_size - 1);
}

/* Whole sectors: reads them from the lower device and decrypts them in place. */
static enum rc fetch(struct volume *v, uint64_t offset, uint8_t *at, size_t len,
                     struct fault *why)
{
    enum rc rc;

    if (v->sealed)
        return sealed_read(v->sealed, offset, at, len, why);
    rc = device_read(v->lower, v->offset + offset, at, len, why);
    return rc != RC_OK ? rc
                       : cipher_decrypt(v->cipher, v->iv_tweak + offset / v->iv_unit, at, at,
                                        len, why);
}

/* Whole sectors, which fit the room: encrypts them there (`from` may be the room) and writes
 * them. */
static enum rc store(struct volume *v, uint64_t offset, const uint8_t *from, uint8_t *room,
                     size_t len, struct fault *why)
{
    enum rc rc;

    if (v->sealed)
        return sealed_write(v->sealed, offset, from, room, len, why);
    rc = cipher_encrypt(v->cipher, v->iv_tweak + offset / v->iv_unit, from, room, len, why);
    return rc != RC_OK ? rc : device_write(v->lower, v->offset + offset, room, len, why);
}

/*
 * The bytes of one step from `offset` on, `left` being wanted: a part of one sector (*whole is
 * false), or as many whole sectors as one step may have, which a room must hold where that is used.
 */
static size_t step_len(const struct volume *v, uint64_t offset, size_t left, bool writes,
                       bool *whole)
{
    size_t in_sector = (size_t)(offset - down(v, offset));
    size_t rest = v->sector_size - in_sector;
    size_t most = writes || v->sealed ? LANE_ROOM : READ_MOST;

    *whole = in_sector == 0 && left >= v->sector_size;
    if (!*whole)
        return left < rest ? left : rest;
    return left > most ? most : (size_t)down(v, left);
}

/* A step of a request: some bytes, which are whole sectors or lie in one. */
struct step {
    struct lane *lane;
    uint64_t offset;
    uint8_t *at; /* the caller's; changed by a read alone */
    size_t len;
    bool whole;
};

static enum rc read_step(struct volume *v, const struct step *step, struct fault *why)
{
    uint64_t sector = down(v, step->offset);
    uint8_t *room = step->lane->room;
    enum rc rc;

    if (step->whole)
        return fetch(v, step->offset, step->at, step->len, why);
    rc = fetch(v, sector, room, v->sector_size, why);
    if (rc == RC_OK)
        memcpy(step->at, room + (step->offset - sector), step->len);
    return rc;
}

static enum rc write_step(struct volume *v, const struct step *step, struct fault *why)
{
    uint64_t sector = down(v, step->offset);
    uint8_t *room = step->lane->room;
    enum rc rc;

    if (step->whole)
        return store(v, step->offset, step->at, room, step->len, why);
    rc = fetch(v, sector, room, v->sector_size, why);
    if (rc != RC_OK)
        return rc;
    memcpy(room + (step->offset - sector), step->at, step->len);
    return store(v, sector, room, room, v->sector_size, why);
}

/* A request from its first step to its last, while nobody else changes what it is about. */
static enum rc walk(struct volume *v, uint64_t offset, uint8_t *at, size_t len, bool writes,
                    struct fault *why)
{
    struct step step = {
        .lane = lanes_take(&v->lanes, down(v, offset), up(v, offset + len), writes)};
    enum rc rc = RC_OK;

    for (size_t done = 0; done < len && rc == RC_OK; done += step.len) {
        step.offset = offset + done;
        step.at = at + done;
        step.len = step_len(v, step.offset, len - done, writes, &step.whole);
        rc = writes ? write_step(v, &step, why) : read_step(v, &step, why);
    }
    lanes_give(&v->lanes, step.lane);
    return rc;
}

static enum rc volume_read_at(struct device *d, uint64_t offset, void *at, size_t len,
                              struct fault *why)
{
    return walk(volume_of(d), offset, at, len, false, why);
}

static enum rc volume_write_at(struct device *d, uint64_t offset, const void *at, size_t len,
                               struct fault *why)
{
    struct volume *v = volume_of(d);
    enum rc rc = walk(v, offset, (uint8_t *)(uintptr_t)at, len, true, why);

    if (rc == RC_OK && len >= BULK)
        device_hasten(v->lower, v->offset + offset, len);
    return rc;
}

/* A long run at once, encrypted in the caller's own room. */
static enum rc volume_write_over(struct device *d, uint64_t offset, void *at, size_t len,
                                 struct fault *why)
{
    struct volume *v = volume_of(d);
    struct lane *lane;
    enum rc rc;

    if (len < DIRECT_LEAST || v->sealed || !device_is_direct(v->lower) ||
        ((v->offset + offset) | len | (uintptr_t)at) % DEVICE_DIRECT_UNIT != 0)
        return volume_write_at(d, offset, at, len, why);
    lane = lanes_take(&v->lanes, offset, offset + len, true);
    rc = cipher_encrypt(v->cipher, v->iv_tweak + offset / v->iv_unit, at, at, len, why);
    if (rc == RC_OK)
        rc = device_write_direct(v->lower, v->offset + offset, at, len, why);
    lanes_give(&v->lanes, lane);
    return rc;
}

static enum rc volume_flush(struct device *d, struct fault *why)
{
    struct volume *v = volume_of(d);

    return v->sealed ? sealed_flush(v->sealed, why) : device_flush(v->lower, why);
}

/* Only sectors that lie in the range whole are given back. */
static enum rc volume_discard(struct device *d, uint64_t offset, uint64_t len,
                              struct fault *why)
{
    struct volume *v = volume_of(d);
    uint64_t first = up(v, offset), end = down(v, offset + len);
    struct lane *lane;
    enum rc rc;

    if (v->sealed)
        return fail(why, RC_UNSUPPORTED, "authenticated sectors cannot be given back");
    if (first >= end)
        return RC_OK;
    lane = lanes_take(&v->lanes, first, end, true);
    rc = device_discard(v->lower, v->offset + first, end - first, why);
    lanes_give(&v->lanes, lane);
    return rc;
}

/* Where the sectors reach to the end of the lower device, and stand alone. */
static enum rc volume_follow(struct device *d, uint64_t bottom, struct fault *why)
{
    struct volume *v = volume_of(d);
    enum rc rc;

    if (v->sealed || v->lower->size < v->offset ||
        d->size != down(v, v->lower->size - v->offset))
        return fail(why, RC_UNSUPPORTED, "its size is fixed while it is open");
    if (bottom < v->offset + v->sector_size)
        return fail(why, RC_TRUNCATED, "no sector would be left");
    if ((rc = device_follow(v->lower, bottom, why)) != RC_OK)
        return rc;
    __atomic_store_n(&d->size, down(v, bottom - v->offset), __ATOMIC_RELEASE);
    return RC_OK;
}

static void volume_close(struct device *d)
{
    struct volume *v = volume_of(d);

    lanes_clear(&v->lanes);
    sealed_close(v->sealed);
    cipher_close(v->cipher);
    device_close(v->lower);
    free(v);
}

static const struct device_kind volume_kind = {
    .name = "volume",
    .read_at = volume_read_at,
    .write_at = volume_write_at,
    .write_over = volume_write_over,
    .flush = volume_flush,
    .discard = volume_discard,
    .follow = volume_follow,
    .close = volume_close,
};

static enum rc check_place(const struct volume_place *place, uint64_t size, struct fault *why)
{
    uint32_t sector = place->sector_size;

    if (sector < 512 || sector > 4096 || (sector & (sector - 1)) != 0)
        return fail(why, RC_FORMAT, "%u is no size of a sector", sector);
    if (place->large_iv && place->iv_tweak % (sector / IV_UNIT) != 0)
        return fail(why, RC_FORMAT, "the number of the first sector is no multiple of %u",
                    sector / IV_UNIT);
    if (place->offset > size || place->len > size - place->offset || place->len % sector != 0)
        return fail(why, RC_FORMAT, "the encrypted sectors do not lie inside the device");
    return RC_OK;
}

static enum rc open_crypt(struct volume *v, struct device *lower,
                          const struct volume_place *place, const struct secret *key,
                          struct fault *why)
{
    enum rc rc;

    if (!place->integrity) {
        rc = cipher_open(&v->cipher, place->encryption, key, place->sector_size, why);
        if (rc == RC_OK)
            v->cipher->large_iv = place->large_iv;
        return rc;
    }
    rc = sealed_open(&v->sealed, lower, place, key,
                     lower->read_only ? INTEGRITY_READ : INTEGRITY_WRITE, why);
    if (rc == RC_OK)
        v->device.size = sealed_size(v->sealed);
    return rc;
}

enum rc volume_open(struct device **out, struct device *lower,
                    const struct volume_place *place, const struct secret *key,
                    struct fault *why)
{
    struct volume *v;
    enum rc rc = check_place(place, lower->size, why);

    if (rc != RC_OK)
        return rc;
    v = calloc(1, sizeof *v);
    if (!v)
        return fail(why, RC_MEMORY, "no memory for a volume");
    v->device = (struct device){
        .kind = &volume_kind, .size = place->len, .read_only = lower->read_only};
    v->offset = place->offset;
    v->sector_size = place->sector_size;
    v->iv_unit = place->large_iv ? place->sector_size : IV_UNIT;
    v->iv_tweak = place->iv_tweak / (v->iv_unit / IV_UNIT);
    if ((rc = lanes_init(&v->lanes, why)) || (rc = open_crypt(v, lower, place, key, why))) {
        volume_close(&v->device);
        return rc;
    }
    v->lower = lower;
    device_ready_direct(lower);
    *out = &v->device;
    return RC_OK;
}
