/*
 * Containers by their format on disk: which one a device holds is found, its header is read
 * and checked, and a credential makes of it a place and a key, which volume/ turns into
 * decrypted bytes.
 */
#ifndef KEEP_FORMAT_FORMAT_H
#define KEEP_FORMAT_FORMAT_H

#include "base/secret.h"
#include "io/device.h"
#include "keep/volume/volume.h"

struct container;

enum { FORMAT_KEYSLOT_ANY = -1 };

/* What a credential gives. */
struct format_volume {
    struct volume_place place; /* its text lives as long as the container */
    struct secret key;
    unsigned keyslot; /* the one that the credential opened */
};

/* One format. A new one is a folder beside this, and a line in format.c. */
struct format {
    const char *name; /* "LUKS2", as `keep status` shows it */
    /* RC_NOT_FOUND: the device holds something else. */
    enum rc (*read)(struct container **out, struct device *device, struct fault *why);
    enum rc (*unlock)(struct container *container, uint64_t data_size, bool detached,
                      const struct secret *credential, int keyslot,
                      struct format_volume *volume, struct fault *why);
    enum rc (*repair)(struct container *container, struct fault *why); /* may be NULL */
    void (*close)(struct container *container);
};

/* The first member of every format's own. */
struct container {
    const struct format *format;
    struct device *device; /* with the header; not owned */
    const char *uuid;      /* in the header; lives as long */
    bool repair_due;       /* a part of the header is damaged that format_repair can restore */
};

/*
 * The container on `device`, which has its header, and must stay open as long. Nothing is
 * written.
 *
 * RC_NOT_FOUND    no format of ours
 * RC_FORMAT, RC_TRUNCATED, RC_UNSUPPORTED, RC_BUSY  as the format's reader says: its header is
 *                 damaged, cut off, of a version we do not know, or overwritten
 */
enum rc format_read(struct container **out, struct device *device, struct fault *why);

/*
 *   data_size  bytes of the device that holds the data: the one with the header, or, where that
 *              is `detached`, another
 *   keyslot    a number, or FORMAT_KEYSLOT_ANY
 *   volume     {0}; filled on success alone, and cleared with format_volume_clear
 *
 * RC_DENIED       no keyslot opens with this credential
 * RC_NOT_FOUND    the slot that was named is not there, or holds no key of the data
 * RC_USAGE        the data are in another file than the header, and that was not said
 * RC_TRUNCATED    the device ends before the data do
 * RC_UNSUPPORTED  a cipher, hash or feature that we do not have
 * RC_LIMIT        costs beyond what we pay
 */
enum rc format_unlock(struct container *container, uint64_t data_size, bool detached,
                      const struct secret *credential, int keyslot,
                      struct format_volume *volume, struct fault *why);

/* Writes anew what is damaged; nothing where repair_due is not set. */
enum rc format_repair(struct container *container, struct fault *why);

/* Harmless on NULL. */
void format_close(struct container *container);

/* Wipes the key; harmless on {0}. */
void format_volume_clear(struct format_volume *volume);

#endif
