#include <stdio.h>

#include "base/bytes.h"
#include "base/test/check.h"
#include "codec/hex.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"

enum { BLOCK = 16, UNIT = 512 };

static void decode(const char *text, uint8_t *bytes, size_t size, size_t *len)
{
    assert_int_equal(hex_decode(span_text(text), bytes, size, len), RC_OK);
}

static struct cipher *open_bytes(const char *encryption, const uint8_t *bytes, size_t len)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;
    struct fault why = {0};

    assert_int_equal(secret_copy(&key, span_of(bytes, len), NULL), RC_OK);
    check(why.text, cipher_open(&cipher, encryption, &key, UNIT, &why) == RC_OK);
    return cipher;
}

/* One block of each algorithm: NESSIE (Serpent with 256 bits, set 1, vector 0), the Twofish paper (appendix
 * B), RFC 3713 (Camellia, appendix A), FIPS 197 (AES, appendix C), RFC 2144 (CAST5, appendix B), Schneier's
 * vectors of Blowfish, SP 800-67 (triple DES, appendix B), RFC 8998 and its draft (SM4). */
static const struct {
    const char *encryption, *key, *plain, *cipher;
} blocks[] = {
    {"serpent-ecb", "8000000000000000000000000000000000000000000000000000000000000000",
     "00000000000000000000000000000000", "a223aa1288463c0e2be38ebd825616c0"},
    {"twofish-ecb", "00000000000000000000000000000000", "00000000000000000000000000000000",
     "9f589f5cf6122c32b6bfec2f2ae8c35a"},
    {"twofish-ecb", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
     "00000000000000000000000000000000", "37527be0052334b89f0cfccae87cfa20"},
    {"camellia-ecb", "0123456789abcdeffedcba9876543210", "0123456789abcdeffedcba9876543210",
     "67673138549669730857065648eabe43"},
    {"camellia-ecb", "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
     "0123456789abcdeffedcba9876543210", "9acc237dff16d76c20ef7c919e3a7509"},
    {"aes-ecb", "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
     "69c4e0d86a7b0430d8cdb78070b4c55a"},
    {"aes-ecb", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
    {"sm4-ecb", "0123456789abcdeffedcba9876543210", "0123456789abcdeffedcba9876543210",
     "681edf34d206965e86b3e94f536e4246"},
    {"cast5-ecb", "0123456712345678234567893456789a", "0123456789abcdef", "238b4fe5847e44b2"},
    {"blowfish-ecb", "f0e1d2c3b4a5968778695a4b3c2d1e0f", "fedcba9876543210",
     "93142887ee3be15c"},
    {"des3_ede-ecb", "0123456789abcdef23456789abcdef01456789abcdef0123", "5468652071756663",
     "a826fd8ce53b855f"},
};

static size_t block_of(const char *algorithm)
{
    return strncmp(algorithm, "cast5", 5) == 0 || strncmp(algorithm, "blowfish", 8) == 0 ||
                   strncmp(algorithm, "des3", 4) == 0
               ? 8
               : BLOCK;
}

static void published_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        uint8_t key[32], sector[UNIT] = {0};
        struct cipher *cipher;
        char text[2 * BLOCK + 1];
        size_t key_len, len;

        decode(blocks[i].key, key, sizeof key, &key_len);
        decode(blocks[i].plain, sector, BLOCK, &len);
        check(blocks[i].encryption, len == block_of(blocks[i].encryption));
        cipher = open_bytes(blocks[i].encryption, key, key_len);
        assert_int_equal(cipher_encrypt(cipher, 0, sector, sector, UNIT, NULL), RC_OK);
        check(blocks[i].encryption,
              strcmp(hex_encode(span_of(sector, len), text), blocks[i].cipher) == 0);
        cipher_close(cipher);
    }
}

static void fill(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(i * 7 + (i >> 8));
}

