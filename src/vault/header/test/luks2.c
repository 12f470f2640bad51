#include "vault/header/luks2.h"

#include <stdlib.h>

#include "base/test/check.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "vault/header/luks2_format.h"

enum { SIZE = 64 << 10, COPY = 16 << 10, CUT = 512 };

static uint8_t image[SIZE];

static struct luks2 *make(const struct luks2_format *format)
{
    SCOPED(secret) key = {0};
    struct luks2_format small = *format;
    struct fault why = {0};
    struct luks2 *header;

    if (small.header_size == 0)
        small.header_size = 48 << 10;
    assert_int_equal(random_key(&key, 64, NULL), RC_OK);
    check(why.text, luks2_format(&header, &small, &key, &why) == RC_OK);
    return header;
}

static struct device *over(void *bytes, size_t size)
{
    struct device *device;

    assert_int_equal(device_open_memory(&device, bytes, size, NULL), RC_OK);
    return device;
}

static void what_is_written_is_read(void **state)
{
    struct luks2 *written = make(&(struct luks2_format){
                     .label = "plums", .subsystem = "icebox", .sector_size = 4096}),
                 *header;
    struct device *device = over(image, SIZE);

    (void)state;
    memset(image, 0, SIZE);
    assert_int_equal(luks2_write(written, device, NULL), RC_OK);
    assert_int_equal(luks2_read(&header, device, NULL), RC_OK);
    assert_string_equal(header->label, "plums");
    assert_string_equal(header->subsystem, "icebox");
    assert_string_equal(header->uuid, written->uuid);
    assert_int_equal(header->sequence, 1);
    assert_false(header->repair_due);
    assert_string_equal(header->segments[0].encryption, "aes-xts-plain64");
    assert_int_equal(header->segments[0].sector_size, 4096);
    assert_int_equal(header->segments[0].offset, 48 << 10);
    assert_memory_equal(header->digests[0].digest, written->digests[0].digest, 32);
    assert_true(memcmp(image + 104, image + COPY + 104, 64) != 0); /* salts differ */
    luks2_close(header);
    luks2_close(written);
    device_close(device);
}

/* A device that loses power: only the first `left` writes of CUT bytes arrive. */
struct dying {
    struct device device;
    uint8_t *bytes;
    size_t left;
    bool torn; /* the one that is cut leaves rubbish */
};

static enum rc dying_read(struct device *d, uint64_t offset, void *at, size_t len,
                          struct fault *why)
{
    (void)why;
    memcpy(at, ((struct dying *)(void *)d)->bytes + offset, len);
    return RC_OK;
}

static enum rc dying_write(struct device *d, uint64_t offset, const void *at, size_t len,
                           struct fault *why)
{
    struct dying *dying = (struct dying *)(void *)d;
    const uint8_t *from = at;

    for (size_t done = 0; done < len; done += CUT) {
        size_t part = len - done < CUT ? len - done : CUT;

        if (dying->left == 0) {
            if (dying->torn)
                memset(dying->bytes + offset + done, 0xa5, part);
            return fail(why, RC_IO, "power is gone");
        }
        dying->left--;
        memcpy(dying->bytes + offset + done, from + done, part);
    }
    return RC_OK;
}

static enum rc dying_flush(struct device *d, struct fault *why)
{
    return ((struct dying *)(void *)d)->left > 0 ? RC_OK : fail(why, RC_IO, "power is gone");
}

static void dying_close(struct device *d)
{
    (void)d;
}

static const struct device_kind dying_kind = {.name = "dying",
                                              .read_at = dying_read,
                                              .write_at = dying_write,
                                              .flush = dying_flush,
                                              .close = dying_close};

/* Which of the two states stands on the device; the update put a token into the header. */
static bool is_after(struct luks2 *header)
{
    return header->tokens[3].present;
}

static void put_token(struct luks2 *header)
{
    struct json *token = json_new_object();

    assert_true(json_put(json_get(header->metadata, "tokens"), "3", token) &&
                json_put_string(token, "type", "test") &&
                json_put(token, "keyslots", json_new_array()));
}

/* The state of before, as an image, with one of its copies damaged or none. */
static void prepare(int damaged)
{
    struct luks2 *header = make(&(struct luks2_format){0});
    struct device *device = over(image, SIZE);

    memset(image, 0, SIZE);
    assert_int_equal(luks2_write(header, device, NULL), RC_OK);
    if (damaged >= 0)
        image[damaged * COPY + 5000] ^= 0xff;
    luks2_close(header);
    device_close(device);
}

