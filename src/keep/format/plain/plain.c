#include "keep/format/plain/plain.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "crypto/cipher.h"

enum { SECTOR = 512, ROUNDS_MAX = 64, HASH_NAME_SIZE = 32 };

static enum rc parse_length(struct plain *plain, const char *digits, struct fault *why)
{
    uint64_t number;

    if (units_parse_number(span_text(digits), plain->key_size, &number) != RC_OK || number < 1)
        return fail(why, RC_USAGE, "\"%s\" is no number of bytes of a hash; the key has %u",
                    digits, plain->key_size);
    plain->hashed = (uint32_t)number;
    return RC_OK;
}

enum rc plain_parse_hash(struct plain *plain, const char *text, struct fault *why)
{
    size_t len = strcspn(text, ":");
    char name[HASH_NAME_SIZE] = "";

    plain->hash = NULL;
    plain->hashed = 0;
    if (strcmp(text, "plain") == 0)
        return RC_OK;
    if (len < sizeof name)
        memcpy(name, text, len);
    plain->hash = hash_find(name);
    if (!plain->hash)
        return fail(why, RC_UNSUPPORTED, "the hash \"%s\" is not known here", text);
    return text[len] == ':' ? parse_length(plain, text + len + 1, why) : RC_OK;
}

/* H(p), H("A" p), H("AA" p) ... in a row, cut to the length. */
static enum rc hash_phrase(const struct plain *plain, const struct secret *phrase,
                           struct secret *key, struct fault *why)
{
    size_t size = plain->hash->size, len = plain->hashed > 0 ? plain->hashed : key->len;
    SCOPED(secret) digest = {0};
    char letters[ROUNDS_MAX];
    enum rc rc = secret_alloc(&digest, HASH_SIZE_MAX, why);

    memset(letters, 'A', sizeof letters);
    for (size_t at = 0, round = 0; rc == RC_OK && at < len; at += size, round++) {
        const struct span pieces[] = {span_of(letters, round), secret_span(phrase)};

        rc = hash_compute(plain->hash, pieces, 2, digest.at, why);
        memcpy(key->at + at, digest.at, len - at < size ? len - at : size);
    }
    return rc;
}

static enum rc take_raw(const struct secret *credential, struct secret *key, bool whole,
                        struct fault *why)
{
    size_t len = credential->len < key->len ? credential->len : key->len;

    if (whole && len < key->len)
        return fail(why, RC_DENIED, "the key file has %zu bytes; the key takes %zu", len,
                    key->len);
    memcpy(key->at, credential->at, len);
    return RC_OK;
}

static enum rc find_place(const struct plain *plain, uint64_t data_size,
                          struct volume_place *place, struct fault *why)
{
    uint64_t sectors = data_size / SECTOR;
    uint64_t len = plain->offset < sectors ? (sectors - plain->offset) * SECTOR : 0;

    if (len < plain->sector_size)
        return fail(why, RC_TRUNCATED,
                    "it has %" PRIu64 " sectors, and the data begin at sector %" PRIu64,
                    sectors, plain->offset);
    *place = (struct volume_place){
        .offset = plain->offset * SECTOR,
        .len = len - len % plain->sector_size,
        .sector_size = plain->sector_size,
        .iv_tweak = plain->skip,
        .large_iv = plain->large_iv,
        .encryption = plain->encryption,
    };
    return RC_OK;
}

static enum rc check_cipher(const struct plain *plain, struct fault *why)
{
    const struct cipher_kind *kind = cipher_find(plain->encryption);

    if (!kind)
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" is not known here",
                    plain->encryption);
    if (!cipher_takes_key(kind, plain->key_size))
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" takes no key of %u bits",
                    plain->encryption, plain->key_size * 8);
    return RC_OK;
}

enum rc plain_unlock(const struct plain *plain, uint64_t data_size,
                     const struct secret *credential, bool raw, struct format_volume *volume,
                     struct fault *why)
{
    SCOPED(secret) key = {0};
    enum rc rc;

    if ((rc = check_cipher(plain, why)) ||
        (rc = find_place(plain, data_size, &volume->place, why)) ||
        (rc = secret_alloc(&key, plain->key_size, why)))
        return rc;
    rc = raw || !plain->hash ? take_raw(credential, &key, raw, why)
                             : hash_phrase(plain, credential, &key, why);
    if (rc != RC_OK)
        return rc;
    volume->key = key;
    key = (struct secret){0}; /* it has moved */
    return RC_OK;
}
