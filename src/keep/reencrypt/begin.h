/* How each kind of reencryption begins, so that a cut leaves what was, or what can go on. */
#ifndef KEEP_REENCRYPT_BEGIN_H
#define KEEP_REENCRYPT_BEGIN_H

#include "vault/header/reencryption.h"

/*
 * Data that stay where they are: in the header, which is written once, at the end. `plan` has its
 * mode and both sides; this fills the rest.
 *
 *   size  bytes of the data, or 0 where they go to the end of the device
 *
 * RC_UNSUPPORTED  data that are no whole sectors of both sides
 */
enum rc begin_in_place(struct luks2 *header, struct device *header_device,
                       const struct device *data, struct reencryption *plan,
                       enum reencryption_guard guard, const struct secret *previous_key,
                       const struct secret *final_key, struct fault *why);

/*
 * Encrypted data that stand behind their header, of which `header_device` has a copy already: they
 * will be plain and begin at 0. The first of them are moved there; that destroys the header in
 * front of them, and until the copy tells of it too, it still opens them where they were.
 */
enum rc begin_shift_back(struct luks2 *header, struct device *header_device,
                         struct device *data, enum reencryption_guard guard,
                         const struct secret *key, struct fault *why);

/*
 * Plain data at the front of a device, behind which there is room: `shift` bytes for the header
 * that is to stand in front of them, as many for what is on its way, and the first `shift` bytes
 * of them.
 */
struct begin_room {
    uint64_t size;  /* of the data */
    uint64_t shift; /* from the front of the device to the encrypted data */
};

/* How large the device must be at least. */
uint64_t begin_room_size(const struct begin_room *room);

/*
 *   header  a new one with its keyslots and key, made on `made`, a device of `shift` bytes in
 *           memory that is written to `data` here
 *
 * Until its one deciding write the data are as they were; after it, begin_look finds what is to be
 * done. Both end with a header on `data` that tells of the reencryption.
 */
enum rc begin_shift_out(struct luks2 *header, struct device *made, struct device *data,
                        const struct begin_room *room, const struct secret *key,
                        struct fault *why);

/* Only says that it is about to begin: so a file that was made longer for it is known as such. */
enum rc begin_mark(struct device *data, const struct begin_room *room, struct fault *why);

enum begin_state {
    BEGIN_NOTHING,   /* no trace of a beginning */
    BEGIN_UNDECIDED, /* one that had not touched the data: begin again, with this room */
    BEGIN_COMPLETED, /* one that had: it was completed just now */
};

/*
 * Looks for a beginning that was cut short, and completes it.
 *
 * RC_FORMAT  the data were changed since: neither what was there nor what was to come
 */
enum rc begin_look(struct device *data, uint64_t shift, enum begin_state *state,
                   struct begin_room *room, struct fault *why);

#endif
