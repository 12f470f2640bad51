/*
 * Every engine, also those that are not the fastest here, against published vectors and
 * against OpenSSL. Those that this processor lacks are skipped, by name.
 */
#include "crypto/native/xts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/test/check.h"
#include "codec/hex.h"
#include "crypto/cipher.h"

enum { ENGINES_MAX = 8, UNIT_MAX = 4096, COUNT_MAX = 70, EDGE = 64, TURNS = 300 };

/* IEEE 1619-2007, annex B, vectors 1 to 3; NIST XTSVS (CAVS 11.0), "DataUnitSeqNumber". */
static const struct {
    const char *what, *key;
    uint64_t number;
    const char *plain, *stored;
} vectors[] = {
    {"vector 1", "0000000000000000000000000000000000000000000000000000000000000000", 0,
     "0000000000000000000000000000000000000000000000000000000000000000",
     "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e"},
    {"vector 2", "1111111111111111111111111111111122222222222222222222222222222222",
     0x3333333333, "4444444444444444444444444444444444444444444444444444444444444444",
     "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"},
    {"vector 3", "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222",
     0x3333333333, "4444444444444444444444444444444444444444444444444444444444444444",
     "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89"},
    {"XTSGenAES128 1", "a3e40d5bd4b6bbedb2d18c700ad2db2210c81190646d673cbca53f133eab373c", 141,
     "20e0719405993f09a66ae5bb500e562c", "74623551210216ac926b9650b6d3fa52"},
    {"XTSGenAES128 2", "a2ed35e8d082f5e13e78c1d42acf33cf70e82821a666b2a7606542e43a631226", 75,
     "2d81dcdec507845dcac4af1594aac844", "050dc32995cf6cd87224dfa2572709f4"},
    {"XTSGenAES128 101", "69438582e0a61b5e7a023adf2f419630ed537ccf9a4b2e09010eaf7b66bcf818",
     232, "05c2c05e812bc4295f3ef64c8bc468ee946176449edc481785e6c6d9fbdd6b8f",
     "27259ec330a66591e265525cd1eb5017ba195a390e4f66ddfb7c1a4b0fb5e49d"},
    {"XTSGenAES128 102", "f5409a68908c710aacc31a223ef7911db3202772edd955663a75292d9384ca2c",
     100, "ce1a975b08eec5a005708cd4113a701fb0377b14b59e70dc06fe6941121f16a2",
     "39d7b54434622b53a78529043bffa0f637e46a79c880cae70c67b1f2077e1932"},
    {"XTSGenAES256 1",
     "ef010ca1a3663e32534349bc0bae62232a1573348568fb9ef41768a7674f507a"
     "727f98755397d0e0aa32f830338cc7a926c773f09e57b357cd156afbca46e1a0",
     187, "ed98e01770a853b49db9e6aaf88f0a41b9b56e91a5a2b11d40529254f5523e75",
     "ca20c55e8dc149687d2541de39c3df6300bb5a163c10ced3666b1357db8bd39d"},
    {"XTSGenAES256 2",
     "c4e6b37e1075969d41a7601aa105dd41b18200a028da1f79f55c4d2db478c4e9"
     "8d9ed491cfe52f31ecb7cbb4891eb779e057392b3b27c19cbe9b4875c8c31c22",
     223, "87ede402d0561359799a41be042ced9a8e15639165ef1a4d2f6785c394d61e5f",
     "a51037198f3f9fe5d05bef52363acec40e86e3abb834180348d2e08627733e65"},
    {"XTSGenAES256 101",
     "f6db5326ea996b16ca0d439b5a0106e3a34ed343db489faad06979009399b03b"
     "3cd9ef23332d46414216531d9885a5a30b1964523992f42748202b80a4190d45",
     245,
     "bf6a09f93f94d6bdc8c5f5e158916c3371a540e46644f79414d84dda1339397c"
     "e90ebb768deeb88ecd2be175a396bb85",
     "b11a252c5776c439ea7baeaae7830418e574b2248cc8b524b7fd0cc8e1ecffa9"
     "812f45ae313e3e1f44127b27fb08a613"},
    {"XTSGenAES256 102",
     "182614c12c49df2a50b8f9e985e9674253f141c17b6d440fcbbe4319d7034a87"
     "fe4db5c45e54086f62fde76999099fa71a3aae56c6a3220e226ccc2147f83a4f",
     185,
     "e6f5621b062241c835e6fed103c089c782ceeab7035f4c6bb47bc35416599174"
     "b53608918c3ee5da1ab9736d8c8decc3",
     "9b2e2eef1b8c24a78f8ed47a0d30d8c8badbf70cf138292dfc2d3dc211aabc2e"
     "4ec0ef36c94e0505255e3acc5e13943a"},
};

