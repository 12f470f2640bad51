#include "keep/tree/folder/file_header.h"

#include <assert.h>
#include <stddef.h>

#include "base/bytes.h"
#include "crypto/equal.h"
#include "crypto/generator.h"

enum {
    EPOCH = 12,
    ID = 16,
    WRAPPED = 32,
    NONCE = 80,
    TAG = 92,
    ZERO = 108,
    BODY = 112,
    BODY_SIZE = FOLDER_PAGE - BODY,
    FLAG_INLINE = 1,
    FLAG_RENEWING = 2,
    REST = 64, /* of the body: content or ranges */
    EARLIER = BODY_SIZE - 64,
    RENEWED_FROM = EARLIER + FOLDER_WRAPPED,
};

static_assert(BODY_SIZE - REST == FILE_INLINE_MAX);
static_assert(FILE_RANGES_MAX * 16 == FILE_INLINE_MAX);
static_assert(REST + FILE_RANGES_RENEWING * 16 == EARLIER);

static const uint8_t start[EPOCH] = {'k', 'e', 'e', 'p', 'f', 'i', 'l', 'e', FOLDER_VERSION};

bool bindings_allow(const struct bindings *bindings, const uint8_t tag[FOLDER_TAG])
{
    for (uint32_t i = 0; i < bindings->count; i++)
        if (equal_bytes(span_of(bindings->tags[i], FOLDER_TAG), span_of(tag, FOLDER_TAG)))
            return true;
    return bindings->count == 0;
}

uint64_t file_groups(uint64_t size)
{
    uint64_t blocks = (size + FOLDER_PAGE - 1) / FOLDER_PAGE;

    return (blocks + FILE_BLOCKS - 1) / FILE_BLOCKS;
}

bool file_header_new(struct file_header *header, const struct folder_keys *keys,
                     uint8_t file_key[FOLDER_FILE_KEY])
{
    memset(header, 0, offsetof(struct file_header, content));
    header->is_inline = true;
    return generator_bytes(header->id, FOLDER_ID, NULL) == RC_OK &&
           generator_bytes(file_key, FOLDER_FILE_KEY, NULL) == RC_OK &&
           file_header_wrap(header, keys, file_key);
}

static bool wrap(const struct file_header *header, const struct folder_keys *keys,
                 const uint8_t file_key[FOLDER_FILE_KEY], uint8_t wrapped[FOLDER_WRAPPED])
{
    const struct span bound[] = {span_of(start, sizeof start), span_of(header->id, FOLDER_ID)};

    return siv_seal(keys->files, bound, 2, file_key, FOLDER_FILE_KEY, wrapped);
}

bool file_header_wrap(struct file_header *header, const struct folder_keys *keys,
                      const uint8_t file_key[FOLDER_FILE_KEY])
{
    return wrap(header, keys, file_key, header->wrapped);
}

bool file_header_renew(struct file_header *header, const struct folder_keys *keys,
                       const uint8_t before[FOLDER_FILE_KEY])
{
    uint8_t file_key[FOLDER_FILE_KEY];
    bool good = header->epoch < UINT32_MAX && wrap(header, keys, before, header->earlier) &&
                generator_bytes(file_key, FOLDER_FILE_KEY, NULL) == RC_OK &&
                file_header_wrap(header, keys, file_key);

    wipe(file_key, sizeof file_key);
    header->renewed_from = ++header->epoch;
    header->is_renewing = !header->is_inline;
    return good;
}

bool file_header_key(const struct file_header *header, const struct folder_keys *keys,
                     uint32_t epoch, uint8_t file_key[FOLDER_FILE_KEY])
{
    const struct span bound[] = {span_of(start, sizeof start), span_of(header->id, FOLDER_ID)};
    bool earlier = header->is_renewing && epoch < header->renewed_from;

    return siv_unseal(keys->files, bound, 2, earlier ? header->earlier : header->wrapped,
                      FOLDER_WRAPPED, file_key);
}

bool file_header_unwrap(struct file_header *header, const struct folder_keys *keys,
                        const uint8_t page[FOLDER_PAGE], uint8_t file_key[FOLDER_FILE_KEY])
{
    memset(header, 0, offsetof(struct file_header, content));
    header->epoch = le32_get(page + EPOCH);
    memcpy(header->id, page + ID, FOLDER_ID);
    memcpy(header->wrapped, page + WRAPPED, FOLDER_WRAPPED);
    return memcmp(page, start, sizeof start) == 0 && le32_get(page + ZERO) == 0 &&
           file_header_key(header, keys, header->epoch, file_key);
}

