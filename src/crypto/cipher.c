#include "crypto/cipher.h"

#include <string.h>

#include "crypto/cipher_name.h"

extern const struct cipher_kind cipher_aes_xts_plain64, cipher_aes_xts_plain;
#if defined(__x86_64__)
extern const struct cipher_kind cipher_native_xts_plain64, cipher_native_xts_plain;
#endif
extern const struct cipher_kind cipher_gcrypt_kinds[], cipher_adiantum_kinds[];
extern const size_t cipher_gcrypt_count, cipher_adiantum_count;

static const struct cipher_kind *const kinds[] = {
#if defined(__x86_64__)
    &cipher_native_xts_plain64,
    &cipher_native_xts_plain,
#endif
    &cipher_aes_xts_plain64,
    &cipher_aes_xts_plain,
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const struct cipher_kind *cipher_kind_at(size_t index)
{
    if (index < KINDS)
        return kinds[index];
    index -= KINDS;
    if (index < cipher_gcrypt_count)
        return &cipher_gcrypt_kinds[index];
    index -= cipher_gcrypt_count;
    return index < cipher_adiantum_count ? &cipher_adiantum_kinds[index] : NULL;
}

static bool is_usable(const struct cipher_kind *kind)
{
    return !kind->is_usable || kind->is_usable();
}

const struct cipher_kind *cipher_find(const char *encryption)
{
    char room[CIPHER_NAME_SIZE];
    const char *name = cipher_name(encryption, room);
    const struct cipher_kind *kind;

    for (size_t i = 0; (kind = cipher_kind_at(i)); i++) {
        if (strcmp(kind->encryption, name) == 0 && is_usable(kind))
            return kind;
    }
    return NULL;
}

bool cipher_takes_key(const struct cipher_kind *kind, size_t key_size)
{
    for (size_t i = 0; i < sizeof kind->key_sizes / sizeof *kind->key_sizes; i++) {
        if (key_size > 0 && kind->key_sizes[i] == key_size)
            return true;
    }
    return false;
}

static bool is_sector_size(uint32_t size)
{
    return size >= CIPHER_SECTOR && size <= CIPHER_SECTOR_MAX && (size & (size - 1)) == 0;
}

enum rc cipher_open_kind(struct cipher **out, const struct cipher_kind *kind,
                         const struct secret *key, uint32_t sector_size, struct fault *why)
{
    if (!is_usable(kind))
        return fail(why, RC_UNSUPPORTED, "this processor has no instructions for \"%s\"",
                    kind->encryption);
    if (!cipher_takes_key(kind, key->len))
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" takes no key of %zu bits",
                    kind->encryption, key->len * 8);
    if (!is_sector_size(sector_size))
        return fail(why, RC_UNSUPPORTED, "a sector cannot have %u bytes", sector_size);
    return kind->open(out, kind, key, sector_size, why);
}

enum rc cipher_open(struct cipher **out, const char *encryption, const struct secret *key,
                    uint32_t sector_size, struct fault *why)
{
    const struct cipher_kind *kind = cipher_find(encryption);

    if (!kind)
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" is not one that is known here",
                    encryption);
    return cipher_open_kind(out, kind, key, sector_size, why);
}

static enum rc crypt(struct cipher *cipher, bool encrypt, uint64_t sector, const void *in,
                     void *out, size_t len, struct fault *why)
{
    if (len % cipher->sector_size != 0)
        return fail(why, RC_FORMAT, "%zu bytes are not whole sectors of %u", len,
                    cipher->sector_size);
    return cipher->kind->crypt(cipher, encrypt, sector, in, out, len, why);
}

enum rc cipher_encrypt(struct cipher *cipher, uint64_t sector, const void *in, void *out,
                       size_t len, struct fault *why)
{
    return crypt(cipher, true, sector, in, out, len, why);
}

enum rc cipher_decrypt(struct cipher *cipher, uint64_t sector, const void *in, void *out,
                       size_t len, struct fault *why)
{
    return crypt(cipher, false, sector, in, out, len, why);
}

void cipher_close(struct cipher *cipher)
{
    if (cipher)
        cipher->kind->close(cipher);
}