/* One block under the first `key_len` bytes of a key: what modes and vectors are made of. The
 * cipher of the last call is kept: opening one takes longer than all of a test. */
static void encrypt_block(const char *algorithm, const uint8_t *key, size_t key_len,
                          uint8_t block[BLOCK])
{
    static struct cipher *cipher;
    static char last[32];
    static uint8_t last_key[64];
    static size_t last_len;
    uint8_t sector[UNIT] = {0};
    char name[32];

    snprintf(name, sizeof name, "%s-ecb", algorithm);
    if (!cipher || strcmp(name, last) != 0 || key_len != last_len ||
        memcmp(key, last_key, key_len) != 0) {
        cipher_close(cipher);
        cipher = open_bytes(name, key, key_len);
        memcpy(last, name, sizeof last);
        memcpy(last_key, key, key_len);
        last_len = key_len;
    }
    memcpy(sector, block, block_of(algorithm));
    assert_int_equal(cipher_encrypt(cipher, 0, sector, sector, UNIT, NULL), RC_OK);
    memcpy(block, sector, block_of(algorithm));
}

static void mix(uint8_t *into, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        into[i] ^= from[i];
}

/* IEEE 1619-2007, 5.2: times alpha. */
static void times_alpha(uint8_t tweak[BLOCK])
{
    uint8_t carry = 0;

    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t next = tweak[i] >> 7;

        tweak[i] = (uint8_t)(tweak[i] << 1 | carry);
        carry = next;
    }
    if (carry)
        tweak[0] ^= 0x87;
}

static const struct {
    const char *name;
    size_t key_size;
} algorithms[] = {{"aes", 16},     {"aes", 32},     {"serpent", 16},  {"serpent", 32},
                  {"twofish", 16}, {"twofish", 32}, {"camellia", 16}, {"camellia", 32},
                  {"sm4", 16},     {"cast5", 16},   {"blowfish", 32}, {"blowfish", 16},
                  {"des3_ede", 24}};

static const uint64_t sectors[] = {0, 1, 0xff, UINT64_C(0xffffffff), UINT64_C(0x123456789a)};

enum { SECTORS = sizeof sectors / sizeof *sectors };

/* XTS as its standard says it, block by block. */
static void xts_by_hand(const char *algorithm, const uint8_t *key, size_t half,
                        uint64_t sector, uint8_t bytes[UNIT])
{
    uint8_t tweak[BLOCK] = {0};

    le64_put(tweak, sector);
    encrypt_block(algorithm, key + half, half, tweak);
    for (size_t at = 0; at < UNIT; at += BLOCK, times_alpha(tweak)) {
        mix(bytes + at, tweak, BLOCK);
        encrypt_block(algorithm, key, half, bytes + at);
        mix(bytes + at, tweak, BLOCK);
    }
}

static void xts_is_made_of_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        size_t half = algorithms[i].key_size;
        uint8_t key[64], plain[UNIT], ours[UNIT];
        struct cipher *cipher;
        char name[32];

        if (block_of(algorithms[i].name) < BLOCK)
            continue;
        fill(key, sizeof key);
        snprintf(name, sizeof name, "%s-xts-plain64", algorithms[i].name);
        cipher = open_bytes(name, key, 2 * half);
        for (size_t s = 0; s < SECTORS; s++) {
            fill(plain, UNIT);
            assert_int_equal(cipher_encrypt(cipher, sectors[s], plain, ours, UNIT, NULL),
                             RC_OK);
            xts_by_hand(algorithms[i].name, key, half, sectors[s], plain);
            check(name, memcmp(plain, ours, UNIT) == 0);
        }
        cipher_close(cipher);
    }
}

