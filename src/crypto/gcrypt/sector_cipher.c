/*
 * Serpent, Twofish, Camellia, AES and older ciphers on sectors, through libgcrypt, in the modes
 * and with the initial vectors of dm-crypt.
 *
 * Sources: IEEE 1619 (XTS); dm-crypt's IV generators.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/equal.h"
#include "crypto/gcrypt/bulk.h"
#include "crypto/gcrypt/handle.h"
#include "crypto/gcrypt/lrw.h"
#include "crypto/hash.h"
#include "crypto/iv.h"

enum { POOL_SIZE = 16, WORD_SIZE = 16 };

/* The handles of one call; NULL where the mode or the vectors need none. */
struct lane {
    gcry_cipher_hd_t data, tweak, iv;
};

enum mode { CBC, ECB, XTS, LRW };

/* "serpent-cbc-essiv:sha256" for a key. */
struct plan {
    char name[WORD_SIZE]; /* of the algorithm */
    int algorithm;
    size_t block; /* bytes; so many has an initial vector */
    enum mode mode;
    enum iv_kind iv;
};

struct gcrypt_cipher {
    struct cipher cipher;
    struct plan plan;
    struct secret key, tweak_key, iv_key;
    struct bulk bulk; /* of ECB, XTS and LRW */
    struct lrw lrw;
    pthread_mutex_t lock;
    struct lane pool[POOL_SIZE];
    size_t pooled;
};

static struct gcrypt_cipher *gcrypt_cipher_of(struct cipher *cipher)
{
    return (struct gcrypt_cipher *)(void *)cipher;
}

/* XTS has two keys in one; that of LRW has what its blocks are multiplied with behind it. */
static struct plan plan_for(const char *encryption, size_t key_size)
{
    static const char *const modes[] = {
        [CBC] = "cbc", [ECB] = "ecb", [XTS] = "xts", [LRW] = "lrw"};
    char mode[WORD_SIZE] = "", iv[WORD_SIZE] = "";
    struct plan plan = {0};

    (void)sscanf(encryption, "%15[^-]-%15[^-]-%15s", plan.name, mode, iv);
    while (strcmp(modes[plan.mode], mode) != 0)
        plan.mode++; /* the word is one of the table below */
    if (plan.mode == XTS)
        key_size /= 2;
    if (plan.mode == LRW)
        key_size -= LRW_BLOCK;
    plan.algorithm = handle_algorithm(plan.name, key_size);
    plan.block = gcry_cipher_get_algo_blklen(plan.algorithm);
    plan.iv = iv_find(iv);
    return plan;
}

/* Blocks of 8 bytes have no mode that is quick. */
static bool is_bulk(const struct plan *plan)
{
    return plan->mode != CBC && plan->block == BULK_BLOCK;
}

static void lane_close(struct lane *lane)
{
    gcry_cipher_close(lane->data); /* wiped by the library; harmless on NULL */
    gcry_cipher_close(lane->tweak);
    gcry_cipher_close(lane->iv);
    *lane = (struct lane){0};
}

/* Encrypts initial vectors: ESSIV with a key of its own, and so of 32 bytes. */
static gcry_cipher_hd_t expand_iv(const struct gcrypt_cipher *c)
{
    if (c->plan.iv == IV_ESSIV)
        return handle_open(handle_algorithm(c->plan.name, c->iv_key.len), GCRY_CIPHER_MODE_ECB,
                           &c->iv_key);
    return handle_open(c->plan.algorithm, GCRY_CIPHER_MODE_ECB, &c->key);
}

static bool lane_open(const struct gcrypt_cipher *c, struct lane *lane)
{
    bool tweaked = c->plan.mode == XTS, encrypted = iv_is_encrypted(c->plan.iv);
    int mode = is_bulk(&c->plan)     ? GCRY_CIPHER_MODE_OCB
               : c->plan.mode == CBC ? GCRY_CIPHER_MODE_CBC
                                     : GCRY_CIPHER_MODE_ECB;

    lane->data = handle_open(c->plan.algorithm, mode, &c->key);
    if (tweaked)
        lane->tweak = handle_open(c->plan.algorithm, GCRY_CIPHER_MODE_ECB, &c->tweak_key);
    if (encrypted)
        lane->iv = expand_iv(c);
    if (lane->data && (lane->tweak || !tweaked) && (lane->iv || !encrypted))
        return true;
    lane_close(lane);
    return false;
}

