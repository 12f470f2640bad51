/*
 * The LUKS2 header: two copies of a binary header and a JSON area, the second to survive a
 * torn write of the first. Nothing read here is trusted: lengths, offsets, counts, names and
 * costs are checked once, when the header is parsed, and the structs below hold what has
 * passed.
 *
 * Source: LUKS2 On-Disk Format Specification, version 1.1.
 */
#ifndef VAULT_HEADER_LUKS2_H
#define VAULT_HEADER_LUKS2_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "crypto/kdf.h"
#include "io/device.h"

struct json;

enum {
    LUKS2_KEYSLOTS_MAX = 32,
    LUKS2_SEGMENTS_MAX = 32,
    LUKS2_TOKENS_MAX = 32,
    LUKS2_DIGESTS_MAX = 8,
    LUKS2_LABEL_SIZE = 48, /* with its NUL, as the next two */
    LUKS2_UUID_SIZE = 40,
    LUKS2_CHECKSUM_NAME_SIZE = 32,
    LUKS2_HEADER_SIZE_MIN = 16 << 10, /* of one copy */
    LUKS2_HEADER_SIZE_MAX = 4 << 20,
    LUKS2_KEYSLOTS_AREA_MAX = 128 << 20,
    LUKS2_AREA_ALIGN = 4096,
    LUKS2_VOLUME_KEY_MAX = 512, /* bytes */
    LUKS2_STRIPES = 4000,
    LUKS2_REENCRYPT_OTHER = 99, /* a kind that is not known */
};

enum luks2_priority { LUKS2_IGNORE, LUKS2_NORMAL, LUKS2_PREFER };

/*
 * Texts in these structs belong to the header's JSON and live until the next luks2_* call that
 * changes the header.
 */
struct luks2_keyslot {
    bool present;
    const char *type;        /* "luks2"; of any other type nothing below is filled but area */
    const char *unsupported; /* why this slot cannot be opened by us; NULL when it can */
    enum luks2_priority priority;
    uint32_t key_size; /* bytes of the key that it holds */
    const char *af_hash;
    uint64_t area_offset, area_size; /* bytes, on the header's device */
    const char *area_encryption;
    uint32_t area_key_size;
    const char *kdf_type;
    struct kdf_params kdf; /* kdf.kdf is NULL where kdf_type is not one of ours */
};

/* What a segment is to a reencryption that was begun. */
enum luks2_role {
    LUKS2_DATA,
    LUKS2_HOT,      /* data that were being changed: "in-reencryption" */
    LUKS2_PREVIOUS, /* how all of them were before; this and the next three are no data */
    LUKS2_FINAL,
    LUKS2_MOVED, /* where their first ones wait, out of the header's way */
    LUKS2_BACKUP,
};

struct luks2_segment {
    bool present;
    enum luks2_role role;
    const char *type;       /* "crypt", "linear", or one that we do not have */
    uint64_t offset, size;  /* bytes, on the data device; size is 0 when dynamic */
    bool dynamic;           /* to the end of the device */
    bool backup;            /* of a reencryption: not data */
    uint64_t iv_tweak;      /* added to the 512-byte sector number, counted from `offset` */
    const char *encryption; /* NULL where the type has none */
    uint32_t sector_size;
    const char *integrity; /* its type; NULL for none */
    bool secret_journal;   /* the integrity's journal is encrypted or authenticated */
};

struct luks2_digest {
    bool present;
    const char *type;
    const struct hash *hash; /* NULL for a type or a hash that is not ours */
    uint32_t iterations;
    uint8_t salt[KDF_SALT_MAX], digest[HASH_SIZE_MAX];
    size_t salt_len, digest_len;
    uint32_t keyslots, segments; /* bit n: number n */
};

struct luks2_token {
    bool present;
    const char *type;
    uint32_t keyslots;
};

struct luks2 {
    uint64_t sequence;
    uint32_t copy_size; /* bytes of one copy, binary header and JSON area */
    char label[LUKS2_LABEL_SIZE], subsystem[LUKS2_LABEL_SIZE], uuid[LUKS2_UUID_SIZE];
    char checksum[LUKS2_CHECKSUM_NAME_SIZE];
    uint64_t keyslots_size;  /* bytes of the keyslots area, which follows the two copies */
    const char *requirement; /* a mandatory requirement that we do not know; NULL for none */
    unsigned reencrypting; /* a reencryption was begun and is not done: which version, or 0 */
    bool repair_due;       /* one copy is damaged or older than the other */
    bool second_is_good;   /* this was read from the second copy */
    struct fault damage;   /* what is wrong with the other copy; "" when nothing is */
    struct luks2_keyslot keyslots[LUKS2_KEYSLOTS_MAX];
    struct luks2_segment segments[LUKS2_SEGMENTS_MAX]; /* the first is present */
    struct luks2_digest digests[LUKS2_DIGESTS_MAX];
    struct luks2_token tokens[LUKS2_TOKENS_MAX];
    struct json *metadata; /* what the structs above were read from */
};

/*
 * Reads both copies and keeps the newest sound one; changes nothing on the device. Where the
 * first copy is lost the second is searched for, unless something else has made itself at home
 * at the front.
 *
 * RC_NOT_FOUND    there is no LUKS2 header here
 * RC_FORMAT       there was one, and neither copy is sound: the fault says what is wrong
 * RC_UNSUPPORTED  LUKS1, or a version that is not known
 * RC_TRUNCATED    the device ends within the header or its keyslots area
 * RC_BUSY         only the second copy is left, and the device has another signature now: the
 *                 fault names it
 */
enum rc luks2_read(struct luks2 **out, struct device *device, struct fault *why);

/*
 * Writes the header as the next in sequence, with new salts: one copy completely, then a
 * flush, then the other, then a flush. A cut at any point leaves the header of before or the
 * header of after. The copy that is written first is the damaged or older one, so that one
 * sound copy stands at all times.
 */
enum rc luks2_write(struct luks2 *header, struct device *device, struct fault *why);

/* Writes the bad copy anew from the good one; nothing is done where none is due. */
enum rc luks2_repair(struct luks2 *header, struct device *device, struct fault *why);

/* Bytes from the start of the header's device to the end of the keyslots area. */
uint64_t luks2_total_size(const struct luks2 *header);

/* The bytes of the key that the slots of a digest hold; 0 where there is no such slot. */
uint32_t luks2_key_size(const struct luks2 *header, int digest);

/* The place of the data, for the size of the device that holds it. */
struct luks2_extent {
    unsigned segment;     /* its number */
    uint64_t offset, len; /* bytes; len is a multiple of sector_size, and not 0 */
    uint64_t iv_tweak;
    uint32_t sector_size;
    const char *encryption;
    const char
        *integrity;    /* NULL: `len` bytes of sectors; else what dm-integrity makes of them */
    uint32_t key_size; /* bytes */
};

/* Does a known encryption, with a known integrity or NULL, take keys of so many bytes? */
bool luks2_takes_key(const char *encryption, const char *integrity, size_t key_size);

/*
 * The one segment of a volume that is a plain run of encrypted sectors. Call it with the size
 * of the data device, which is the header's own unless the header is detached.
 *
 * RC_UNSUPPORTED  unknown requirements, a reencryption that was not finished, several segments,
 *                 segments of a foreign type, ciphers and kinds of integrity that we do not
 *                 have, a null cipher
 * RC_TRUNCATED    the device ends before the data does
 */
enum rc luks2_extent_find(const struct luks2 *header, uint64_t device_size,
                          struct luks2_extent *extent, struct fault *why);

/* Harmless on NULL. */
void luks2_close(struct luks2 *header);

#endif
