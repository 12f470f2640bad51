/*
 * Serpent, Twofish, Camellia, AES and older ciphers on sectors, through libgcrypt, in the modes and with the
 * initial vectors of dm-crypt. A handle of the library has one expanded key and serves one call
 * at a time; those that are not in use wait in a pool.
 *
 * Sources: IEEE 1619 (XTS); dm-crypt's IV generators.
 */
#include <gcrypt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/cipher.h"
#include "crypto/equal.h"
#include "crypto/gcrypt/lrw.h"
#include "crypto/hash.h"
#include "crypto/iv.h"

enum { POOL_SIZE = 16, WORD_SIZE = 16 };

/* The handles of one call; iv is NULL where initial vectors are not encrypted. */
struct lane {
    gcry_cipher_hd_t data, iv;
};

/* "serpent-cbc-essiv:sha256" for a key. */
struct plan {
    int algorithm, mode; /* LRW is made of ECB */
    size_t block;        /* bytes; so many has an initial vector */
    enum iv_kind iv;
    bool lrw;
};

struct gcrypt_cipher {
    struct cipher cipher;
    struct plan plan;
    struct secret key, iv_key;
    struct lrw lrw;
    pthread_mutex_t lock;
    struct lane pool[POOL_SIZE];
    size_t pooled;
};

static struct gcrypt_cipher *gcrypt_cipher_of(struct cipher *cipher)
{
    return (struct gcrypt_cipher *)(void *)cipher;
}

static const struct {
    const char *name;
    size_t key_size; /* bytes */
    int algorithm;
} algorithms[] = {
    {"aes", 16, GCRY_CIPHER_AES128},           {"aes", 24, GCRY_CIPHER_AES192},
    {"aes", 32, GCRY_CIPHER_AES256},           {"serpent", 16, GCRY_CIPHER_SERPENT128},
    {"serpent", 24, GCRY_CIPHER_SERPENT192},   {"serpent", 32, GCRY_CIPHER_SERPENT256},
    {"twofish", 16, GCRY_CIPHER_TWOFISH128},   {"twofish", 32, GCRY_CIPHER_TWOFISH},
    {"camellia", 16, GCRY_CIPHER_CAMELLIA128}, {"camellia", 24, GCRY_CIPHER_CAMELLIA192},
    {"camellia", 32, GCRY_CIPHER_CAMELLIA256}, {"sm4", 16, GCRY_CIPHER_SM4},
    {"cast5", 16, GCRY_CIPHER_CAST5},          {"blowfish", 16, GCRY_CIPHER_BLOWFISH},
    {"blowfish", 32, GCRY_CIPHER_BLOWFISH},    {"blowfish", 56, GCRY_CIPHER_BLOWFISH},
    {"des3_ede", 24, GCRY_CIPHER_3DES},
};

/* The key sizes of the table below have passed cipher_takes_key, so that one always fits. */
static int algorithm_find(const char *name, size_t key_size)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (strcmp(algorithms[i].name, name) == 0 && algorithms[i].key_size == key_size)
            return algorithms[i].algorithm;
    }
    return GCRY_CIPHER_NONE;
}

/* XTS has two keys in one; that of LRW has what its blocks are multiplied with behind it. */
static struct plan plan_for(const char *encryption, size_t key_size)
{
    char algorithm[WORD_SIZE] = "", mode[WORD_SIZE] = "", iv[WORD_SIZE] = "";
    struct plan plan = {.mode = GCRY_CIPHER_MODE_ECB};

    (void)sscanf(encryption, "%15[^-]-%15[^-]-%15s", algorithm, mode, iv);
    plan.lrw = strcmp(mode, "lrw") == 0;
    if (strcmp(mode, "cbc") == 0)
        plan.mode = GCRY_CIPHER_MODE_CBC;
    if (strcmp(mode, "xts") == 0) {
        plan.mode = GCRY_CIPHER_MODE_XTS;
        key_size /= 2;
    }
    plan.algorithm = algorithm_find(algorithm, plan.lrw ? key_size - LRW_BLOCK : key_size);
    plan.block = gcry_cipher_get_algo_blklen(plan.algorithm);
    plan.iv = iv_find(iv);
    return plan;
}

