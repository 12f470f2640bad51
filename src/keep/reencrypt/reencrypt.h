/*
 * All data of a volume from one way of storing them to another, where they stand: zone by zone,
 * each change of a zone announced in the header before it and told there after it, so that a cut
 * at any write leaves what can be continued. Neither prints nor asks.
 *
 * A zone is read and turned in memory; then what can make it whole again is made last (hashes of
 * its blocks, all its bytes, or nothing, where they go to another place than they come from);
 * then the header names the zone as hot; then its bytes are written; then the header names it as
 * done. Each of these waits until the one before is on the medium.
 */
#ifndef KEEP_REENCRYPT_REENCRYPT_H
#define KEEP_REENCRYPT_REENCRYPT_H

#include "vault/header/reencryption.h"

/* One that was begun, and where its bytes are. */
struct reencrypt_task {
    struct luks2 *header; /* as it stands on header_device */
    struct device *header_device;
    struct device *data; /* the same one, where the header stands in front of the data */
    const struct secret *previous_key, *final_key; /* NULL for plain data; where all are done,
                                                      also for keys that are gone */
    uint64_t zone_size;                            /* bytes at most; 0: chosen here */
};

struct reencrypt;

/*
 * Checks everything, proves the metadata, and repairs a copy of the header that a cut has left
 * behind. The task is copied; what it points to must last.
 *
 * RC_DENIED       somebody else than the owner of the keys wrote the metadata
 * RC_FORMAT, RC_UNSUPPORTED, RC_TRUNCATED  as reencryption.h says
 * RC_LIMIT        no zone of any size can be guarded: the area in the header is too small
 */
enum rc reencrypt_open(struct reencrypt **out, const struct reencrypt_task *task,
                       struct fault *why);

/*
 * Makes a zone whole that was cut short; nothing where there is none.
 *
 * RC_FORMAT  the zone has no guard, or holds what neither its old nor its new bytes explain
 */
enum rc reencrypt_recover(struct reencrypt *e, struct fault *why);

/* One zone more. RC_END when there is none. Call reencrypt_recover first. */
enum rc reencrypt_step(struct reencrypt *e, struct fault *why);

/*
 * Once all zones are done: wipes plain data that were moved out of the header's way.
 * reencrypt_finish does so as well.
 */
enum rc reencrypt_wipe(struct reencrypt *e, struct fault *why);

/* Once all zones are done: ends it in the header, and wipes what is of no use there any more. */
enum rc reencrypt_finish(struct reencrypt *e, struct fault *why);

/* The last of that, for a header with a note and without a reencryption: a cut came between. */
enum rc reencrypt_tidy(struct luks2 *header, struct device *device, struct fault *why);

/* Bytes of data that are done, and all of them. */
void reencrypt_progress(const struct reencrypt *e, uint64_t *done, uint64_t *all);

/* How it goes about it, and where it is. */
const struct reencryption *reencrypt_plan(const struct reencrypt *e);
unsigned reencrypt_pieces(const struct reencrypt *e,
                          struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX]);

/* Harmless on NULL. */
void reencrypt_close(struct reencrypt *e);

#endif
