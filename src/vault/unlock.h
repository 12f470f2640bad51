/* From a credential to the volume key: the one path by which anything is unlocked. */
#ifndef VAULT_UNLOCK_H
#define VAULT_UNLOCK_H

#include "base/secret.h"
#include "vault/header/luks2.h"

enum { UNLOCK_ANY = -1 };

struct unlock {
    struct luks2_extent extent; /* where the data is, and how it is encrypted */
    struct secret volume_key;
    unsigned keyslot; /* the one that the credential opened */
};

/*
 * Tries the keyslots that hold the key of the data: preferred ones, then normal ones; those
 * marked "ignore", only when named. Slots that are bound to no data are never tried.
 *
 *   header_device  where the header and the keyslots are
 *   data_size      bytes of the device that holds the data: the same one, or for a detached
 *                  header another
 *   keyslot        a number, or UNLOCK_ANY
 *   out            {0}; filled on success alone, and cleared with unlock_clear; its texts live
 *                  as long as the header
 *
 * RC_DENIED       no keyslot opens with this credential
 * RC_NOT_FOUND    the slot that was named is not there, or holds no key of the data
 * RC_TRUNCATED    as luks2_extent_find
 * RC_UNSUPPORTED  the same; and a slot that we cannot open was in the way, and no other opens
 * RC_LIMIT        so was a slot whose KDF asks for more than we pay
 */
enum rc unlock(const struct luks2 *header, struct device *header_device, uint64_t data_size,
               const struct secret *credential, int keyslot, struct unlock *out,
               struct fault *why);

/*
 * The same for the key of one digest, which suits this encryption: where a header has several
 * keys, as in the midst of a reencryption. out->extent is left alone.
 */
enum rc unlock_digest(const struct luks2 *header, struct device *header_device, int digest,
                      const char *encryption, const struct secret *credential, int keyslot,
                      struct unlock *out, struct fault *why);

/* Wipes the key; harmless on {0}. */
void unlock_clear(struct unlock *u);

#endif