static void update_cut_at(const uint8_t *before, size_t cut, bool torn)
{
    struct dying dying = {.device = {.kind = &dying_kind, .size = SIZE},
                          .bytes = image,
                          .left = cut,
                          .torn = torn};
    struct luks2 *header;
    struct fault why = {0};
    enum rc rc;

    memcpy(image, before, SIZE);
    assert_int_equal(luks2_read(&header, &dying.device, NULL), RC_OK);
    put_token(header);
    rc = luks2_write(header, &dying.device, NULL);
    assert_true((rc == RC_OK) == (dying.left > 0));
    luks2_close(header);

    check(why.text, luks2_read(&header, &dying.device, &why) == RC_OK);
    if (rc == RC_OK)
        assert_true(is_after(header));
    dying.left = SIZE_MAX;
    assert_int_equal(luks2_repair(header, &dying.device, NULL), RC_OK);
    assert_int_equal(memcmp(image + 4096, image + COPY + 4096, COPY - 4096), 0);
    luks2_close(header);
}

/* Wherever an update is cut off, the header of before or the header of after is read. */
static void every_cut_leaves_a_header(void **state)
{
    static uint8_t before[SIZE];

    (void)state;
    for (int damaged = -1; damaged < 2; damaged++) {
        prepare(damaged);
        memcpy(before, image, SIZE);
        for (size_t cut = 0; cut <= 2 * COPY / CUT + 1; cut++) {
            update_cut_at(before, cut, false);
            update_cut_at(before, cut, true);
        }
    }
}

/* After a write that failed half-way, the same header in memory may be written again, and be cut again. */
static void a_second_try_is_as_safe(void **state)
{
    static uint8_t before[SIZE];

    (void)state;
    prepare(-1);
    memcpy(before, image, SIZE);
    for (size_t cut = 0; cut <= 2 * COPY / CUT; cut += 3) {
        for (size_t second = 0; second <= 2 * COPY / CUT; second += 5) {
            struct dying dying = {.device = {.kind = &dying_kind, .size = SIZE},
                                  .bytes = image,
                                  .left = cut,
                                  .torn = true};
            struct luks2 *header, *again;
            enum rc rc;

            memcpy(image, before, SIZE);
            assert_int_equal(luks2_read(&header, &dying.device, NULL), RC_OK);
            put_token(header);
            rc = luks2_write(header, &dying.device, NULL);
            assert_int_equal(rc, RC_IO);
            dying.left = second;
            rc = luks2_write(header, &dying.device, NULL);
            assert_true((rc == RC_OK) == (dying.left > 0));
            assert_int_equal(luks2_read(&again, &dying.device, NULL), RC_OK);
            luks2_close(again);
            luks2_close(header);
        }
    }
}

/* Every byte of a copy counts: one that is changed is found out, and the other copy stands in. */
static void every_byte_is_checked(void **state)
{
    (void)state;
    prepare(-1);
    for (size_t at = 0; at < 2 * COPY; at += 97) {
        struct luks2 *header;
        struct device *device;

        if (at % COPY >= 480 && at % COPY < 512)
            continue; /* behind the 32 bytes of a SHA-256, where nothing is */
        device = over(image, SIZE);
        image[at] ^= 0x10;
        assert_int_equal(luks2_read(&header, device, NULL), RC_OK);
        assert_true(header->repair_due);
        assert_int_equal(header->second_is_good, at < COPY);
        image[at] ^= 0x10;
        luks2_close(header);
        device_close(device);
    }
}

static void what_is_no_header(void **state)
{
    struct luks2 *header;
    struct device *device;
    size_t cut;

    (void)state;
    memset(image, 0, SIZE);
    device = over(image, SIZE);
    assert_int_equal(luks2_read(&header, device, NULL), RC_NOT_FOUND);
    memcpy(image, "LUKS\xba\xbe\0\1", 8);
    assert_int_equal(luks2_read(&header, device, NULL), RC_UNSUPPORTED);
    memcpy(image, "LUKS\xba\xbe\0\3", 8);
    assert_int_equal(luks2_read(&header, device, NULL), RC_UNSUPPORTED);
    device_close(device);

    prepare(-1);
    for (cut = 0; cut < 2 * COPY; cut += 1024) {
        enum rc rc;

        device = over(image, cut);
        rc = luks2_read(&header, device, NULL);
        check("cut short", cut < 4096   ? rc == RC_NOT_FOUND
                           : cut < COPY ? rc == RC_TRUNCATED
                                        : rc == RC_OK && header->repair_due);
        if (rc == RC_OK)
            luks2_close(header);
        device_close(device);
    }
}

