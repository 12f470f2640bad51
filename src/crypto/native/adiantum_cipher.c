/* Adiantum on sectors; the initial vector of a sector is the tweak, zeros behind it. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/native/adiantum.h"

extern const struct cipher_kind cipher_adiantum_kinds[];
extern const size_t cipher_adiantum_count;

struct adiantum_cipher {
    struct cipher cipher;
    bool narrow; /* "plain": the sector number wraps at 32 bits */
    struct adiantum adiantum;
};

static struct adiantum_cipher *adiantum_of(struct cipher *cipher)
{
    return (struct adiantum_cipher *)(void *)cipher;
}

static void adiantum_close(struct cipher *cipher)
{
    adiantum_clear(&adiantum_of(cipher)->adiantum);
    free(cipher);
}

static enum rc adiantum_open(struct cipher **out, const struct cipher_kind *kind,
                             const struct secret *key, uint32_t sector_size, struct fault *why)
{
    struct adiantum_cipher *c = calloc(1, sizeof *c);
    unsigned rounds = strncmp(kind->encryption, "xchacha20", 9) == 0 ? 20 : 12;
    enum rc rc;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    c->cipher = (struct cipher){.kind = kind, .sector_size = sector_size};
    c->narrow = strcmp(strrchr(kind->encryption, '-'), "-plain") == 0;
    if ((rc = adiantum_init(&c->adiantum, rounds, key, why)) != RC_OK) {
        adiantum_close(&c->cipher);
        return rc;
    }
    *out = &c->cipher;
    return RC_OK;
}

static enum rc adiantum_cipher_crypt(struct cipher *cipher, bool encrypt, uint64_t sector,
                                     const uint8_t *in, uint8_t *out, size_t len,
                                     struct fault *why)
{
    const struct adiantum_cipher *c = adiantum_of(cipher);
    size_t size = cipher->sector_size;
    struct adiantum_tools tools;
    enum rc rc = adiantum_tools_init(&tools, &c->adiantum, encrypt, why);

    for (size_t at = 0; at < len && rc == RC_OK; at += size) {
        uint8_t tweak[ADIANTUM_TWEAK] = {0};

        le64_put(tweak, c->narrow ? (uint32_t)sector : sector);
        if (!adiantum_crypt(&c->adiantum, &tools, encrypt, tweak, in + at, out + at, size))
            rc = fail(why, RC_IO, "%s: the cipher failed", cipher->kind->encryption);
        sector += cipher_step(cipher);
    }
    adiantum_tools_clear(&tools);
    return rc;
}

#define KIND(ENCRYPTION)                                                                      \
    {                                                                                         \
        .encryption = ENCRYPTION, .provider = "native", .key_sizes = {ADIANTUM_KEY},          \
        .open = adiantum_open, .crypt = adiantum_cipher_crypt, .close = adiantum_close,       \
    }

const struct cipher_kind cipher_adiantum_kinds[] = {
    KIND("xchacha12,aes-adiantum-plain64"),
    KIND("xchacha20,aes-adiantum-plain64"),
    KIND("xchacha12,aes-adiantum-plain"),
    KIND("xchacha20,aes-adiantum-plain"),
};

const size_t cipher_adiantum_count =
    sizeof cipher_adiantum_kinds / sizeof *cipher_adiantum_kinds;