static bool lane_take(struct gcrypt_cipher *c, struct lane *lane)
{
    *lane = (struct lane){0};
    pthread_mutex_lock(&c->lock);
    if (c->pooled > 0)
        *lane = c->pool[--c->pooled];
    pthread_mutex_unlock(&c->lock);
    return lane->data || lane_open(c, lane);
}

static void lane_give(struct gcrypt_cipher *c, struct lane *lane)
{
    pthread_mutex_lock(&c->lock);
    if (c->pooled < POOL_SIZE) {
        c->pool[c->pooled++] = *lane;
        *lane = (struct lane){0};
    }
    pthread_mutex_unlock(&c->lock);
    lane_close(lane);
}

static bool make_iv(const struct gcrypt_cipher *c, struct lane *lane, uint64_t sector,
                    uint8_t iv[IV_SIZE])
{
    iv_put(c->plan.iv, sector, c->cipher.sector_size, iv, c->plan.block);
    return !lane->iv || gcry_cipher_encrypt(lane->iv, iv, c->plan.block, NULL, 0) == 0;
}

/* Each is the one before times x, little endian. */
static void xts_tweaks(const uint8_t first[BULK_BLOCK], uint8_t *out, size_t len)
{
    uint64_t low = le64_get(first), high = le64_get(first + 8);

    for (size_t at = 0; at < len; at += BULK_BLOCK) {
        uint64_t carry = high >> 63;

        le64_put(out + at, low);
        le64_put(out + at + 8, high);
        high = high << 1 | low >> 63;
        low = low << 1 ^ carry * 0x87;
    }
}

static bool crypt_bulk(const struct gcrypt_cipher *c, struct lane *lane, bool encrypt,
                       uint8_t iv[IV_SIZE], const uint8_t *in, uint8_t *out)
{
    uint8_t tweaks[CIPHER_SECTOR_MAX];
    size_t size = c->cipher.sector_size;
    bool done;

    if (c->plan.mode == XTS) {
        if (gcry_cipher_encrypt(lane->tweak, iv, BULK_BLOCK, NULL, 0) != 0)
            return false;
        xts_tweaks(iv, tweaks, size);
    } else if (c->plan.mode == LRW) {
        lrw_tweaks(&c->lrw, iv, tweaks, size);
    } else {
        memset(tweaks, 0, size);
    }
    done = bulk_crypt(&c->bulk, lane->data, encrypt, tweaks, in, out, size);
    wipe(tweaks, size);
    return done;
}

static bool crypt_sector(const struct gcrypt_cipher *c, struct lane *lane, bool encrypt,
                         uint64_t sector, const uint8_t *in, uint8_t *out)
{
    size_t size = c->cipher.sector_size;
    uint8_t iv[IV_SIZE];

    if (!make_iv(c, lane, sector, iv))
        return false;
    if (is_bulk(&c->plan))
        return crypt_bulk(c, lane, encrypt, iv, in, out);
    return (c->plan.mode == ECB || gcry_cipher_setiv(lane->data, iv, c->plan.block) == 0) &&
           (encrypt ? gcry_cipher_encrypt(lane->data, out, size, in, size)
                    : gcry_cipher_decrypt(lane->data, out, size, in, size)) == 0;
}

static bool crypt_run(const struct gcrypt_cipher *c, struct lane *lane, bool encrypt,
                      uint64_t sector, const uint8_t *in, uint8_t *out, size_t len)
{
    size_t size = c->cipher.sector_size;

    for (size_t at = 0; at < len; at += size) {
        if (!crypt_sector(c, lane, encrypt, sector, in + at, out + at))
            return false;
        sector += cipher_step(&c->cipher);
    }
    return true;
}

