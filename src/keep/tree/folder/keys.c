#include "keep/tree/folder/keys.h"

#include <string.h>

#include "base/bytes.h"
#include "codec/base64.h"
#include "crypto/hkdf.h"

enum { VOLUME_KEY_MAX = 64 };

static void add_word(struct text *info, const char *word)
{
    text_add_char(info, '\0');
    text_add(info, span_text(word));
}

static enum rc open_one(struct siv **out, const char *purpose,
                        const struct folder_format *format, const struct secret *volume_key,
                        struct fault *why)
{
    SCOPED(secret) key = {0};
    struct text info = {0};
    enum rc rc = secret_alloc(&key, SIV_KEY, why);

    text_add(&info, SPAN("keep-folder 1"));
    add_word(&info, purpose);
    add_word(&info, format->cipher);
    add_word(&info, format->plain_names ? "plain" : "encrypted");
    if (rc == RC_OK && !text_ok(&info))
        rc = fail(why, RC_MEMORY, "no memory for keys");
    if (rc == RC_OK)
        rc = hkdf_derive(volume_key, text_span(&info), &key, why);
    text_clear(&info);
    return rc == RC_OK ? siv_open(out, &key, why) : rc;
}

enum rc folder_keys_open(struct folder_keys *keys, const struct folder_format *format,
                         const struct secret *volume_key, struct fault *why)
{
    struct folder_keys k = {.cipher = aead_find(format->cipher),
                            .plain_names = format->plain_names};
    enum rc rc;

    if (!k.cipher)
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" is not known", format->cipher);
    if ((rc = open_one(&k.files, "files", format, volume_key, why)) ||
        (rc = open_one(&k.names, "names", format, volume_key, why)) ||
        (rc = open_one(&k.links, "links", format, volume_key, why)) ||
        (rc = open_one(&k.attributes, "attributes", format, volume_key, why)) ||
        (rc = open_one(&k.directories, "directories", format, volume_key, why))) {
        folder_keys_clear(&k);
        return rc;
    }
    *keys = k;
    return RC_OK;
}

void folder_keys_clear(struct folder_keys *keys)
{
    siv_close(keys->files);
    siv_close(keys->names);
    siv_close(keys->links);
    siv_close(keys->attributes);
    siv_close(keys->directories);
    *keys = (struct folder_keys){0};
}

static const struct span of_files = {(const uint8_t *)"files", 5};

enum rc folder_keys_seal_previous(const struct folder_format *format,
                                  const struct secret *volume_key,
                                  const struct secret *previous, bool renews, struct text *out,
                                  struct fault *why)
{
    uint8_t sealed[VOLUME_KEY_MAX + SIV_TAG];
    struct siv *siv;
    enum rc rc;

    if (previous->len > VOLUME_KEY_MAX)
        return fail(why, RC_UNSUPPORTED, "its volume key is longer than %d bytes",
                    VOLUME_KEY_MAX);
    if ((rc = open_one(&siv, "previous", format, volume_key, why)) != RC_OK)
        return rc;
    if (siv_seal(siv, &of_files, renews ? 1 : 0, previous->at, previous->len, sealed))
        base64_encode(span_of(sealed, previous->len + SIV_TAG), out);
    else
        rc = fail(why, RC_MEMORY, "no memory for keys");
    siv_close(siv);
    return rc;
}

enum rc folder_keys_open_previous(const struct folder_format *format,
                                  const struct secret *volume_key, const char *text,
                                  struct secret *previous, bool *renews, struct fault *why)
{
    uint8_t sealed[VOLUME_KEY_MAX + SIV_TAG];
    struct siv *siv;
    size_t len;
    enum rc rc;

    if (base64_decode(span_text(text), sealed, sizeof sealed, &len) != RC_OK || len <= SIV_TAG)
        return fail(why, RC_FORMAT, "the volume key before, in its token, is no key");
    if ((rc = open_one(&siv, "previous", format, volume_key, why)) != RC_OK)
        return rc;
    rc = secret_alloc(previous, len - SIV_TAG, why);
    *renews = rc == RC_OK && siv_unseal(siv, &of_files, 1, sealed, len, previous->at);
    if (rc == RC_OK && !*renews && !siv_unseal(siv, NULL, 0, sealed, len, previous->at))
        rc = fail(why, RC_DENIED, "the volume key before, in its token, was changed");
    siv_close(siv);
    return rc;
}

struct aead *folder_keys_epoch(const struct folder_keys *keys,
                               const uint8_t file_key[FOLDER_FILE_KEY], uint32_t epoch)
{
    static const char label[] = "keep-folder 1\0blocks"; /* its last NUL belongs to it */
    uint8_t info[sizeof label + 4], key[AEAD_KEY];
    struct aead *aead = NULL;

    memcpy(info, label, sizeof label);
    le32_put(info + sizeof label, epoch);
    if (hkdf_expand_block(file_key, span_of(info, sizeof info), key, NULL) == RC_OK)
        aead = aead_open(keys->cipher, key);
    wipe(key, sizeof key);
    return aead;
}