/* What the kernel's device-mapper documentation says of each initial vector. */
static void iv_by_hand(const char *kind, const char *algorithm, const uint8_t *key, size_t len,
                       uint64_t sector, uint8_t iv[BLOCK])
{
    struct span whole = span_of(key, len);
    uint8_t hashed[32];

    memset(iv, 0, BLOCK);
    if (strcmp(kind, "plain") == 0) {
        le32_put(iv, (uint32_t)sector);
    } else if (strcmp(kind, "plain64") == 0) {
        le64_put(iv, sector);
    } else if (strcmp(kind, "plain64be") == 0) {
        be64_put(iv + block_of(algorithm) - 8, sector);
    } else if (strcmp(kind, "benbi") == 0) {
        be64_put(iv + block_of(algorithm) - 8, sector * (UNIT / block_of(algorithm)) + 1);
    } else if (strcmp(kind, "eboiv") == 0) {
        le64_put(iv, sector * UNIT);
        encrypt_block(algorithm, key, len, iv);
    } else if (strcmp(kind, "essiv:sha256") == 0) {
        le64_put(iv, sector);
        assert_int_equal(hash_compute(hash_find("sha256"), &whole, 1, hashed, NULL), RC_OK);
        encrypt_block(algorithm, hashed, sizeof hashed, iv);
    }
}

/* CBC as SP 800-38A says it. */
static void cbc_by_hand(const char *algorithm, const uint8_t *key, size_t len,
                        const uint8_t iv[BLOCK], uint8_t bytes[UNIT])
{
    const uint8_t *before = iv;

    for (size_t at = 0; at < UNIT; at += block_of(algorithm)) {
        mix(bytes + at, before, block_of(algorithm));
        encrypt_block(algorithm, key, len, bytes + at);
        before = bytes + at;
    }
}

static void compare_cbc(const char *algorithm, size_t key_size, const char *kind)
{
    uint8_t key[32], plain[UNIT], ours[UNIT], iv[BLOCK];
    struct cipher *cipher;
    char name[48];

    fill(key, sizeof key);
    snprintf(name, sizeof name, "%s-cbc-%s", algorithm, kind);
    cipher = open_bytes(name, key, key_size);
    for (size_t s = 0; s < SECTORS; s++) {
        fill(plain, UNIT);
        assert_int_equal(cipher_encrypt(cipher, sectors[s], plain, ours, UNIT, NULL), RC_OK);
        iv_by_hand(kind, algorithm, key, key_size, sectors[s], iv);
        cbc_by_hand(algorithm, key, key_size, iv, plain);
        check(name, memcmp(plain, ours, UNIT) == 0);
    }
    cipher_close(cipher);
}

static void every_initial_vector(void **state)
{
    static const char *const kinds[] = {"null",  "plain", "plain64",     "plain64be",
                                        "benbi", "eboiv", "essiv:sha256"};

    (void)state;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            char name[48];

            snprintf(name, sizeof name, "%s-cbc-%s", algorithms[i].name, kinds[k]);
            if (!cipher_find(name)) { /* an algorithm that takes no key of 32 bytes */
                check(name, strcmp(kinds[k], "essiv:sha256") == 0);
                continue;
            }
            compare_cbc(algorithms[i].name, algorithms[i].key_size, kinds[k]);
        }
    }
}

/* IEEE P1619's draft of 2005, LRW-AES-1; benbi gives the number 1 to the first block. */
static void published_lrw(void **state)
{
    uint8_t key[48], sector[UNIT] = "0123456789ABCDEF";
    char text[2 * BLOCK + 1];
    struct cipher *cipher;
    size_t len;

    (void)state;
    decode("4562ac25f828176d4c268414b5680185258e2a05e73e9d03ee5a830ccc094c87", key, sizeof key,
           &len);
    cipher = open_bytes("aes-lrw-benbi", key, len);
    assert_int_equal(cipher_encrypt(cipher, 0, sector, sector, UNIT, NULL), RC_OK);
    assert_string_equal(hex_encode(span_of(sector, BLOCK), text),
                        "f1b273cd65a3df5fe95d489254634eb8");
    cipher_close(cipher);
}

