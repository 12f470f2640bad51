/* What the files of this room share. */
#ifndef KEEP_REENCRYPT_ENGINE_H
#define KEEP_REENCRYPT_ENGINE_H

#include "crypto/cipher.h"
#include "keep/reencrypt/reencrypt.h"

enum { ENGINE_CHUNK = 1 << 20 };

struct reencrypt {
    struct reencrypt_task task;
    struct reencryption plan;
    struct reencryption_progress progress;
    uint64_t size;                   /* of the data */
    uint64_t zone_size;              /* of a zone at most */
    struct cipher *previous, *final; /* NULL for plain data */
    uint8_t *zone;                   /* room for one, once it is needed; it holds plain data */
    size_t zone_room;
    bool ended;    /* the header tells of it no more */
    uint8_t *sums; /* hashes of a zone's blocks, as they go to the area */
};

/* Whether the zone at `start` of the data goes to another place than it comes from. */
bool engine_moves(const struct reencrypt *e, uint64_t start);

/* Where bytes of the data are: in the way of before, or in the one to come. */
uint64_t engine_place(const struct reencrypt *e, uint64_t start, bool final);

/* Data in memory, in place: from the previous way to the final one, or back. */
enum rc engine_turn(struct reencrypt *e, uint64_t start, uint8_t *at, size_t len, bool back,
                    struct fault *why);

/* The hash of a block of the data as it stood there before. */
enum rc engine_sum(const struct reencrypt *e, const uint8_t *at, size_t len, uint8_t *sum,
                   struct fault *why);

/* The zone that was hot is done: in memory, and in the header. */
enum rc engine_zone_done(struct reencrypt *e, struct fault *why);

/* Whether the header ends it with the last zone; and the step that does so. */
bool engine_ends_at_once(const struct reencrypt *e);
enum rc engine_end(struct reencrypt *e, struct fault *why);

#endif
