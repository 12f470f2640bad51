/*
 * The header that a command looks at or changes: in front of the target, or in a file of its
 * own. Whoever changes a header holds a lock on it, which works beside a daemon that serves the
 * data behind it.
 */
#ifndef KEEP_COMMAND_LUKS_TARGET_H
#define KEEP_COMMAND_LUKS_TARGET_H

#include <limits.h>

#include "keep/command/command.h"
#include "vault/credential/credential.h"
#include "vault/unlock.h"

enum luks_target_use {
    LUKS_TARGET_LOOK, /* read-only, a LUKS1 header too; also while others change it */
    LUKS_TARGET_CHANGE, /* LUKS2 alone; nobody else changes it meanwhile; a daemon may have the data open */
    LUKS_TARGET_KEYS, /* the same, and a LUKS1 header will do */
};

struct luks_target {
    const char *path;         /* as the user named it */
    const char *place;        /* of the header: the same, the file of --header, or: */
    char in_folder[PATH_MAX]; /* keep.luks in the folder */
    struct device *device;
    struct luks2 *header; /* also a LUKS1 one, in that form */
    bool is_luks1;
    bool is_open;   /* a daemon of this user serves it */
    bool foreign;   /* there is no LUKS header */
    bool is_folder; /* the target is a directory: there are no data behind a header */
};

/* Where the header of a target is: itself, or in a directory its keep.luks, written to `room`. NULL:
 * the path is too long. */
const char *luks_target_place(const char *path, char room[PATH_MAX]);

/*
 * Opens the header's device and reads the header.
 *
 *   header_path  the file of a detached header, or NULL
 *
 * RC_BUSY  another program has it, or changes its header
 * others   as luks2_read; RC_NOT_FOUND sets `foreign`
 */
enum rc luks_target_begin(struct luks_target *target, const char *path,
                          const char *header_path, enum luks_target_use use,
                          struct fault *why);

/* Gets the credential, asking where it must, and opens a slot with it, wherever the data are. */
enum rc luks_target_unlock(const struct luks_target *target, const struct credential *from,
                           int key_slot, struct unlock *unlocked, struct fault *why);

/*
 * Changes of the header in memory, with new key areas on the device: keyslot_add, keyslot_replace,
 * keyslot_remove of vault/header/keyslot.h, or their kin of LUKS1. luks_target_write makes them last.
 */
enum rc luks_target_add_key(struct luks_target *target, int number, const struct secret *key,
                            const struct secret *phrase, const struct kdf_params *params,
                            unsigned *used, struct fault *why);
enum rc luks_target_replace_key(struct luks_target *target, unsigned *number,
                                const struct secret *key, const struct secret *phrase,
                                const struct kdf_params *params, struct fault *why);
enum rc luks_target_remove_key(struct luks_target *target, unsigned number, struct fault *why);
enum rc luks_target_write(struct luks_target *target, struct fault *why);

/* Bytes that a backup of its header has, both copies and every key area. */
uint64_t luks_target_header_size(const struct luks_target *target);

/* The header on a device, of LUKS1 or LUKS2; errors as luks2_read. */
enum rc luks_target_read_header(struct luks2 **header, struct device *device,
                                struct fault *why);

/* The exit status of a command that came to `rc`. */
enum status luks_target_status(const struct luks_target *target, enum rc rc);

/* Harmless on {0}. */
void luks_target_clear(struct luks_target *target);

/* The lock on a header: RC_BUSY where another changes it, or for `change` also looks at it. */
enum rc luks_target_hold(struct device *device, bool change, struct fault *why);
void luks_target_release(struct device *device);

#endif