/* Schoolbook: bit n of a byte string in big endian is the coefficient of x^n. */
static void multiply_by_hand(const uint8_t key[BLOCK], uint64_t by, uint8_t product[BLOCK])
{
    uint8_t power[BLOCK];

    memset(product, 0, BLOCK);
    memcpy(power, key, BLOCK);
    for (; by > 0; by >>= 1) {
        uint8_t carry = power[0] >> 7;

        if (by & 1)
            mix(product, power, BLOCK);
        for (size_t i = 0; i < BLOCK; i++)
            power[i] = (uint8_t)(power[i] << 1 | (i + 1 < BLOCK ? power[i + 1] >> 7 : 0));
        power[BLOCK - 1] ^= carry ? 0x87 : 0;
    }
}

static void lrw_is_made_of_blocks(void **state)
{
    static const char *const names[] = {"aes", "serpent", "twofish", "camellia"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        uint8_t key[32 + BLOCK], plain[UNIT], ours[UNIT], product[BLOCK];
        const char *algorithm = names[i];
        uint64_t sector = sectors[i + 1];
        struct cipher *cipher;
        char name[32];

        fill(key, sizeof key);
        fill(plain, UNIT);
        snprintf(name, sizeof name, "%s-lrw-benbi", algorithm);
        cipher = open_bytes(name, key, sizeof key);
        assert_int_equal(cipher_encrypt(cipher, sector, plain, ours, UNIT, NULL), RC_OK);
        for (size_t at = 0; at < UNIT; at += BLOCK) {
            multiply_by_hand(key + 32, sector * 32 + 1 + at / BLOCK, product);
            mix(plain + at, product, BLOCK);
            encrypt_block(algorithm, key, 32, plain + at);
            mix(plain + at, product, BLOCK);
        }
        check(name, memcmp(plain, ours, UNIT) == 0);
        cipher_close(cipher);
    }
}

/* Every kind, of any library: runs are sectors in a row, and come back. */
static void every_kind_comes_back(void **state)
{
    const struct cipher_kind *kind;

    (void)state;
    for (size_t i = 0; (kind = cipher_kind_at(i)); i++) {
        static uint8_t key[64], plain[16 * UNIT], whole[16 * UNIT], single[16 * UNIT];
        struct cipher *cipher;

        fill(key, sizeof key);
        fill(plain, sizeof plain);
        cipher = open_bytes(kind->encryption, key, kind->key_sizes[0]);
        assert_int_equal(cipher_encrypt(cipher, 40, plain, whole, sizeof plain, NULL), RC_OK);
        for (size_t at = 0; at < sizeof plain; at += UNIT)
            assert_int_equal(
                cipher_encrypt(cipher, 40 + at / UNIT, plain + at, single + at, UNIT, NULL),
                RC_OK);
        check(kind->encryption, memcmp(whole, single, sizeof whole) == 0);
        check(kind->encryption, memcmp(whole, plain, UNIT) != 0);
        assert_int_equal(cipher_decrypt(cipher, 40, whole, whole, sizeof whole, NULL), RC_OK);
        check(kind->encryption, memcmp(whole, plain, sizeof whole) == 0);
        cipher_close(cipher);
    }
}

static void weak_keys_are_refused(void **state)
{
    SCOPED(secret) key = {0};
    struct cipher *cipher;

    (void)state;
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    assert_int_equal(cipher_open(&cipher, "serpent-xts-plain64", &key, UNIT, NULL),
                     RC_UNSUPPORTED);
    assert_int_equal(cipher_open(&cipher, "twofish-cbc-plain64", &key, UNIT, NULL),
                     RC_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(published_blocks),      cmocka_unit_test(xts_is_made_of_blocks),
        cmocka_unit_test(every_initial_vector),  cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(weak_keys_are_refused), cmocka_unit_test(published_lrw),
        cmocka_unit_test(lrw_is_made_of_blocks),
    };

    return cmocka_run_group_tests(all, NULL, NULL);
}
