#include "vault/unlock.h"

#include <stdlib.h>

#include "base/test/check.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot.h"
#include "vault/header/luks2_format.h"

enum { SIZE = 4 << 20, HEADER = 2 << 20 };

static uint8_t image[SIZE];

/* A header with a slot for each phrase, in memory and on a device in memory. */
struct vault {
    struct device *device;
    struct luks2 *header;
    struct secret key;
};

static const struct kdf_params cheap = {
    .kdf = &kdf_argon2id, .passes = 1, .memory_kib = 32, .lanes = 1};

static void phrase_of(struct secret *secret, const char *text)
{
    assert_int_equal(secret_copy(secret, span_text(text), NULL), RC_OK);
}

static void add(struct vault *v, int number, const char *text)
{
    SCOPED(secret) phrase = {0};
    struct fault why = {0};
    unsigned used;

    phrase_of(&phrase, text);
    check(why.text, keyslot_add(v->header, v->device, number, &v->key, &phrase, &cheap, &used,
                                &why) == RC_OK);
    if (number >= 0)
        assert_int_equal(used, number);
}

static void set_up(struct vault *v)
{
    static const struct luks2_format format = {.header_size = HEADER};

    *v = (struct vault){0};
    memset(image, 0, SIZE);
    assert_int_equal(device_open_memory(&v->device, image, SIZE, NULL), RC_OK);
    assert_int_equal(random_key(&v->key, LUKS2_FORMAT_KEY_SIZE, NULL), RC_OK);
    assert_int_equal(luks2_format(&v->header, &format, &v->key, NULL), RC_OK);
    assert_int_equal(luks2_format_wipe(v->header, v->device, NULL), RC_OK);
    add(v, KEYSLOT_ANY, "zero");
    add(v, 7, "seven");
}

static void tear_down(struct vault *v)
{
    luks2_close(v->header);
    device_close(v->device);
    secret_clear(&v->key);
}

/* Through the device, as the next program sees it. */
static void write_and_read(struct vault *v)
{
    assert_int_equal(luks2_write(v->header, v->device, NULL), RC_OK);
    luks2_close(v->header);
    v->header = NULL;
    assert_int_equal(luks2_read(&v->header, v->device, NULL), RC_OK);
}

static struct json *slot_json(struct vault *v, const char *number)
{
    return json_get(json_get(v->header->metadata, "keyslots"), number);
}

static enum rc open_with(struct vault *v, const char *text, int slot, struct unlock *opened)
{
    SCOPED(secret) phrase = {0};
    struct fault why;

    phrase_of(&phrase, text);
    return unlock(v->header, v->device, SIZE, &phrase, slot, opened, &why);
}

static const struct {
    const char *phrase;
    int slot;
    enum rc rc;
    unsigned opened;
} tries[] = {
    {"zero", UNLOCK_ANY, RC_OK, 0}, {"seven", UNLOCK_ANY, RC_OK, 7},
    {"seven", 7, RC_OK, 7},         {"seven", 0, RC_DENIED, 0},
    {"", UNLOCK_ANY, RC_DENIED, 0}, {"zero\n", UNLOCK_ANY, RC_DENIED, 0},
    {"zero", 1, RC_NOT_FOUND, 0},   {"zero", 32, RC_NOT_FOUND, 0},
};

static void phrases_open_their_slots(void **state)
{
    struct vault v;

    (void)state;
    set_up(&v);
    write_and_read(&v);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        SCOPED(unlock) opened = {0};

        check(tries[i].phrase,
              open_with(&v, tries[i].phrase, tries[i].slot, &opened) == tries[i].rc);
        if (tries[i].rc == RC_OK) {
            check(tries[i].phrase, opened.keyslot == tries[i].opened);
            check(tries[i].phrase, secret_equal(&opened.volume_key, &v.key));
            check(tries[i].phrase, opened.extent.offset == HEADER);
            check(tries[i].phrase, opened.extent.key_size == 64);
        } else {
            check(tries[i].phrase, !opened.volume_key.at);
        }
    }
    tear_down(&v);
}

static void priorities(void **state)
{
    struct vault v;

    (void)state;
    set_up(&v);
    add(&v, 3, "zero"); /* two slots for one phrase */
    assert_true(json_put_number(slot_json(&v, "3"), "priority", LUKS2_PREFER));
    assert_true(json_put_number(slot_json(&v, "7"), "priority", LUKS2_IGNORE));
    write_and_read(&v);
    {
        SCOPED(unlock) opened = {0};

        assert_int_equal(open_with(&v, "zero", UNLOCK_ANY, &opened), RC_OK);
        assert_int_equal(opened.keyslot, 3);
    }
    {
        SCOPED(unlock) opened = {0};

        assert_int_equal(open_with(&v, "seven", UNLOCK_ANY, &opened), RC_DENIED);
        assert_int_equal(open_with(&v, "seven", 7, &opened), RC_OK);
    }
    tear_down(&v);
}

