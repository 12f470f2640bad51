#include "keep/format/luks1/luks1_header.h"

#include "base/bytes.h"
#include "base/test/check.h"
#include "keep/format/format.h"

/* Where fields are, from the specification's tables. */
enum {
    CIPHER_NAME = 8,
    CIPHER_MODE = 40,
    HASH = 72,
    PAYLOAD = 104,
    KEY_BYTES = 108,
    DIGEST_ITERATIONS = 164,
    UUID = 168,
    SLOTS = 208,
    SLOT = 48,
    ITERATIONS = 4,
    MATERIAL = 40,
    STRIPES = 44,
    ACTIVE = 0x00ac71f3,
    UNUSED = 0x0000dead,
    DEVICE_SIZE = 4 << 20,
};

static uint8_t image[DEVICE_SIZE];

/* As cryptsetup lays a header with a key of 256 bits out; slots 0 and 7 are in use. */
static void make_header(uint8_t *at)
{
    memset(at, 0, LUKS1_HEADER_SIZE);
    memcpy(at, "LUKS\xba\xbe\0\1", 8);
    memcpy(at + CIPHER_NAME, "aes", 3);
    memcpy(at + CIPHER_MODE, "xts-plain64", 11);
    memcpy(at + HASH, "sha256", 6);
    be32_put(at + PAYLOAD, 4096);
    be32_put(at + KEY_BYTES, 32);
    be32_put(at + DIGEST_ITERATIONS, 10);
    memcpy(at + UUID, "75ff93bc-ac7c-4371-8a3b-3bfbc6e61b29", 36);
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++) {
        uint8_t *slot = at + SLOTS + (size_t)i * SLOT;

        be32_put(slot, i % 7 == 0 ? ACTIVE : UNUSED);
        be32_put(slot + ITERATIONS, 10);
        be32_put(slot + MATERIAL, 8 + i * 256);
        be32_put(slot + STRIPES, LUKS2_STRIPES);
    }
}

static void a_sound_header(void **state)
{
    struct luks1_header header;

    (void)state;
    make_header(image);
    assert_int_equal(luks1_header_parse(&header, image, NULL), RC_OK);
    assert_string_equal(header.encryption, "aes-xts-plain64");
    assert_string_equal(header.as_luks2.uuid, "75ff93bc-ac7c-4371-8a3b-3bfbc6e61b29");
    assert_int_equal(header.as_luks2.segments[0].offset, 4096 * 512);
    assert_int_equal(header.as_luks2.digests[0].keyslots, 0x81);
    assert_int_equal(header.as_luks2.keyslots[7].area_offset, (8 + 7 * 256) * 512);
    assert_int_equal(header.as_luks2.keyslots[7].area_size, 32 * 4000);
    assert_false(header.as_luks2.keyslots[1].present);
    assert_int_equal(luks2_total_size(&header.as_luks2), (8 + 7 * 256) * 512 + 32 * 4000);
}

/* One number of the header is another, or 32 bytes of it are all 'x'. */
static const struct {
    const char *what;
    size_t at;
    uint32_t value;
    enum rc rc;
} cases[] = {
    {"no magic", 0, 0, RC_NOT_FOUND},
    {"a reencryption in the midst", 4, 0xdead0001, RC_UNSUPPORTED},
    {"version 2", 4, 0xbabe0002, RC_NOT_FOUND},
    {"no key", KEY_BYTES, 0, RC_FORMAT},
    {"a key of 513 bytes", KEY_BYTES, 513, RC_FORMAT},
    {"the largest key", KEY_BYTES, UINT32_MAX, RC_FORMAT},
    {"a key whose areas overlap", KEY_BYTES, 64, RC_FORMAT},
    {"data before the end of the last area", PAYLOAD, 2041, RC_FORMAT},
    {"data right behind it", PAYLOAD, 2050, RC_OK},
    {"data in the header", PAYLOAD, 1, RC_FORMAT},
    {"data elsewhere", PAYLOAD, 0, RC_OK},
    {"data far away", PAYLOAD, UINT32_MAX, RC_OK},
    {"a slot in the header", SLOTS + 2 * SLOT + MATERIAL, 1, RC_FORMAT},
    {"a slot at 0", SLOTS + 2 * SLOT + MATERIAL, 0, RC_FORMAT},
    {"a slot right behind the header", SLOTS + MATERIAL, 2, RC_OK},
    {"a slot in another", SLOTS + 2 * SLOT + MATERIAL, 8 + 249, RC_FORMAT},
    {"a slot on another", SLOTS + 2 * SLOT + MATERIAL, 8, RC_FORMAT},
    {"a slot in the data", SLOTS + 2 * SLOT + MATERIAL, 4000, RC_FORMAT},
    {"a slot at the end of all", SLOTS + 2 * SLOT + MATERIAL, UINT32_MAX, RC_FORMAT},
    {"more stripes", SLOTS + 5 * SLOT + STRIPES, 44944, RC_FORMAT},
    {"fewer stripes", SLOTS + STRIPES, 1, RC_FORMAT},
    {"a slot in no state", SLOTS + 3 * SLOT, 1, RC_FORMAT},
    {"a slot in use, of old", SLOTS + 3 * SLOT, 0xcafe, RC_OK},
    {"a slot not in use, of old", SLOTS + 3 * SLOT, 0, RC_OK},
    {"an unknown hash", HASH, 0x78797a00, RC_UNSUPPORTED},
};