static void library_start(void)
{
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

/* NULL where the library refuses the algorithm or the key. */
static gcry_cipher_hd_t expand(int algorithm, int mode, const struct secret *key)
{
    gcry_cipher_hd_t handle;

    if (gcry_cipher_open(&handle, algorithm, mode, 0) != 0)
        return NULL;
    if (gcry_cipher_setkey(handle, key->at, key->len) == 0)
        return handle;
    gcry_cipher_close(handle);
    return NULL;
}

static void lane_close(struct lane *lane)
{
    gcry_cipher_close(lane->data); /* wiped by the library; harmless on NULL */
    gcry_cipher_close(lane->iv);
    *lane = (struct lane){0};
}

/* Encrypts initial vectors: ESSIV with a key of its own, and so of 32 bytes. */
static gcry_cipher_hd_t expand_iv(const struct gcrypt_cipher *c)
{
    char name[WORD_SIZE] = "";

    (void)sscanf(c->cipher.kind->encryption, "%15[^-]", name);
    if (c->plan.iv == IV_ESSIV)
        return expand(algorithm_find(name, c->iv_key.len), GCRY_CIPHER_MODE_ECB, &c->iv_key);
    return expand(c->plan.algorithm, GCRY_CIPHER_MODE_ECB, &c->key);
}

static bool lane_open(const struct gcrypt_cipher *c, struct lane *lane)
{
    bool encrypted = iv_is_encrypted(c->plan.iv);

    lane->data = expand(c->plan.algorithm, c->plan.mode, &c->key);
    lane->iv = lane->data && encrypted ? expand_iv(c) : NULL;
    if (lane->data && (lane->iv || !encrypted))
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

static bool set_iv(const struct gcrypt_cipher *c, struct lane *lane, uint64_t sector)
{
    uint8_t iv[IV_SIZE];

    if (c->plan.iv == IV_NONE)
        return true;
    iv_put(c->plan.iv, sector, c->cipher.sector_size, iv, c->plan.block);
    return (!lane->iv || gcry_cipher_encrypt(lane->iv, iv, c->plan.block, NULL, 0) == 0) &&
           gcry_cipher_setiv(lane->data, iv, c->plan.block) == 0;
}

static void mix(uint8_t *out, const uint8_t *in, const uint8_t *with, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = in[i] ^ with[i];
}

static bool crypt_lrw(const struct gcrypt_cipher *c, struct lane *lane, bool encrypt,
                      uint64_t sector, const uint8_t *in, uint8_t *out)
{
    uint8_t tweaks[CIPHER_SECTOR_MAX], iv[LRW_BLOCK];
    size_t size = c->cipher.sector_size;
    bool done;

    iv_put(c->plan.iv, sector, c->cipher.sector_size, iv, sizeof iv);
    lrw_tweaks(&c->lrw, iv, tweaks, size);
    mix(out, in, tweaks, size);
    done = (encrypt ? gcry_cipher_encrypt(lane->data, out, size, NULL, 0)
                    : gcry_cipher_decrypt(lane->data, out, size, NULL, 0)) == 0;
    mix(out, out, tweaks, size);
    wipe(tweaks, size);
    return done;
}

static bool crypt_sector(const struct gcrypt_cipher *c, struct lane *lane, bool encrypt,
                         uint64_t sector, const uint8_t *in, uint8_t *out)
{
    size_t size = c->cipher.sector_size;

    if (c->plan.lrw)
        return crypt_lrw(c, lane, encrypt, sector, in, out);
    return set_iv(c, lane, sector) &&
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
    secret_clear(&c->iv_key);
    lrw_clear(&c->lrw);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static enum rc take_keys(struct gcrypt_cipher *c, const struct secret *key, struct fault *why)
{
    struct span whole = secret_span(key);
    size_t half = key->len / 2;
    enum rc rc = secret_copy(&c->key, whole, why);

    if (rc == RC_OK && c->plan.mode == GCRY_CIPHER_MODE_XTS &&
        equal_bytes(span_of(key->at, half), span_of(key->at + half, half)))
        return fail(why, RC_UNSUPPORTED, "the two halves of an XTS key must not be equal");
    if (rc == RC_OK && c->plan.lrw) {
        rc = lrw_init(&c->lrw, key->at + key->len - LRW_BLOCK, why);
        secret_cut(&c->key, key->len - LRW_BLOCK);
    }
    if (rc != RC_OK || c->plan.iv != IV_ESSIV)
        return rc;
    if ((rc = secret_alloc(&c->iv_key, 32, why)) != RC_OK)
        return rc;
    return hash_compute(hash_find("sha256"), &whole, 1, c->iv_key.at, why);
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
    return RC_OK;
}

static enum rc gcrypt_cipher_open(struct cipher **out, const struct cipher_kind *kind,
                                  const struct secret *key, uint32_t sector_size,
                                  struct fault *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct gcrypt_cipher *c = calloc(1, sizeof *c);
    enum rc rc;

    if (!c)
        return fail(why, RC_MEMORY, "no memory for a cipher");
    pthread_once(&once, library_start);
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
