#include "crypto/seal.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/cipher.h"

extern const struct seal_kind seal_hmac_sha1, seal_hmac_sha256, seal_hmac_sha512, seal_aes_gcm,
    seal_chacha20_poly1305, seal_aegis128;

static const struct seal_kind *const kinds[] = {
    &seal_hmac_sha1, &seal_hmac_sha256,       &seal_hmac_sha512,
    &seal_aes_gcm,   &seal_chacha20_poly1305, &seal_aegis128,
};

const struct seal_kind *seal_kind_at(size_t index)
{
    return index < sizeof kinds / sizeof *kinds ? kinds[index] : NULL;
}

/* Vectors are authenticated as well: of a sector cipher those are known that are made of the number
 * alone, and have 16 bytes. */
static bool has_plain_iv(const char *encryption)
{
    static const char *const others[] = {"adiantum", "blowfish", "cast5", "des3_ede"};
    const char *iv = strrchr(encryption, '-');

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strstr(encryption, others[i]))
            return false;
    }
    return iv && strncmp(iv, "-plain", 6) == 0;
}

const struct seal_kind *seal_find(const char *encryption, const char *integrity)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i]->integrity, integrity) != 0)
            continue;
        if (kinds[i]->encryption ? strcmp(kinds[i]->encryption, encryption) == 0
                                 : has_plain_iv(encryption) && cipher_find(encryption) != NULL)
            return kinds[i];
    }
    return NULL;
}

bool seal_takes_key(const struct seal_kind *kind, const char *encryption, size_t key_size)
{
    for (size_t i = 0; i < sizeof kind->key_sizes / sizeof *kind->key_sizes; i++) {
        size_t size = kind->key_sizes[i];

        if (size > 0 && (kind->encryption
                             ? size == key_size
                             : key_size > size &&
                                   cipher_takes_key(cipher_find(encryption), key_size - size)))
            return true;
    }
    return false;
}

size_t seal_key_size(const struct seal_kind *kind, const char *encryption)
{
    return kind->key_sizes[0] + (kind->encryption ? 0 : cipher_find(encryption)->key_sizes[0]);
}

enum rc seal_open(struct seal **out, const char *encryption, const char *integrity,
                  const struct secret *key, uint32_t sector_size, uint64_t iv_tweak,
                  struct fault *why)
{
    const struct seal_kind *kind = seal_find(encryption, integrity);
    enum rc rc;

    if (!kind)
        return fail(why, RC_UNSUPPORTED,
                    "the cipher \"%s\" with the integrity \"%s\" is not known here",
                    encryption, integrity);
    if (!seal_takes_key(kind, encryption, key->len))
        return fail(why, RC_UNSUPPORTED, "\"%s\" with \"%s\" takes no key of %zu bits",
                    encryption, integrity, key->len * 8);
    rc = kind->open(out, kind, encryption, key, sector_size, why);
    if (rc == RC_OK)
        (*out)->iv_tweak = iv_tweak;
    return rc;
}

enum rc seal_encrypt(struct seal *seal, const struct seal_run *run, uint8_t *stored,
                     struct fault *why)
{
    return seal->kind->encrypt(seal, run, stored, why);
}

enum rc seal_decrypt(struct seal *seal, const struct seal_run *run, const uint8_t *stored,
                     struct fault *why)
{
    return seal->kind->decrypt(seal, run, stored, why);
}

void seal_close(struct seal *seal)
{
    if (seal)
        seal->kind->close(seal);
}

enum rc seal_mismatch(uint64_t sector, struct fault *why)
{
    return fail(why, RC_DENIED,
                "sector %" PRIu64 " is not what was written there: damaged, changed or moved",
                sector);
}
