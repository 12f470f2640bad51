/*
 * A target whose data are changed where they stand: keep encrypt, decrypt and reencrypt differ in
 * how they begin, and are one from there on.
 */
#ifndef KEEP_COMMAND_CONVERT_H
#define KEEP_COMMAND_CONVERT_H

#include "keep/command/convert_options.h"
#include "vault/credential/credential.h"

struct convert {
    const char *path;            /* as the user named it */
    const char *place;           /* of the header: the same, or a file of its own */
    enum reencryption_mode mode; /* what this command does */
    enum reencryption_guard guard;
    uint64_t zone_size;
    bool resume, init_only;
    bool is_file;         /* a regular one, which may get longer and shorter */
    struct device *data;  /* exclusive */
    struct device *apart; /* the header's own; NULL where it stands in front of the data */
    struct luks2 *header;
    struct secret previous_key, final_key;
};

/* Options, and the target: RC_USAGE for a folder. */
enum rc convert_begin(struct convert *c, const char *path,
                      const struct convert_options *options, struct fault *why);

/* The file of a header, which must be there. */
enum rc convert_open_header(struct convert *c, const char *path, struct fault *why);

struct device *convert_header_device(const struct convert *c);

/*
 * Reads the header anew. RC_NOT_FOUND where there is none; RC_USAGE where something was begun that
 * another command continues.
 */
enum rc convert_read(struct convert *c, struct fault *why);

/* A header that was ended, and not tidied up: done here, and *done is set. */
enum rc convert_tidy(struct convert *c, bool *done, struct fault *why);

/* RC_USAGE  not with --resume */
enum rc convert_may_begin(const struct convert *c, struct fault *why);

/* The volume keys of what was begun, for a credential that opens them all. */
enum rc convert_unlock(struct convert *c, const struct secret *credential, struct fault *why);

/* The same, getting the credential where it must. */
enum rc convert_ask_and_unlock(struct convert *c, const struct credential *from,
                               struct fault *why);

/*
 * Continues to the end, telling how it goes; *size is that of the data. With --init-only it stops
 * at once, and *ended is false.
 *
 *   shorten  makes a file as long as it is to be, once all its data are done; or NULL
 *
 * RC_IO  interrupted: the same command continues
 */
enum rc convert_run(struct convert *c, uint64_t *size, bool *ended,
                    enum rc (*shorten)(struct convert *c, uint64_t size, struct fault *why),
                    struct fault *why);

/*
 * A file has, or gets, all of the space below that this many bytes take, holes included, so that
 * it cannot run short in the midst. RC_IO where there is not so much.
 */
enum rc convert_take_space(const struct convert *c, uint64_t size, struct fault *why);

/* The file of the target gets this many bytes; nothing for a block device. */
enum rc convert_resize_file(struct convert *c, uint64_t size, struct fault *why);

/* Names the target in front of a fault that does not. Returns rc. */
enum rc convert_fault(const struct convert *c, enum rc rc, struct fault *why);

/* Harmless on {0}. */
void convert_clear(struct convert *c);

#endif