/* What a segment says, and what the device has. */
static const struct {
    const char *what;
    const char *name, *string; /* a member of the segment and its new value */
    uint64_t device_size;
    enum rc rc;
    uint64_t len;
} extents[] = {
    {"dynamic", "size", "dynamic", 1 << 20, RC_OK, (1 << 20) - (48 << 10)},
    {"dynamic, with half a sector", "size", "dynamic", (1 << 20) + 511, RC_OK,
     (1 << 20) - (48 << 10)},
    {"dynamic, one sector", "size", "dynamic", (48 << 10) + 512, RC_OK, 512},
    {"dynamic, nothing left", "size", "dynamic", 48 << 10, RC_TRUNCATED, 0},
    {"dynamic, cut in the header", "size", "dynamic", 20000, RC_TRUNCATED, 0},
    {"fixed", "size", "4096", 1 << 20, RC_OK, 4096},
    {"fixed, just fits", "size", "4096", (48 << 10) + 4096, RC_OK, 4096},
    {"fixed, cut off", "size", "4096", (48 << 10) + 4095, RC_TRUNCATED, 0},
    {"fixed, would wrap", "size", "18446744073709551104", 1 << 20, RC_TRUNCATED, 0},
    {"offset would wrap", "offset", "18446744073709551104", 1 << 20, RC_TRUNCATED, 0},
    {"null cipher", "encryption", "cipher_null-ecb", 1 << 20, RC_UNSUPPORTED, 0},
    {"null cipher in clothes", "encryption", "capi:ecb(cipher_null)-plain", 1 << 20,
     RC_UNSUPPORTED, 0},
    {"another type", "type", "hw-opal", 1 << 20, RC_UNSUPPORTED, 0},
    {"tweaked", "iv_tweak", "8", 1 << 20, RC_OK, (1 << 20) - (48 << 10)},
};

/* Reads the header anew after its JSON was changed. */
static struct luks2 *change_segment(struct luks2 *header, const char *name, const char *string)
{
    struct device *device = over(image, SIZE);
    struct json *segment = json_get(json_get(header->metadata, "segments"), "0");
    struct luks2 *changed;

    assert_true(json_put_string(segment, name, string));
    assert_int_equal(luks2_write(header, device, NULL), RC_OK);
    assert_int_equal(luks2_read(&changed, device, NULL), RC_OK);
    luks2_close(header);
    device_close(device);
    return changed;
}

static void extents_are_bounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        struct luks2 *header = change_segment(make(&(struct luks2_format){0}), extents[i].name,
                                              extents[i].string);
        struct luks2_extent extent = {0};

        check(extents[i].what, luks2_extent_find(header, extents[i].device_size, &extent,
                                                 NULL) == extents[i].rc);
        check(extents[i].what, extent.len == extents[i].len);
        luks2_close(header);
    }
}

/* A requirement that we do not know, and a reencryption that was left. */
static void requirements(void **state)
{
    static const char *const words[] = {"quantum", "online-reencrypt", "offline-reencrypt-v2"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct luks2 *header = make(&(struct luks2_format){0}), *changed;
        struct json *object = json_new_object(), *list = json_new_array();
        struct device *device = over(image, SIZE);
        struct luks2_extent extent;
        struct fault why;

        assert_true(json_put(json_get(header->metadata, "config"), "requirements", object) &&
                    json_put(object, "mandatory", list) &&
                    json_put_string(list, NULL, words[i]));
        assert_int_equal(luks2_write(header, device, NULL), RC_OK);
        assert_int_equal(luks2_read(&changed, device, NULL), RC_OK);
        assert_int_equal(luks2_extent_find(changed, SIZE, &extent, &why), RC_UNSUPPORTED);
        assert_int_equal(changed->reencrypting != 0, i > 0);
        luks2_close(header);
        luks2_close(changed);
        device_close(device);
    }
}

static void bad_formats(void **state)
{
    static const struct luks2_format formats[] = {
        {.copy_size = 20000},
        {.copy_size = 8 << 20},
        {.header_size = 32 << 10},
        {.header_size = (1 << 20) + 1},
        {.header_size = 256 << 20},
        {.uuid = "not-a-uuid"},
        {.label = "a label that is far too long to be kept in a header of LUKS2"},
    };
    SCOPED(secret) key = {0};
    struct luks2 *header;

    (void)state;
    assert_int_equal(random_key(&key, 64, NULL), RC_OK);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        assert_int_equal(luks2_format(&header, &formats[i], &key, NULL), RC_USAGE);
    secret_cut(&key, 63);
    assert_int_equal(luks2_format(&header, &(struct luks2_format){0}, &key, NULL),
                     RC_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(what_is_written_is_read),
                                     cmocka_unit_test(every_cut_leaves_a_header),
                                     cmocka_unit_test(a_second_try_is_as_safe),
                                     cmocka_unit_test(every_byte_is_checked),
                                     cmocka_unit_test(what_is_no_header),
                                     cmocka_unit_test(extents_are_bounded),
                                     cmocka_unit_test(requirements),
                                     cmocka_unit_test(bad_formats)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
