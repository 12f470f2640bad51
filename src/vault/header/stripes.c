#include "vault/header/stripes.h"

#include <assert.h>

#include "base/bytes.h"
#include "crypto/random.h"
#include "vault/header/luks2.h"

enum rc stripes_init(struct stripes *s, const struct hash *hash, size_t key_len,
                     struct fault *why)
{
    *s = (struct stripes){.hash = hash, .key_len = key_len};
    return secret_alloc(&s->block, key_len + HASH_SIZE_MAX, why);
}

void stripes_clear(struct stripes *s)
{
    secret_clear(&s->block);
    *s = (struct stripes){0};
}

uint64_t stripes_size(size_t key_len)
{
    return (uint64_t)key_len * LUKS2_STRIPES;
}

/* Piece i of the block becomes the hash of BE32(i) and the piece; the last one may be shorter.
 */
static enum rc diffuse(struct stripes *s, struct fault *why)
{
    uint8_t *hashed = s->block.at + s->key_len;
    uint32_t i = 0;

    for (size_t at = 0; at < s->key_len; at += s->hash->size, i++) {
        size_t len = s->key_len - at < s->hash->size ? s->key_len - at : s->hash->size;
        uint8_t number[4];
        const struct span pieces[] = {span_of(number, sizeof number),
                                      span_of(s->block.at + at, len)};
        enum rc rc;

        be32_put(number, i);
        if ((rc = hash_compute(s->hash, pieces, 2, hashed, why)) != RC_OK)
            return rc;
        memcpy(s->block.at + at, hashed, len);
    }
    return RC_OK;
}

static bool is_last(const struct stripes *s)
{
    return s->done == LUKS2_STRIPES - 1;
}

/* At the end of a stripe: all but the last are diffused. */
static enum rc step(struct stripes *s, size_t len, struct fault *why)
{
    enum rc rc = RC_OK;

    s->at += len;
    if (s->at < s->key_len)
        return RC_OK;
    if (!is_last(s))
        rc = diffuse(s, why);
    s->at = 0;
    s->done++;
    return rc;
}

/* Bytes of the run that still belong to this stripe. */
static size_t run(const struct stripes *s, size_t len)
{
    return len < s->key_len - s->at ? len : s->key_len - s->at;
}

static void mix(uint8_t *into, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        into[i] ^= bytes[i];
}

enum rc stripes_merge(struct stripes *s, const uint8_t *bytes, size_t len, struct fault *why)
{
    while (len > 0) {
        size_t part = run(s, len);
        enum rc rc;

        assert(s->done < LUKS2_STRIPES);
        mix(s->block.at + s->at, bytes, part);
        if ((rc = step(s, part, why)) != RC_OK)
            return rc;
        bytes += part;
        len -= part;
    }
    return RC_OK;
}

enum rc stripes_key(const struct stripes *s, struct secret *key, struct fault *why)
{
    assert(s->done == LUKS2_STRIPES);
    return secret_copy(key, span_of(s->block.at, s->key_len), why);
}

enum rc stripes_split(struct stripes *s, const struct secret *key, uint8_t *bytes, size_t len,
                      struct fault *why)
{
    enum rc rc = random_bytes(bytes, len, why); /* in one call: stripes are short */

    while (rc == RC_OK && len > 0) {
        size_t part = run(s, len);

        assert(s->done < LUKS2_STRIPES && key->len == s->key_len);
        if (is_last(s)) {
            memcpy(bytes, s->block.at + s->at, part);
            mix(bytes, key->at + s->at, part);
        } else {
            mix(s->block.at + s->at, bytes, part);
        }
        rc = step(s, part, why);
        bytes += part;
        len -= part;
    }
    return rc;
}
