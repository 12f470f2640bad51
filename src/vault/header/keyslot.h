/*
 * A keyslot: the volume key, split over 4000 stripes (the anti-forensic splitter), encrypted
 * under a key that is stretched from a passphrase.
 */
#ifndef VAULT_HEADER_KEYSLOT_H
#define VAULT_HEADER_KEYSLOT_H

#include "base/secret.h"
#include "vault/header/luks2.h"

/*
 * The key that the slot holds for this passphrase, or noise for a wrong one: only a digest
 * tells (digest.h), which unlock.h asks.
 *
 * RC_NOT_FOUND    there is no such slot
 * RC_UNSUPPORTED  a slot of a type, cipher, hash or KDF that we do not have
 * RC_LIMIT        its KDF asks for more than we pay
 */
enum rc keyslot_open(const struct luks2 *header, struct device *device, unsigned number,
                     const struct secret *phrase, struct secret *key, struct fault *why);

enum { KEYSLOT_ANY = -1 };

/*
 * Puts the volume key into a new slot, reads the slot back from the device and opens it, and
 * only then adds it to the header in memory, bound to the digest of the volume key;
 * luks2_write makes it last. The key area is encrypted as the data is. params->salt is chosen
 * here.
 *
 *   number  which slot, or KEYSLOT_ANY for the first free one
 *   used    in: NULL or a place for the number that was taken
 *
 * RC_DENIED  volume_key is not the key of this header
 * RC_BUSY    the slot is in use
 * RC_LIMIT   no slot, or no room in the keyslots area, is free
 */
enum rc keyslot_add(struct luks2 *header, struct device *device, int number,
                    const struct secret *volume_key, const struct secret *phrase,
                    const struct kdf_params *params, unsigned *used, struct fault *why);

/*
 * The key area of a slot that the caller has planned (place, sizes, cipher, costs and salt), read back
 * from the device and opened: for formats whose slots are of the same kind.
 */
enum rc keyslot_write(const struct luks2_keyslot *slot, struct device *device,
                      const struct secret *phrase, const struct secret *volume_key,
                      struct fault *why);

/* Adds to the header in memory a slot that stands on the device already, under a number that is free, and
 * binds it to a digest. */
enum rc keyslot_enter(struct luks2 *header, unsigned number, int digest,
                      const struct luks2_keyslot *slot, struct fault *why);

/* The same for the key of another digest, which has no data yet: that of a reencryption to come. */
enum rc keyslot_add_to_digest(struct luks2 *header, struct device *device, int digest,
                              const struct secret *volume_key, const struct secret *phrase,
                              const struct kdf_params *params, unsigned *used,
                              struct fault *why);

/* Tokens that are bound to one slot are bound to the other as well, in memory; names are not. */
enum rc keyslot_copy_tokens(struct luks2 *header, unsigned from, unsigned to,
                            struct fault *why);

/* The greatest gap in the keyslots area, in whole pages; its size is 0 where there is none. */
void keyslot_find_gap(const struct luks2 *header, uint64_t *offset, uint64_t *size);

/*
 * The same for a slot that is in use: its new key area is written beside the old one, which
 * stays as it is, and the header in memory names the new one under the old number. Once
 * luks2_write has made it last, the old area is the caller's to wipe (keyslot_wipe).
 *
 * RC_NOT_FOUND    there is no such slot, or it holds no key of the data
 * RC_LIMIT        no room in the keyslots area is free
 */
enum rc keyslot_replace(struct luks2 *header, struct device *device, unsigned number,
                        const struct secret *volume_key, const struct secret *phrase,
                        const struct kdf_params *params, struct fault *why);

/*
 * Takes a slot out of the header in memory, and out of the digests and tokens that name it. Its
 * key area is left alone.
 *
 * RC_NOT_FOUND  there is no such slot
 */
enum rc keyslot_remove(struct luks2 *header, unsigned number, struct fault *why);

/* Takes a digest out of the header in memory, and all slots that hold its key. */
enum rc keyslot_remove_digest(struct luks2 *header, int digest, struct fault *why);

/*
 * Looks at the key area of a slot without its key: encrypted bytes look random.
 *
 * RC_FORMAT     they do not: something else was written there
 * RC_NOT_FOUND  there is no such slot
 */
enum rc keyslot_check(const struct luks2 *header, struct device *device, unsigned number,
                      struct fault *why);

/*
 * Overwrites bytes of a keyslots area with random ones, flushes them, and reads them back.
 *
 * RC_IO  also where something else is read than was written
 */
enum rc keyslot_wipe(struct device *device, uint64_t offset, uint64_t len, struct fault *why);

/* The same for all of the keyslots area that no slot has. */
enum rc keyslot_wipe_free(const struct luks2 *header, struct device *device,
                          struct fault *why);

#endif