static enum rc gcrypt_cipher_crypt(struct cipher *cipher, bool encrypt, uint64_t sector,
                                   const uint8_t *in, uint8_t *out, size_t len,
                                   struct fault *why)
{
    struct gcrypt_cipher *c = gcrypt_cipher_of(cipher);
    struct lane lane;
    bool done;

    if (!lane_take(c, &lane))
        return fail(why, RC_MEMORY, "no memory for a cipher");
    done = crypt_run(c, &lane, encrypt, sector, in, out, len);
    lane_give(c, &lane);
    return done ? RC_OK : fail(why, RC_IO, "%s: the cipher failed", cipher->kind->encryption);
}

static void gcrypt_cipher_close(struct cipher *cipher)
{
    struct gcrypt_cipher *c = gcrypt_cipher_of(cipher);

    while (c->pooled > 0)
        lane_close(&c->pool[--c->pooled]);
    secret_clear(&c->key);
    secret_clear(&c->tweak_key);
    secret_clear(&c->iv_key);
    bulk_clear(&c->bulk);
    lrw_clear(&c->lrw);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* What the mode keeps apart from the key of the data. */
static enum rc split_key(struct gcrypt_cipher *c, const struct secret *key, struct fault *why)
{
    size_t len = c->plan.mode == XTS ? key->len / 2 : key->len - LRW_BLOCK;
    struct span rest = span_of(key->at + len, key->len - len);

    secret_cut(&c->key, len);
    if (c->plan.mode == LRW)
        return lrw_init(&c->lrw, rest.at, why);
    if (equal_bytes(secret_span(&c->key), rest))
        return fail(why, RC_UNSUPPORTED, "the two halves of an XTS key must not be equal");
    return secret_copy(&c->tweak_key, rest, why);
}

static enum rc take_keys(struct gcrypt_cipher *c, const struct secret *key, struct fault *why)
{
    struct span whole = secret_span(key);
    enum rc rc = secret_copy(&c->key, whole, why);

    if (rc == RC_OK && (c->plan.mode == XTS || c->plan.mode == LRW))
        rc = split_key(c, key, why);
    if (rc != RC_OK || c->plan.iv != IV_ESSIV)
        return rc;
    if ((rc = secret_alloc(&c->iv_key, 32, why)) != RC_OK)
        return rc;
    return hash_compute(hash_find("sha256"), &whole, 1, c->iv_key.at, why);
}

static enum rc prepare_bulk(struct gcrypt_cipher *c, struct fault *why)
{
    gcry_cipher_hd_t ecb = handle_open(c->plan.algorithm, GCRY_CIPHER_MODE_ECB, &c->key);
    enum rc rc = ecb ? bulk_init(&c->bulk, ecb, why) : fail(why, RC_MEMORY, "no memory");

    gcry_cipher_close(ecb);
    return rc;
}

/* The first lane is made at once: what the library refuses is known here. */
static enum rc prepare(struct gcrypt_cipher *c, const struct secret *key, struct fault *why)
{
    enum rc rc = take_keys(c, key, why);

    if (rc != RC_OK)
        return rc;
    if (!lane_open(c, &c->pool[0]))
        return fail(why, RC_UNSUPPORTED, "the cipher \"%s\" does not take this key",
                    c->cipher.kind->encryption);
    c->pooled = 1;
    return is_bulk(&c->plan) ? prepare_bulk(c, why) : RC_OK;
}

static enum rc gcrypt_cipher_open(struct cipher **out, const struct cipher_kind *kind,
                                  const struct secret *key, uint32_t sector_size,
                                  struct fault *why)
{
    struct gcrypt_cipher *c = calloc(1, sizeof *c);
    enum rc rc;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    handle_start();
    c->cipher = (struct cipher){.kind = kind, .sector_size = sector_size};
    c->plan = plan_for(kind->encryption, key->len);
    pthread_mutex_init(&c->lock, NULL);
    if ((rc = prepare(c, key, why)) != RC_OK) {
        gcrypt_cipher_close(&c->cipher);
        return rc;
    }
    *out = &c->cipher;
    return RC_OK;
}

/* clang-format off */
#define KIND(ENCRYPTION, ...)                                                                 \
    {.encryption = ENCRYPTION, .provider = "libgcrypt", .key_sizes = {__VA_ARGS__},           \
     .open = gcrypt_cipher_open, .crypt = gcrypt_cipher_crypt, .close = gcrypt_cipher_close}

/* The modes and initial vectors of every algorithm; behind it the sizes of its keys. */
#define OLD_KINDS(NAME, ...)                                                                  \
    KIND(NAME "-cbc-plain64", __VA_ARGS__), KIND(NAME "-cbc-plain", __VA_ARGS__),             \
    KIND(NAME "-cbc-plain64be", __VA_ARGS__), KIND(NAME "-cbc-benbi", __VA_ARGS__),           \
    KIND(NAME "-cbc-eboiv", __VA_ARGS__), KIND(NAME "-cbc-null", __VA_ARGS__),                \
    KIND(NAME "-ecb", __VA_ARGS__)

/* Those besides, where a block has 16 bytes; twice, and 16 more, are the keys of XTS and LRW. */
#define WIDE_KINDS(NAME, ...)                                                                 \
    KIND(NAME "-xts-plain64", __VA_ARGS__), KIND(NAME "-xts-plain", __VA_ARGS__),             \
    KIND(NAME "-xts-plain64be", __VA_ARGS__), KIND(NAME "-xts-benbi", __VA_ARGS__),           \
    KIND(NAME "-xts-null", __VA_ARGS__)
#define LRW_KINDS(NAME, ...)                                                                  \
    KIND(NAME "-lrw-benbi", __VA_ARGS__), KIND(NAME "-lrw-plain64", __VA_ARGS__),             \
    KIND(NAME "-lrw-plain", __VA_ARGS__)

/* An ESSIV of SHA-256 takes keys of 32 bytes. */
#define ESSIV_KINDS(NAME, ...)                                                                \
    KIND(NAME "-cbc-essiv:sha256", __VA_ARGS__)
/* clang-format on */

extern const struct cipher_kind cipher_gcrypt_kinds[];
extern const size_t cipher_gcrypt_count;

const struct cipher_kind cipher_gcrypt_kinds[] = {
    OLD_KINDS("aes", 32, 24, 16),
    ESSIV_KINDS("aes", 32, 24, 16),
    WIDE_KINDS("aes", 64, 32),
    LRW_KINDS("aes", 48, 40, 32),
    KIND("aes-xts-essiv:sha256", 64, 32),
    OLD_KINDS("serpent", 32, 24, 16),
    ESSIV_KINDS("serpent", 32, 24, 16),
    WIDE_KINDS("serpent", 64, 48, 32),
    LRW_KINDS("serpent", 48, 40, 32),
    KIND("serpent-xts-essiv:sha256", 64, 32),
    OLD_KINDS("twofish", 32, 16),
    ESSIV_KINDS("twofish", 32, 16),
    WIDE_KINDS("twofish", 64, 32),
    LRW_KINDS("twofish", 48, 32),
    KIND("twofish-xts-essiv:sha256", 64, 32),
    OLD_KINDS("camellia", 32, 24, 16),
    ESSIV_KINDS("camellia", 32, 24, 16),
    WIDE_KINDS("camellia", 64, 48, 32),
    LRW_KINDS("camellia", 48, 40, 32),
    KIND("camellia-xts-essiv:sha256", 64, 32),
    OLD_KINDS("sm4", 16),
    WIDE_KINDS("sm4", 32),
    OLD_KINDS("blowfish", 32, 16, 56),
    ESSIV_KINDS("blowfish", 32, 16, 56),
    OLD_KINDS("cast5", 16),
    OLD_KINDS("des3_ede", 24),
};

const size_t cipher_gcrypt_count = sizeof cipher_gcrypt_kinds / sizeof *cipher_gcrypt_kinds;