/* The same annex: units of 512 bytes, 00 01 .. ff 00 01 .. ff or what the row before gave. */
static const struct {
    const char *what, *key;
    uint64_t number;
    bool chained;
    const char *first, *last; /* 16 bytes each */
} units[] = {
#define KEY_128 "2718281828459045235360287471352631415926535897932384626433832795"
#define KEY_256                                                                               \
    "2718281828459045235360287471352662497757247093699959574966967627"                        \
    "3141592653589793238462643383279502884197169399375105820974944592"
    {"vector 4", KEY_128, 0, false, "27a7479befa1d476489f308cd4cfa6e2",
     "0a282df920147beabe421ee5319d0568"},
    {"vector 5", KEY_128, 1, true, "264d3ca8512194fec312c8c9891f279f",
     "fd2a89ccb45e001a03a867b187f225dd"},
    {"vector 6", KEY_128, 2, true, "fa762a3680b76007928ed4a4f49a9456",
     "4bcf518138dc3a25c5e236171a2d01d6"},
    {"vector 10", KEY_256, 0xff, false, "1c3b3a102f770386e4836c99e370cf9b",
     "c4f36ffda9fcea70b9c6e693e148c151"},
    {"vector 11", KEY_256, 0xffff, false, "77a31251618a15e6b92d1d66dffe7b50",
     "a4f9e27b42af8100cb9d59cef9645803"},
    {"vector 12", KEY_256, 0xffffff, false, "e387aaa58ba483afa7e8eb469778317e",
     "2263a1eef52dd6888c309f5a7d712826"},
    {"vector 13", KEY_256, 0xffffffff, false, "bf53d2dade78e822a4d949a9bc6766b0",
     "4c82f335abb152c4a93411373aaa8220"},
    {"vector 14", KEY_256, 0xffffffffff, false, "64497e5a831e4a932c09be3e5393376d",
     "d609d273ad5b0d59631c531f6a0a57b9"},
};

/* Numbers around which a carry, a sign or an end is. */
static const uint64_t starts[] = {
    0, 1, UINT32_MAX - 9, UINT64_C(1) << 32, INT64_MAX - 20, UINT64_MAX - 30, UINT64_MAX,
};

/* The engine of a test, which ends here if the processor lacks it. */
static const struct xts_engine *engine_of(void **state)
{
    const struct xts_engine *engine = *state;

    if (!xts_engine_is_usable(engine)) {
        print_message("not on this processor: %s\n", engine->name);
        skip();
    }
    return engine;
}

static size_t from_hex(const char *text, uint8_t *bytes, size_t room)
{
    size_t len;

    assert_int_equal(hex_decode(span_text(text), bytes, room, &len), RC_OK);
    return len;
}

static void expand(struct xts_keys *keys, const char *key_hex)
{
    uint8_t key[64];
    size_t len = from_hex(key_hex, key, sizeof key);

    xts_keys_expand(keys, key, len);
}

static void crypt_unit(const struct xts_engine *engine, const struct xts_keys *keys,
                       bool encrypt, uint64_t number, uint8_t *bytes, size_t len)
{
    struct xts_sectors unit = {.in = bytes, .out = bytes, .size = len, .count = 1};

    xts_crypt(engine, keys, encrypt, number, 1, &unit);
}

static void published_vectors(void **state)
{
    const struct xts_engine *engine = engine_of(state);

    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint8_t plain[64], stored[64], bytes[64];
        size_t len = from_hex(vectors[i].plain, plain, sizeof plain);
        struct xts_keys keys;

        expand(&keys, vectors[i].key);
        assert_int_equal(from_hex(vectors[i].stored, stored, sizeof stored), len);
        memcpy(bytes, plain, len);
        crypt_unit(engine, &keys, true, vectors[i].number, bytes, len);
        check(vectors[i].what, memcmp(bytes, stored, len) == 0);
        crypt_unit(engine, &keys, false, vectors[i].number, bytes, len);
        check(vectors[i].what, memcmp(bytes, plain, len) == 0);
    }
}

static bool is_hex(const uint8_t *bytes, const char *hex)
{
    char text[33];

    return strcmp(hex_encode(span_of(bytes, 16), text), hex) == 0;
}

static void published_units(void **state)
{
    const struct xts_engine *engine = engine_of(state);
    uint8_t bytes[512] = {0}, back[512];

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct xts_keys keys;
        uint8_t plain[512];

        for (size_t at = 0; at < sizeof plain && !units[i].chained; at++)
            bytes[at] = (uint8_t)at;
        memcpy(plain, bytes, sizeof plain);
        expand(&keys, units[i].key);
        crypt_unit(engine, &keys, true, units[i].number, bytes, sizeof bytes);
        check(units[i].what, is_hex(bytes, units[i].first));
        check(units[i].what, is_hex(bytes + sizeof bytes - 16, units[i].last));
        memcpy(back, bytes, sizeof back);
        crypt_unit(engine, &keys, false, units[i].number, back, sizeof back);
        check(units[i].what, memcmp(back, plain, sizeof plain) == 0);
    }
}

