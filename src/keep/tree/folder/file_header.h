/* The first page of a file: its key, its size, where it belongs, and its content if that is small. */
#ifndef KEEP_TREE_FOLDER_FILE_HEADER_H
#define KEEP_TREE_FOLDER_FILE_HEADER_H

#include "keep/tree/folder/keys.h"

enum {
    FILE_INLINE_MAX = 3920, /* bytes of content that fit */
    FILE_RANGES_MAX = 245,
    FILE_RANGES_RENEWING = 241, /* while there is an earlier key */
    FILE_BLOCKS = 63,           /* of a group */
};

#define FILE_SIZE_MAX (UINT64_C(1) << 62)
#define FILE_NONCES_MAX (UINT64_C(1) << 32) /* under one key */

/* Groups that are all holes and have no tag page. */
struct file_range {
    uint64_t first, count;
};

/* Where an object belongs: none, one name, or two while it is renamed. */
struct bindings {
    uint32_t count;
    uint8_t tags[2][FOLDER_TAG];
};

/* No binding at all means any name. */
bool bindings_allow(const struct bindings *bindings, const uint8_t tag[FOLDER_TAG]);

struct file_header {
    uint32_t epoch;
    uint8_t id[FOLDER_ID], wrapped[FOLDER_WRAPPED];
    uint64_t size;
    bool is_inline;
    struct bindings bindings;
    uint64_t nonces; /* reserved in this epoch */
    uint32_t ranges;
    bool is_renewing; /* what is of an epoch before `renewed_from` is under the earlier key */
    uint32_t renewed_from;
    uint8_t earlier[FOLDER_WRAPPED];
    union { /* the last member; what is beyond the size, or `ranges`, means nothing */
        uint8_t content[FILE_INLINE_MAX];
        struct file_range absent[FILE_RANGES_MAX];
    };
};

/* Groups of a file of this size. */
uint64_t file_groups(uint64_t size);

/* A new id and key, and the key wrapped. False where there are no random bytes. */
bool file_header_new(struct file_header *header, const struct folder_keys *keys,
                     uint8_t file_key[FOLDER_FILE_KEY]);

/* Wraps the file key under these keys. False where the library failed. */
bool file_header_wrap(struct file_header *header, const struct folder_keys *keys,
                      const uint8_t file_key[FOLDER_FILE_KEY]);

/* A new key, from the next epoch on; `before` is the earlier one. False: no random bytes. */
bool file_header_renew(struct file_header *header, const struct folder_keys *keys,
                       const uint8_t before[FOLDER_FILE_KEY]);

/* Reads what is not sealed, and the file key. False: not a header of this folder. */
bool file_header_unwrap(struct file_header *header, const struct folder_keys *keys,
                        const uint8_t page[FOLDER_PAGE], uint8_t file_key[FOLDER_FILE_KEY]);
/* The file key of a header that was read: the one that this epoch is under. */
bool file_header_key(const struct file_header *header, const struct folder_keys *keys,
                     uint32_t epoch, uint8_t file_key[FOLDER_FILE_KEY]);
/* The rest, with the key of its epoch. False: it is not authentic, or breaks the format. */
bool file_header_unseal(struct file_header *header, struct aead *aead,
                        const uint8_t page[FOLDER_PAGE]);
bool file_header_seal(const struct file_header *header, struct aead *aead,
                      uint8_t page[FOLDER_PAGE]);

#endif
