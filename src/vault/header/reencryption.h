/*
 * A reencryption that was begun, as the header tells of it: all data of a volume, or of what is
 * to be one, are changed from the previous way of storing them to the final one, zone by zone.
 * A keyslot of type "reencrypt" says how, backup segments keep both ways, the other segments
 * say how far it has come, and a digest that needs the volume keys proves that nobody else
 * wrote the first two. The last is not proved by anything: it must be what our own rules make
 * of a place, byte for byte.
 *
 * Source: what cryptsetup 2.6 writes and accepts, and its LUKS2 On-Disk Format Specification.
 */
#ifndef VAULT_HEADER_REENCRYPTION_H
#define VAULT_HEADER_REENCRYPTION_H

#include "base/secret.h"
#include "crypto/hash.h"
#include "vault/header/digest.h"
#include "vault/header/luks2.h"

enum reencryption_mode { REENCRYPTION_ENCRYPT, REENCRYPTION_REENCRYPT, REENCRYPTION_DECRYPT };

/* What makes a zone whole again that was cut short where it stands. */
enum reencryption_guard {
    REENCRYPTION_NONE,     /* nothing */
    REENCRYPTION_CHECKSUM, /* hashes of its blocks of before, in the keyslot's area */
    REENCRYPTION_JOURNAL,  /* all its bytes of before, in the same place */
};

enum {
    REENCRYPTION_PIECES_MAX = 4,
    REENCRYPTION_WORD = 64,            /* bytes of an encryption's name, with its NUL */
    REENCRYPTION_ZONE_MAX = 1 << 30,   /* bytes */
    REENCRYPTION_SHIFT_MAX = 1 << 30,  /* the same: a shift is a zone */
    REENCRYPTION_BLOCK_MAX = 32 << 10, /* of a checksum */
};

/* One way of storing all data. */
struct reencryption_side {
    bool encrypted;
    uint64_t offset, iv_tweak; /* of the first byte, on the data device */
    uint32_t sector_size;      /* 512 for plain data */
    char encryption[REENCRYPTION_WORD];
    int digest; /* of its volume key; DIGEST_NONE for plain data */
};

struct reencryption {
    enum reencryption_mode mode;
    bool backward;     /* from the end of the data to their beginning */
    uint64_t shift;    /* bytes that the data move meanwhile; 0 where they stay */
    uint64_t moved;    /* bytes at the front of the data that wait elsewhere: the last zone */
    uint64_t moved_at; /* there, on the data device */
    enum reencryption_guard guard;
    const struct hash *hash;         /* of checksums */
    uint32_t block;                  /* bytes of each; 0 for other guards */
    uint64_t area_offset, area_size; /* on the header's device */
    struct reencryption_side previous, final;
    bool dynamic;  /* the data go to the end of the device, when nothing moves */
    uint64_t size; /* of the data, in bytes; 0 where it is the device that says it */
    unsigned keyslot, version;
};

/* How far it has come. Places are in bytes of the data, not of the device. */
struct reencryption_progress {
    uint64_t from, to;     /* these are in the final way */
    uint64_t hot, hot_len; /* these were being changed; 0 for none */
    bool done;
};

/* A run of data, stored in one way: what a reader in the midst of all this maps. */
struct reencryption_piece {
    uint64_t start, len; /* of the data */
    uint64_t offset;     /* on the device */
    uint64_t iv_tweak;
    bool final, hot, moved;
};

/*
 * RC_UNSUPPORTED  a kind of reencryption that we do not do: the fault names it
 * RC_FORMAT       metadata that contradict each other
 * RC_NOT_FOUND    none was begun
 */
enum rc reencryption_read(const struct luks2 *header, struct reencryption *r,
                          struct fault *why);

/*
 * How a segment stores its data. RC_UNSUPPORTED for one with integrity, of another type, or with a
 * cipher that we do not have.
 */
enum rc reencryption_side_of_segment(const struct luks2 *header, unsigned number,
                                     struct reencryption_side *side, struct fault *why);

/*
 * The size of the data, for the size of the device that holds them.
 * RC_TRUNCATED  they do not fit
 */
enum rc reencryption_size(const struct reencryption *r, uint64_t device_size, uint64_t *size,
                          struct fault *why);

/* RC_FORMAT  segments that no reencryption of this kind comes to */
enum rc reencryption_progress_read(const struct luks2 *header, const struct reencryption *r,
                                   uint64_t size, struct reencryption_progress *progress,
                                   struct fault *why);

/* All data, in their order; returns how many pieces. */
unsigned reencryption_pieces(const struct reencryption *r, uint64_t size,
                             const struct reencryption_progress *progress,
                             struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX]);

/* Makes the header in memory tell of this progress. */
enum rc reencryption_progress_put(struct luks2 *header, const struct reencryption *r,
                                  uint64_t size, const struct reencryption_progress *progress,
                                  struct fault *why);

/*
 * Proves that whoever knew the volume keys wrote the metadata. A key is NULL for plain data.
 *
 * RC_DENIED       somebody else did
 * RC_UNSUPPORTED  they are of cryptsetup 2.3 and earlier, which proved nothing
 */
enum rc reencryption_verify(const struct luks2 *header, const struct reencryption *r,
                            const struct secret *previous_key, const struct secret *final_key,
                            struct fault *why);

/* The same without backups, for data that are all in the final way: a header like any other. */
enum rc reencryption_last_put(struct luks2 *header, const struct reencryption *r,
                              struct fault *why);

/*
 * Makes the header in memory tell of a reencryption that was begun and has not come anywhere
 * yet. Of `r`, everything is the caller's to fill but keyslot, version and, where area_size is
 * 0, the area: then it is the greatest gap there is.
 *
 * RC_LIMIT  no keyslot, or no room in the keyslots area, is free
 */
enum rc reencryption_begin(struct luks2 *header, struct reencryption *r, uint64_t size,
                           const struct secret *previous_key, const struct secret *final_key,
                           struct fault *why);

/*
 * Takes all of it out of the header in memory, once all data are in the final way: the keyslot
 * and digest of the reencryption, and the keyslots that hold the previous volume key.
 */
enum rc reencryption_end(struct luks2 *header, const struct reencryption *r,
                         struct fault *why);

/* The proof, in the header in memory: of the metadata as they stand there. */
enum rc reencryption_seal(struct luks2 *header, const struct reencryption *r, unsigned digest,
                          const struct secret *previous_key, const struct secret *final_key,
                          struct fault *why);

/*
 * Our own note, a token "keep-in-place", in the header in memory. Beside a reencryption that encrypts:
 * the file of the data was made longer for it. Beside one that decrypts, or is to: this header is a
 * copy of one that will be gone. Without one: free parts of the keyslots area are to be wiped. Other
 * programs keep it and do not know it.
 */
enum rc reencryption_note_put(struct luks2 *header, struct fault *why);
bool reencryption_note_is_there(const struct luks2 *header);
enum rc reencryption_note_remove(struct luks2 *header, struct fault *why);

/* "encrypt", "reencrypt", "decrypt": also the command that continues it. */
const char *reencryption_mode_name(enum reencryption_mode mode);

#endif