/* In order, apart from each other, and within the file. */
static bool read_ranges(struct file_header *header, const uint8_t *at)
{
    uint64_t from = 0, end = file_groups(header->size);

    for (uint32_t i = 0; i < header->ranges; i++) {
        struct file_range *range = &header->absent[i];

        range->first = le64_get(at + 16 * (size_t)i);
        range->count = le64_get(at + 16 * (size_t)i + 8);
        if (range->first < from || range->count == 0 || range->first >= end ||
            range->count > end - range->first)
            return false;
        from = range->first + range->count + 1;
    }
    return true;
}

static bool read_body(struct file_header *header, const uint8_t body[BODY_SIZE])
{
    uint32_t flags = le32_get(body + 8);

    header->size = le64_get(body);
    header->is_inline = flags & FLAG_INLINE;
    header->is_renewing = flags & FLAG_RENEWING;
    header->bindings.count = le32_get(body + 12);
    memcpy(header->bindings.tags, body + 16, sizeof header->bindings.tags);
    header->nonces = le64_get(body + 48);
    header->ranges = le32_get(body + 56);
    if (flags > FLAG_RENEWING || header->bindings.count > 2 || header->size > FILE_SIZE_MAX)
        return false;
    if (header->is_inline && (header->size > FILE_INLINE_MAX || header->ranges > 0))
        return false;
    if (header->is_inline) {
        memcpy(header->content, body + REST, (size_t)header->size);
        return true;
    }
    if (header->is_renewing) {
        memcpy(header->earlier, body + EARLIER, FOLDER_WRAPPED);
        header->renewed_from = le32_get(body + RENEWED_FROM);
    }
    return header->ranges <= (header->is_renewing ? FILE_RANGES_RENEWING : FILE_RANGES_MAX) &&
           read_ranges(header, body + REST);
}

bool file_header_unseal(struct file_header *header, struct aead *aead,
                        const uint8_t page[FOLDER_PAGE])
{
    uint8_t body[BODY_SIZE];
    bool good = aead_unseal(aead, page + NONCE, span_of(page, NONCE), page + BODY, body,
                            BODY_SIZE, page + TAG) &&
                read_body(header, body);

    wipe(body, good && header->is_inline ? REST + (size_t)header->size : BODY_SIZE);
    return good;
}

static void put_body(const struct file_header *header, uint8_t *body)
{
    memset(body, 0, BODY_SIZE);
    le64_put(body, header->size);
    le32_put(body + 8, header->is_inline     ? FLAG_INLINE
                       : header->is_renewing ? FLAG_RENEWING
                                             : 0);
    le32_put(body + 12, header->bindings.count);
    memcpy(body + 16, header->bindings.tags, sizeof header->bindings.tags);
    le64_put(body + 48, header->nonces);
    le32_put(body + 56, header->ranges);
    if (header->is_inline)
        memcpy(body + REST, header->content, (size_t)header->size);
    for (uint32_t i = 0; i < header->ranges; i++) {
        le64_put(body + REST + 16 * (size_t)i, header->absent[i].first);
        le64_put(body + REST + 16 * (size_t)i + 8, header->absent[i].count);
    }
    if (header->is_renewing) {
        memcpy(body + EARLIER, header->earlier, FOLDER_WRAPPED);
        le32_put(body + RENEWED_FROM, header->renewed_from);
    }
}

bool file_header_seal(const struct file_header *header, struct aead *aead,
                      uint8_t page[FOLDER_PAGE])
{
    memset(page, 0, BODY);
    memcpy(page, start, sizeof start);
    le32_put(page + EPOCH, header->epoch);
    memcpy(page + ID, header->id, FOLDER_ID);
    memcpy(page + WRAPPED, header->wrapped, FOLDER_WRAPPED);
    put_body(header, page + BODY);
    return generator_bytes(page + NONCE, AEAD_NONCE, NULL) == RC_OK &&
           aead_seal(aead, page + NONCE, span_of(page, NONCE), page + BODY, page + BODY,
                     BODY_SIZE, page + TAG);
}