static void every_field_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct luks1_header header;
        struct fault why = {0};

        make_header(image);
        be32_put(image + cases[i].at, cases[i].value);
        check(cases[i].what, luks1_header_parse(&header, image, &why) == cases[i].rc);
        check(cases[i].what, (why.text[0] != '\0') == (cases[i].rc != RC_OK));
    }
}

static void texts_without_an_end(void **state)
{
    static const struct {
        size_t at, size;
    } texts[] = {{CIPHER_NAME, 32}, {CIPHER_MODE, 32}, {HASH, 32}, {UUID, 40}};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct luks1_header header;

        make_header(image);
        memset(image + texts[i].at, 'x', texts[i].size);
        assert_int_equal(luks1_header_parse(&header, image, NULL), RC_FORMAT);
    }
}

static enum rc read_device(size_t size, bool detached)
{
    SCOPED(format_volume) volume = {0};
    SCOPED(secret) phrase = {0};
    struct container *container;
    struct device *device;
    enum rc rc;

    assert_int_equal(secret_copy(&phrase, span_text("wrong"), NULL), RC_OK);
    assert_int_equal(device_open_memory(&device, image, size, NULL), RC_OK);
    if ((rc = format_read(&container, device, NULL)) == RC_OK) {
        assert_string_equal(container->format->name, "LUKS1");
        rc = format_unlock(container, size, detached, &phrase, FORMAT_KEYSLOT_ANY, &volume,
                           NULL);
        format_close(container);
    }
    device_close(device);
    return rc;
}

static void devices_that_end_early(void **state)
{
    (void)state;
    make_header(image);
    assert_int_equal(read_device(DEVICE_SIZE, false), RC_DENIED);
    assert_int_equal(read_device((4096 + 1) * 512, false), RC_DENIED);
    assert_int_equal(read_device(4096 * 512, false), RC_TRUNCATED);
    assert_int_equal(read_device((8 + 7 * 256 + 250) * 512, false), RC_TRUNCATED);
    assert_int_equal(read_device((8 + 7 * 256 + 249) * 512, false), RC_TRUNCATED);
    assert_int_equal(read_device(LUKS1_HEADER_SIZE, false), RC_TRUNCATED);
    assert_int_equal(read_device(LUKS1_HEADER_SIZE - 1, false), RC_NOT_FOUND);
}

/* Data at 0 would be written over the header. */
static void a_header_alone_is_no_volume(void **state)
{
    (void)state;
    make_header(image);
    be32_put(image + PAYLOAD, 0);
    assert_int_equal(read_device(DEVICE_SIZE, false), RC_USAGE);
    assert_int_equal(read_device(DEVICE_SIZE, true), RC_DENIED);
}

static void costs_are_bounded(void **state)
{
    (void)state;
    make_header(image);
    be32_put(image + SLOTS + ITERATIONS, UINT32_MAX);
    be32_put(image + SLOTS + 7 * SLOT + ITERATIONS, UINT32_MAX);
    assert_int_equal(read_device(DEVICE_SIZE, false), RC_LIMIT);
    make_header(image);
    be32_put(image + DIGEST_ITERATIONS, UINT32_MAX);
    assert_int_equal(read_device(DEVICE_SIZE, false), RC_LIMIT);
}

static void an_unknown_cipher(void **state)
{
    (void)state;
    make_header(image);
    memcpy(image + CIPHER_NAME, "rot13", 5);
    assert_int_equal(read_device(DEVICE_SIZE, false), RC_UNSUPPORTED);
    make_header(image);
    memcpy(image + CIPHER_NAME, "cipher_null", 11);
    memcpy(image + CIPHER_MODE, "ecb\0", 4);
    assert_int_equal(read_device(DEVICE_SIZE, false), RC_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_sound_header),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(texts_without_an_end),
        cmocka_unit_test(devices_that_end_early),
        cmocka_unit_test(a_header_alone_is_no_volume),
        cmocka_unit_test(costs_are_bounded),
        cmocka_unit_test(an_unknown_cipher),
    };

    return cmocka_run_group_tests(all, NULL, NULL);
}