/* xorshift64: the same run each time. */
static uint64_t chance(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void fill(uint64_t *seed, uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(chance(seed) >> 32);
}

static struct cipher *open_openssl(const struct secret *key)
{
    const struct cipher_kind *kind;
    struct cipher *cipher;

    for (size_t i = 0; (kind = cipher_kind_at(i)); i++) {
        if (strcmp(kind->encryption, "aes-xts-plain64") == 0 &&
            strcmp(kind->provider, "OpenSSL") == 0)
            break;
    }
    assert_non_null(kind);
    assert_int_equal(cipher_open_kind(&cipher, kind, key, UNIT_MAX, NULL), RC_OK);
    return cipher;
}

/*
 * What OpenSSL makes of a sector, whatever its size: a block depends on the number and its
 * place alone, so a sector is the beginning of a larger one.
 */
static void by_openssl(struct cipher *openssl, bool encrypt, uint64_t number,
                       const uint8_t *in, uint8_t *out, size_t len)
{
    uint8_t unit[UNIT_MAX] = {0};

    memcpy(unit, in, len);
    assert_int_equal((encrypt ? cipher_encrypt : cipher_decrypt)(openssl, number, unit, unit,
                                                                 sizeof unit, NULL),
                     RC_OK);
    memcpy(out, unit, len);
}

/* One run: its place in memory, its length, size and numbers are chance. */
static void compare_a_run(const struct xts_engine *engine, struct cipher *openssl,
                          const struct xts_keys *keys, uint64_t *seed)
{
    static uint8_t in[COUNT_MAX * UNIT_MAX + 2 * EDGE], out[sizeof in], expected[sizeof in];
    bool encrypt = chance(seed) & 1, in_place = chance(seed) & 1;
    size_t size = 512 + chance(seed) % ((UNIT_MAX - 512) / 16 + 1) * 16;
    size_t from = chance(seed) % EDGE, to = in_place ? from : chance(seed) % EDGE;
    uint64_t first = chance(seed) & 1
                         ? chance(seed)
                         : starts[chance(seed) % (sizeof starts / sizeof *starts)];
    uint64_t step = chance(seed) % 9;
    uint8_t *target = in_place ? in : out;
    struct xts_sectors run = {.in = in + from, .out = target + to};

    if (chance(seed) & 1) /* a size that sectors really have */
        size = (size_t)512 << chance(seed) % 4;
    run.size = size;
    run.count = chance(seed) % (COUNT_MAX + 1);
    fill(seed, in, sizeof in);
    fill(seed, out, 2 * EDGE);
    memcpy(expected, target, sizeof expected);
    for (size_t i = 0; i < run.count; i++)
        by_openssl(openssl, encrypt, first + step * i, run.in + size * i,
                   expected + to + size * i, size);
    xts_crypt(engine, keys, encrypt, first, step, &run);
    if (memcmp(target, expected, sizeof expected) != 0)
        fail_msg("%s: %s %zu sectors of %zu bytes from %llu, each %llu further, "
                 "at offsets %zu and %zu",
                 engine->name, encrypt ? "encrypt" : "decrypt", run.count, size,
                 (unsigned long long)first, (unsigned long long)step, from, to);
}

static void same_as_openssl(void **state)
{
    const struct xts_engine *engine = engine_of(state);
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

    for (size_t key_len = 32; key_len <= 64; key_len += 32) {
        SCOPED(secret) key = {0};
        struct cipher *openssl;
        struct xts_keys keys;

        assert_int_equal(secret_alloc(&key, key_len, NULL), RC_OK);
        fill(&seed, key.at, key.len);
        openssl = open_openssl(&key);
        xts_keys_expand(&keys, key.at, key.len);
        for (int i = 0; i < TURNS; i++)
            compare_a_run(engine, openssl, &keys, &seed);
        cipher_close(openssl);
    }
}

static const struct {
    const char *what;
    void (*run)(void **state);
} tests[] = {
    {"published vectors", published_vectors},
    {"published units of 512 bytes", published_units},
    {"same as OpenSSL", same_as_openssl},
};

int main(void)
{
    enum { TESTS = sizeof tests / sizeof *tests };
    static char names[ENGINES_MAX * TESTS][64];
    struct CMUnitTest all[ENGINES_MAX * TESTS] = {{0}};
    size_t count = 0;

    for (size_t i = 0; i < ENGINES_MAX && xts_engine_at(i); i++) {
        for (size_t j = 0; j < TESTS; j++, count++) {
            snprintf(names[count], sizeof *names, "%s: %s", xts_engine_at(i)->name,
                     tests[j].what);
            all[count] =
                (struct CMUnitTest){.name = names[count],
                                    .test_func = tests[j].run,
                                    .initial_state = (void *)(uintptr_t)xts_engine_at(i)};
        }
    }
    return _cmocka_run_group_tests("engines", all, count, NULL, NULL);
}
