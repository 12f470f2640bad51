/*
 * Sector ciphers, by the strings that LUKS2 calls "encryption": "aes-xts-plain64". A call
 * takes a run of sectors, the first of which is numbered; an object may be used by several
 * threads at once.
 */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/secret.h"

enum { CIPHER_SECTOR = 512, CIPHER_SECTOR_MAX = 4096 };

struct cipher;

/* One way to encrypt sectors. A new one is a member of the table in cipher.c. */
struct cipher_kind {
    const char *encryption;  /* LUKS2's word */
    const char *provider;    /* whose code it is: "OpenSSL", "libgcrypt", "native" */
    uint16_t key_sizes[4];   /* bytes that its key may have; unused places are 0 */
    bool (*is_usable)(void); /* on this processor; NULL: on every one */
    enum rc (*open)(struct cipher **out, const struct cipher_kind *kind,
                    const struct secret *key, uint32_t sector_size, struct fault *why);
    enum rc (*crypt)(struct cipher *cipher, bool encrypt, uint64_t sector, const uint8_t *in,
                     uint8_t *out, size_t len, struct fault *why);
    void (*close)(struct cipher *cipher);
};

/* The first member of every cipher. */
struct cipher {
    const struct cipher_kind *kind;
    uint32_t sector_size;
    bool large_iv; /* sectors are numbered in their own size: dm-crypt's iv_large_sectors */
};

/* How much the number grows from one sector to the next. */
static inline uint64_t cipher_step(const struct cipher *cipher)
{
    return cipher->large_iv ? 1 : cipher->sector_size / CIPHER_SECTOR;
}

/* The first one that is usable here; NULL for a string that names none. Other forms of its name
 * (cipher_name.h) are taken too. */
const struct cipher_kind *cipher_find(const char *encryption);

/* Every one, also those that are not usable here; NULL after the last. One encryption may have
 * several, the fastest first, and all of them give the same bytes. */
const struct cipher_kind *cipher_kind_at(size_t index);

bool cipher_takes_key(const struct cipher_kind *kind, size_t key_size);

/*
 * sector_size is 512, 1024, 2048 or 4096 bytes. The key is copied into the cipher's own state,
 * which is wiped by cipher_close.
 *
 * RC_UNSUPPORTED  an unknown encryption, or a key of a size that it does not take
 */
enum rc cipher_open(struct cipher **out, const char *encryption, const struct secret *key,
                    uint32_t sector_size, struct fault *why);

/* The same with a kind that the caller chose; RC_UNSUPPORTED also where it is not usable. */
enum rc cipher_open_kind(struct cipher **out, const struct cipher_kind *kind,
                         const struct secret *key, uint32_t sector_size, struct fault *why);

/*
 * `len` bytes, whole sectors of sector_size, from `in` to `out` (which may be the same place,
 * and may not overlap otherwise). `sector` is the number of the first one in units of 512
 * bytes whatever the sector size, with a segment's iv_tweak added; with `large_iv`, in units of
 * sector_size.
 */
enum rc cipher_encrypt(struct cipher *cipher, uint64_t sector, const void *in, void *out,
                       size_t len, struct fault *why);
enum rc cipher_decrypt(struct cipher *cipher, uint64_t sector, const void *in, void *out,
                       size_t len, struct fault *why);

/* Harmless on NULL. */
void cipher_close(struct cipher *cipher);

#endif
