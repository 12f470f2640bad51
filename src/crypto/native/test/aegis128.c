#include "crypto/native/aegis128.h"

#include "base/test/check.h"
#include "codec/hex.h"
#include "crypto/cpu.h"

/* The authors' specification, version 1.1, appendix. */
static const struct {
    const char *key, *nonce, *associated, *plain, *cipher, *tag;
} vectors[] = {
    {"00000000000000000000000000000000", "00000000000000000000000000000000", "",
     "00000000000000000000000000000000", "951b050fa72b1a2fc16d2e1f01b07d7e",
     "a7d2a99773249542f422217ee888d5f1"},
    {"00000000000000000000000000000000", "00000000000000000000000000000000",
     "00000000000000000000000000000000", "00000000000000000000000000000000",
     "10b0dee65a97d751205c128a992473a1", "46dcb9ee93c46cf13731d41b9646c131"},
    {"00010000000000000000000000000000", "00000200000000000000000000000000", "00010203",
     "00000000000000000000000000000000", "2b78f5c1618da39afbb2920f5dae02b0",
     "74759cd0e19314650d6c635b563d80fd"},
    {"10010000000000000000000000000000", "10000200000000000000000000000000",
     "0001020304050607", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "e08ec10685d63c7364eca78ff6e1a1dd"
     "fdfc15d5311a7f2988a0471a13973fd7",
     "27e84b6c4cc46cb6ece8f1f3e4aa0e78"},
};

static size_t bytes_of(const char *text, uint8_t *out, size_t size)
{
    size_t len;

    assert_int_equal(hex_decode(span_text(text), out, size, &len), RC_OK);
    return len;
}

static void published_vectors(void **state)
{
    const struct aegis128_engine *engine;

    (void)state;
    for (size_t e = 0; (engine = aegis128_engine_at(e)); e++) {
        for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
            uint8_t key[16], nonce[16], associated[32], text[2][32], tag[16], out[32],
                made[16];
            struct aegis128_message message = {
                .key = key, .nonce = nonce, .associated = associated, .out = out};

            if (engine->needs & ~cpu_features())
                continue;
            bytes_of(vectors[i].key, key, sizeof key);
            bytes_of(vectors[i].nonce, nonce, sizeof nonce);
            bytes_of(vectors[i].tag, tag, sizeof tag);
            message.associated_len =
                bytes_of(vectors[i].associated, associated, sizeof associated);
            message.len = bytes_of(vectors[i].plain, text[1], sizeof text[1]);
            bytes_of(vectors[i].cipher, text[0], sizeof text[0]);
            for (int encrypt = 0; encrypt < 2; encrypt++) {
                message.in = text[encrypt];
                engine->crypt(&message, encrypt, made);
                check(engine->name, memcmp(out, text[!encrypt], message.len) == 0);
                check(engine->name, memcmp(made, tag, sizeof tag) == 0);
            }
        }
    }
}

/* Every length, so that the last block is cut everywhere. */
static void engines_agree(void **state)
{
    const struct aegis128_engine *engine;
    static uint8_t text[4096], out[2][4096], tags[2][16], first[16];
    static const uint8_t key[16] = {1, 2, 3}, nonce[16] = {4, 5, 6};

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof text; len += len < 70 ? 1 : 671) {
        bool compare = false;

        for (size_t e = 0; (engine = aegis128_engine_at(e)); e++) {
            if (engine->needs & ~cpu_features())
                continue;
            for (int encrypt = 1; encrypt >= 0; encrypt--) {
                const struct aegis128_message message = {.key = key,
                                                         .nonce = nonce,
                                                         .associated = text,
                                                         .associated_len = len % 50,
                                                         .in = encrypt ? text : out[1],
                                                         .out = out[encrypt],
                                                         .len = len};

                engine->crypt(&message, encrypt, tags[encrypt]);
            }
            check(engine->name, len == 0 || memcmp(out[0], text, len) == 0);
            check(engine->name, memcmp(tags[0], tags[1], sizeof tags[0]) == 0);
            check(engine->name, !compare || memcmp(tags[0], first, sizeof first) == 0);
            memcpy(first, tags[0], sizeof first);
            compare = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(published_vectors),
                                     cmocka_unit_test(engines_agree)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
