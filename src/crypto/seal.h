/*
 * Sectors that are encrypted and authenticated, as dm-crypt does above dm-integrity: beside each
 * one is stored a tag, and with it the initial vector where that is random. What is bound to a
 * sector is its number, so that no sector passes for another; an old state of the same sector
 * does.
 *
 * Source: dm-crypt's authenticated mode. The tag covers the number of the sector (64 bits,
 * little endian), the initial vector, and the ciphertext.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/secret.h"

enum {
    SEAL_STORED_MAX = 96, /* bytes beside a sector */
};

struct seal;

/* A run of sectors, one after the other, and what is stored beside each. */
struct seal_run {
    uint64_t sector; /* number of the first, in units of 512 bytes, from the volume's start */
    size_t count;
    const uint8_t *in;
    uint8_t *out; /* may be `in` */
};

/* One way to do it. A new one is a member of the table in seal.c. */
struct seal_kind {
    const char *integrity;  /* LUKS2's word for the type: "hmac(sha256)", "aead" */
    const char *encryption; /* LUKS2's word; NULL: a sector cipher of cipher.h */
    uint16_t key_sizes[3];  /* bytes; unused places are 0; with a sector cipher, of the MAC */
    uint16_t tag_size, iv_size; /* bytes that are stored of each */
    enum rc (*open)(struct seal **out, const struct seal_kind *kind, const char *encryption,
                    const struct secret *key, uint32_t sector_size, struct fault *why);
    enum rc (*encrypt)(struct seal *seal, const struct seal_run *run, uint8_t *stored,
                       struct fault *why);
    enum rc (*decrypt)(struct seal *seal, const struct seal_run *run, const uint8_t *stored,
                       struct fault *why);
    void (*close)(struct seal *seal);
};

/* The first member of every one. */
struct seal {
    const struct seal_kind *kind;
    uint32_t sector_size;
    uint64_t iv_tweak; /* added to a sector's number where an initial vector is made of it */
};

/* NULL for what is not known. */
const struct seal_kind *seal_find(const char *encryption, const char *integrity);

/* Every one; NULL after the last. */
const struct seal_kind *seal_kind_at(size_t index);

bool seal_takes_key(const struct seal_kind *kind, const char *encryption, size_t key_size);

/* The largest key that it takes, in bytes. */
size_t seal_key_size(const struct seal_kind *kind, const char *encryption);

/* Bytes that are stored beside a sector. */
static inline size_t seal_stored_size(const struct seal_kind *kind)
{
    return (size_t)kind->tag_size + kind->iv_size;
}

/*
 * May be used by several threads at once. The key is copied into its own state, which is wiped
 * by seal_close.
 *
 * RC_UNSUPPORTED  unknown words, or a key of a size that is not taken
 */
enum rc seal_open(struct seal **out, const char *encryption, const char *integrity,
                  const struct secret *key, uint32_t sector_size, uint64_t iv_tweak,
                  struct fault *why);

/* Encrypts; fills run->count times seal_stored_size bytes of `stored`. */
enum rc seal_encrypt(struct seal *seal, const struct seal_run *run, uint8_t *stored,
                     struct fault *why);

/* RC_DENIED: a sector is not what was sealed; nothing of the run is then to be used, and the
 * fault names the sector. */
enum rc seal_decrypt(struct seal *seal, const struct seal_run *run, const uint8_t *stored,
                     struct fault *why);

/* Harmless on NULL. */
void seal_close(struct seal *seal);

/* For the kinds: the fault of seal_decrypt. */
enum rc seal_mismatch(uint64_t sector, struct fault *why);

#endif
