#include "crypto/aead.h"

#include <stdlib.h>

#include "base/test/check.h"
#include "codec/hex.h"
#include "crypto/generator.h"

/* GCM: test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation";
 * ChaCha20-Poly1305: RFC 8439, section 2.8.2. */
static const struct {
    const char *name, *key, *nonce, *bound, *in, *out, *tag;
} vectors[] = {
    {"aes-256-gcm", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
     "49a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
     "56828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"aes-256-gcm", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"chacha20-poly1305", "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966"
     "204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f72207468652066757475"
     "72652c2073756e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69"
     "da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594"
     "5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

enum { MOST = 256 };

static size_t bytes(const char *hex, uint8_t out[MOST])
{
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(hex_value((uint8_t)hex[2 * i]) << 4 |
                           hex_value((uint8_t)hex[2 * i + 1]));
    return len;
}

static bool usable(const struct aead_kind *kind)
{
    return !kind->is_usable || kind->is_usable();
}

static void every_kind_gives_the_vectors(void **state)
{
    const struct aead_kind *kind;
    unsigned tried = 0;

    (void)state;
    for (size_t k = 0; (kind = aead_kind_at(k)); k++) {
        for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
            uint8_t key[MOST], nonce[MOST], bound[MOST], in[MOST], out[MOST], tag[MOST];
            uint8_t got[MOST], got_tag[AEAD_TAG], back[MOST];
            struct aead *aead;
            size_t len = bytes(vectors[i].in, in), bound_len = bytes(vectors[i].bound, bound);

            if (strcmp(kind->name, vectors[i].name) != 0 || !usable(kind))
                continue;
            bytes(vectors[i].key, key);
            bytes(vectors[i].nonce, nonce);
            bytes(vectors[i].out, out);
            bytes(vectors[i].tag, tag);
            aead = aead_open(kind, key);
            assert_non_null(aead);
            assert_true(
                aead_seal(aead, nonce, span_of(bound, bound_len), in, got, len, got_tag));
            assert_memory_equal(got, out, len);
            assert_memory_equal(got_tag, tag, AEAD_TAG);
            assert_true(
                aead_unseal(aead, nonce, span_of(bound, bound_len), got, back, len, tag));
            assert_memory_equal(back, in, len);
            aead_close(aead);
            tried++;
        }
    }
    assert_true(tried >= 3);
}

/* All that share a name give the same bytes, for blocks and for pages that are bound alone. */
static void kinds_of_one_name_agree(void **state)
{
    static const size_t lens[] = {0,   1,   15,  16,  17,  239, 240,  255,  256,  257,
                                  272, 511, 512, 513, 768, 771, 3840, 3984, 4095, 4096};
    const struct aead_kind *kind;
    uint8_t *in = malloc(4096), *one = malloc(4096), *other = malloc(4096);

    (void)state;
    assert_true(in && one && other);
    for (size_t k = 0; (kind = aead_kind_at(k)); k++) {
        uint8_t key[AEAD_KEY], nonce[AEAD_NONCE], tag[2][AEAD_TAG];
        struct aead *a, *b;

        if (!usable(kind))
            continue;
        assert_int_equal(generator_bytes(key, sizeof key, NULL), RC_OK);
        assert_int_equal(generator_bytes(nonce, sizeof nonce, NULL), RC_OK);
        assert_int_equal(generator_bytes(in, 4096, NULL), RC_OK);
        a = aead_open(kind, key);
        b = aead_open(aead_find(kind->name), key);
        assert_true(a && b);
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            struct span bound = span_of(in, 4096 - lens[i]);

            assert_true(aead_seal(a, nonce, bound, in, one, lens[i], tag[0]));
            assert_true(aead_seal(b, nonce, bound, in, other, lens[i], tag[1]));
            assert_memory_equal(one, other, lens[i]);
            assert_memory_equal(tag[0], tag[1], AEAD_TAG);
            assert_true(aead_unseal(b, nonce, bound, one, one, lens[i], tag[0]));
            assert_memory_equal(one, in, lens[i]);
        }
        aead_close(a);
        aead_close(b);
    }
    free(in);
    free(one);
    free(other);
}

static void what_was_changed_is_refused(void **state)
{
    const struct aead_kind *kind;

    (void)state;
    for (size_t k = 0; (kind = aead_kind_at(k)); k++) {
        uint8_t key[AEAD_KEY] = {1}, nonce[AEAD_NONCE] = {2}, tag[AEAD_TAG], sealed[64];
        const uint8_t text[64] = "text", zeros[64] = {0};
        uint8_t out[64], bound[4] = {3};
        struct aead *aead;

        if (!usable(kind))
            continue;
        aead = aead_open(kind, key);
        assert_true(aead_seal(aead, nonce, span_of(bound, 4), text, sealed, 64, tag));
        for (size_t bit = 0; bit < 8 * (64 + AEAD_TAG + 4 + AEAD_NONCE); bit++) {
            uint8_t *places[] = {sealed, tag, bound, nonce};
            const size_t sizes[] = {64, AEAD_TAG, 4, AEAD_NONCE};
            size_t at = bit / 8, which = 0;

            while (at >= sizes[which])
                at -= sizes[which++];
            places[which][at] ^= (uint8_t)(1 << bit % 8);
            memset(out, 1, sizeof out);
            assert_false(aead_unseal(aead, nonce, span_of(bound, 4), sealed, out, 64, tag));
            assert_memory_equal(out, zeros, 64);
            places[which][at] ^= (uint8_t)(1 << bit % 8);
        }
        assert_true(aead_unseal(aead, nonce, span_of(bound, 4), sealed, out, 64, tag));
        aead_close(aead);
    }
}

static void generated_bytes_differ(void **state)
{
    static uint8_t runs[64][40];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(generator_bytes(runs[i], sizeof runs[i], NULL), RC_OK);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(runs[i], runs[j], sizeof runs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_gives_the_vectors),
        cmocka_unit_test(kinds_of_one_name_agree),
        cmocka_unit_test(what_was_changed_is_refused),
        cmocka_unit_test(generated_bytes_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