/* A slot of another digest holds some other key: its phrase is right, and opens nothing. */
static void unbound_slots_open_nothing(void **state)
{
    SCOPED(unlock) opened = {0};
    struct json *digests, *other = json_new_object(), *list = json_new_array(),
                          *data = json_new_array();
    struct vault v;

    (void)state;
    set_up(&v);
    digests = json_get(v.header->metadata, "digests");
    assert_true(json_put_string(data, NULL, "0") && json_put_string(list, NULL, "7"));
    assert_true(json_put(json_get(digests, "0"), "keyslots", data));
    assert_true(
        json_put(digests, "1", other) && json_put_string(other, "type", "pbkdf2") &&
        json_put_string(other, "hash", "sha256") &&
        json_put_number(other, "iterations", 1000) &&
        json_put_string(other, "salt", "AAAAAAAAAAAAAAAA") &&
        json_put_string(other, "digest", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") &&
        json_put(other, "keyslots", list) && json_put(other, "segments", json_new_array()));
    write_and_read(&v);
    assert_int_equal(digest_of_keyslot(v.header, 7), 1);
    assert_int_equal(open_with(&v, "seven", UNLOCK_ANY, &opened), RC_DENIED);
    assert_int_equal(open_with(&v, "seven", 7, &opened), RC_NOT_FOUND);
    assert_int_equal(open_with(&v, "zero", UNLOCK_ANY, &opened), RC_OK);
    tear_down(&v);
}

/* A member of keyslot 0 that cannot be served, and what the user is told. */
static const struct {
    const char *what, *part, *name, *string;
    uint64_t number; /* where string is NULL */
    enum rc rc;
} hostile[] = {
    {"memory of a terabyte", "kdf", "memory", NULL, UINT64_C(1) << 30, RC_LIMIT},
    {"passes for a year", "kdf", "time", NULL, UINT32_MAX, RC_LIMIT},
    {"no passes", "kdf", "time", NULL, 0, RC_FORMAT},
    {"a thousand lanes", "kdf", "cpus", NULL, 1000, RC_FORMAT},
    {"unknown KDF", "kdf", "type", "bcrypt", 0, RC_UNSUPPORTED},
    {"unknown splitter hash", "af", "hash", "md4711", 0, RC_UNSUPPORTED},
    {"null cipher", "area", "encryption", "cipher_null-ecb", 0, RC_UNSUPPORTED},
    {"key of a wrong size for its cipher", "area", "key_size", NULL, 17, RC_UNSUPPORTED},
};

static void hostile_slots(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        SCOPED(unlock) opened = {0};
        struct json *part;
        struct vault v;

        set_up(&v);
        part = json_get(slot_json(&v, "0"), hostile[i].part);
        assert_true(hostile[i].string
                        ? json_put_string(part, hostile[i].name, hostile[i].string)
                        : json_put_number(part, hostile[i].name, hostile[i].number));
        write_and_read(&v);
        check(hostile[i].what, open_with(&v, "zero", UNLOCK_ANY, &opened) == hostile[i].rc);
        /* and the slot beside it still opens */
        check(hostile[i].what, open_with(&v, "seven", UNLOCK_ANY, &opened) == RC_OK);
        tear_down(&v);
    }
}

static void keys_of_others(void **state)
{
    SCOPED(secret) wrong = {0};
    SCOPED(secret) phrase = {0};
    struct vault v;

    (void)state;
    set_up(&v);
    phrase_of(&phrase, "x");
    assert_int_equal(random_key(&wrong, 64, NULL), RC_OK);
    assert_int_equal(
        keyslot_add(v.header, v.device, KEYSLOT_ANY, &wrong, &phrase, &cheap, NULL, NULL),
        RC_DENIED);
    assert_int_equal(keyslot_add(v.header, v.device, 7, &v.key, &phrase, &cheap, NULL, NULL),
                     RC_BUSY);
    assert_int_equal(keyslot_add(v.header, v.device, 32, &v.key, &phrase, &cheap, NULL, NULL),
                     RC_LIMIT);
    tear_down(&v);
}

/* 2 MiB less the copies take seven areas of 252 KiB; the eighth must not grow into the data. */
static void the_area_fills_up(void **state)
{
    SCOPED(secret) phrase = {0};
    struct vault v;

    (void)state;
    set_up(&v);
    phrase_of(&phrase, "x");
    for (int i = 0; i < 6; i++)
        add(&v, KEYSLOT_ANY, "more");
    assert_int_equal(
        keyslot_add(v.header, v.device, KEYSLOT_ANY, &v.key, &phrase, &cheap, NULL, NULL),
        RC_LIMIT);
    write_and_read(&v);
    for (size_t i = HEADER; i < SIZE; i++)
        assert_int_equal(image[i], 0);
    tear_down(&v);
}

/* The header in one file, the data in another that begins at 0. */
static void detached_headers(void **state)
{
    static const struct luks2_format format = {.header_size = HEADER, .detached = true};
    SCOPED(unlock) opened = {0};
    struct vault v;

    (void)state;
    set_up(&v);
    luks2_close(v.header);
    assert_int_equal(luks2_format(&v.header, &format, &v.key, NULL), RC_OK);
    add(&v, KEYSLOT_ANY, "apart");
    write_and_read(&v);
    {
        SCOPED(secret) phrase = {0};

        phrase_of(&phrase, "apart");
        assert_int_equal(unlock(v.header, v.device, 8192, &phrase, UNLOCK_ANY, &opened, NULL),
                         RC_OK);
    }
    assert_int_equal(opened.extent.offset, 0);
    assert_int_equal(opened.extent.len, 8192);
    tear_down(&v);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(phrases_open_their_slots),
                                     cmocka_unit_test(priorities),
                                     cmocka_unit_test(unbound_slots_open_nothing),
                                     cmocka_unit_test(hostile_slots),
                                     cmocka_unit_test(keys_of_others),
                                     cmocka_unit_test(the_area_fills_up),
                                     cmocka_unit_test(detached_headers)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
