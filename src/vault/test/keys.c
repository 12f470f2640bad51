/* Slots that are changed, removed, wiped and named, and what a cut in between leaves. */
#include <stdio.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"
#include "vault/header/luks2_format.h"
#include "vault/unlock.h"

enum { SIZE = 2 << 20, HEADER = 1 << 20 };

static uint8_t image[SIZE], before[SIZE];

/* Bytes in memory; the write that comes when none is left is torn, and none follows. */
struct medium {
    struct device device;
    size_t left;
    bool lies; /* and gives back other bytes than were written */
};

static enum rc medium_read(struct device *d, uint64_t offset, void *at, size_t len,
                           struct fault *why)
{
    (void)why;
    memcpy(at, image + offset, len);
    if (((struct medium *)(void *)d)->lies)
        ((uint8_t *)at)[0] ^= 1;
    return RC_OK;
}

static enum rc medium_write(struct device *d, uint64_t offset, const void *at, size_t len,
                            struct fault *why)
{
    struct medium *m = (struct medium *)(void *)d;

    if (m->left == 0)
        return fail(why, RC_IO, "power is gone");
    memcpy(image + offset, at, --m->left == 0 ? len / 2 : len);
    return m->left == 0 ? fail(why, RC_IO, "power is gone") : RC_OK;
}

static enum rc medium_flush(struct device *d, struct fault *why)
{
    (void)d;
    (void)why;
    return RC_OK;
}

static const struct device_kind medium_kind = {
    .name = "medium", .read_at = medium_read, .write_at = medium_write, .flush = medium_flush};

static struct medium medium;

static const struct kdf_params cheap = {
    .kdf = &kdf_argon2id, .passes = 1, .memory_kib = 32, .lanes = 1};

static struct device *whole(void)
{
    medium = (struct medium){.device = {.kind = &medium_kind, .size = SIZE}, .left = SIZE_MAX};
    return &medium.device;
}

/* A slot 0 for "zero" and a slot 5 for "five", written. */
static struct luks2 *make(struct secret *key)
{
    static const struct luks2_format format = {.header_size = HEADER};
    SCOPED(secret) zero = {0};
    SCOPED(secret) five = {0};
    struct device *device = whole();
    struct luks2 *header;

    memset(image, 0, SIZE);
    assert_int_equal(secret_copy(&zero, SPAN("zero"), NULL), RC_OK);
    assert_int_equal(secret_copy(&five, SPAN("five"), NULL), RC_OK);
    assert_int_equal(random_key(key, LUKS2_FORMAT_KEY_SIZE, NULL), RC_OK);
    assert_int_equal(luks2_format(&header, &format, key, NULL), RC_OK);
    assert_int_equal(keyslot_add(header, device, 0, key, &zero, &cheap, NULL, NULL), RC_OK);
    assert_int_equal(keyslot_add(header, device, 5, key, &five, &cheap, NULL, NULL), RC_OK);
    assert_int_equal(luks2_write(header, device, NULL), RC_OK);
    return header;
}

/* What the next program sees. */
static struct luks2 *reread(struct luks2 *old)
{
    struct luks2 *header;

    luks2_close(old);
    assert_int_equal(luks2_read(&header, whole(), NULL), RC_OK);
    return header;
}

static enum rc open_with(const struct luks2 *header, const char *text, int slot)
{
    SCOPED(secret) phrase = {0};
    SCOPED(unlock) opened = {0};

    assert_int_equal(secret_copy(&phrase, span_text(text), NULL), RC_OK);
    return unlock(header, whole(), UINT64_MAX, &phrase, slot, &opened, NULL);
}

static enum rc change(struct luks2 *header, const struct secret *key, const char *text,
                      unsigned slot, struct device *device)
{
    SCOPED(secret) phrase = {0};
    struct luks2_keyslot old = header->keyslots[slot % LUKS2_KEYSLOTS_MAX]; /* also for 32 */
    enum rc rc;

    assert_int_equal(secret_copy(&phrase, span_text(text), NULL), RC_OK);
    if ((rc = keyslot_replace(header, device, slot, key, &phrase, &cheap, NULL)) ||
        (rc = luks2_write(header, device, NULL)))
        return rc;
    return keyslot_wipe(device, old.area_offset, old.area_size, NULL);
}

static void a_slot_is_changed(void **state)
{
    SCOPED(secret) key = {0};
    struct luks2 *header = make(&key);
    struct json *slot = json_get(json_get(header->metadata, "keyslots"), "5");

    (void)state;
    assert_true(json_put_number(slot, "priority", LUKS2_PREFER));
    assert_int_equal(keyslot_name_set(header, 5, "bob", NULL), RC_OK);
    memcpy(before, image, SIZE);
    assert_int_equal(change(header, &key, "six", 5, whole()), RC_OK);
    header = reread(header);
    assert_int_equal(open_with(header, "six", 5), RC_OK);
    assert_int_equal(open_with(header, "zero", 0), RC_OK);
    assert_int_equal(open_with(header, "five", UNLOCK_ANY), RC_DENIED);
    assert_int_equal(header->keyslots[5].priority, LUKS2_PREFER);
    assert_string_equal(keyslot_name_get(header, 5), "bob");
    assert_memory_equal(image + HEADER, before + HEADER, SIZE - HEADER);
    assert_int_equal(change(header, &key, "x", 6, whole()), RC_NOT_FOUND);
    assert_int_equal(change(header, &key, "x", 32, whole()), RC_NOT_FOUND);
    luks2_close(header);
}

/* The old area is not used again before the header says so: without room nothing is done. */
static void a_change_needs_room(void **state)
{
    SCOPED(secret) key = {0};
    SCOPED(secret) phrase = {0};
    struct luks2 *header = make(&key);

    (void)state;
    assert_int_equal(secret_copy(&phrase, SPAN("more"), NULL), RC_OK);
    assert_int_equal(keyslot_add(header, whole(), 7, &key, &phrase, &cheap, NULL, NULL),
                     RC_OK);
    assert_int_equal(luks2_write(header, whole(), NULL), RC_OK);
    memcpy(before, image, SIZE);
    assert_int_equal(change(header, &key, "x", 5, whole()), RC_LIMIT);
    assert_memory_equal(image, before, SIZE);
    luks2_close(header);
}

/* The old phrase or the new one, and always that of the other slot. */
static void check_after_cut(size_t cut, bool *is_new)
{
    struct luks2 *header = reread(NULL);
    char what[32];

    snprintf(what, sizeof what, "cut at write %zu", cut);
    *is_new = open_with(header, "six", 5) == RC_OK;
    check(what, *is_new || open_with(header, "five", 5) == RC_OK);
    check(what, cut % 8 != 0 || open_with(header, "zero", 0) == RC_OK);
    luks2_close(header);
}

/* Some cuts within the new key area, which nobody names yet, and every one behind it. */
static void a_change_is_cut_off(void **state)
{
    SCOPED(secret) key = {0};
    struct luks2 *header = make(&key);
    bool is_new = false;
    enum rc rc = RC_IO;

    (void)state;
    memcpy(before, image, SIZE);
    for (size_t cut = 1; rc != RC_OK; cut += cut < 56 ? 11 : 1) {
        bool was_new = is_new;

        memcpy(image, before, SIZE);
        header = reread(header);
        whole();
        medium.left = cut;
        rc = change(header, &key, "six", 5, &medium.device);
        check_after_cut(cut, &is_new);
        assert_true(is_new || !was_new);
        assert_true(cut < 100);
    }
    assert_true(is_new);
    luks2_close(header);
}

static void a_slot_is_removed(void **state)
{
    SCOPED(secret) key = {0};
    struct luks2 *header = make(&key);

    (void)state;
    assert_int_equal(keyslot_name_set(header, 0, "alice", NULL), RC_OK);
    assert_int_equal(keyslot_name_set(header, 5, "bob", NULL), RC_OK);
    assert_int_equal(keyslot_remove(header, 5, NULL), RC_OK);
    assert_int_equal(keyslot_remove(header, 5, NULL), RC_NOT_FOUND);
    assert_int_equal(keyslot_remove(header, 32, NULL), RC_NOT_FOUND);
    assert_int_equal(luks2_write(header, whole(), NULL), RC_OK);
    header = reread(header);
    assert_false(header->keyslots[5].present);
    assert_int_equal(header->digests[0].keyslots, 1);
    assert_null(keyslot_name_get(header, 5));
    assert_string_equal(keyslot_name_get(header, 0), "alice");
    assert_int_equal(open_with(header, "zero", UNLOCK_ANY), RC_OK);
    assert_int_equal(open_with(header, "five", UNLOCK_ANY), RC_DENIED);
    /* A name that was left behind is not that of the next one. */
    {
        SCOPED(secret) phrase = {0};

        assert_int_equal(secret_copy(&phrase, SPAN("new"), NULL), RC_OK);
        assert_int_equal(keyslot_add(header, whole(), 5, &key, &phrase, &cheap, NULL, NULL),
                         RC_OK);
    }
    assert_null(keyslot_name_get(header, 5));
    luks2_close(header);
}

static void wiped_bytes_are_others(void **state)
{
    enum { AT = 4096, LEN = (1 << 20) + 777 };

    (void)state;
    memset(image, 0xaa, SIZE);
    assert_int_equal(keyslot_wipe(whole(), AT, LEN, NULL), RC_OK);
    for (size_t i = 0; i < SIZE; i++)
        if (i < AT || i >= AT + LEN)
            assert_int_equal(image[i], 0xaa);
    for (size_t i = AT; i + 16 <= AT + LEN; i += 16)
        assert_true(memcmp(image + i, image + AT + LEN, 16) != 0);
    assert_int_equal(keyslot_wipe(whole(), AT, 0, NULL), RC_OK);
    whole();
    medium.lies = true;
    assert_int_equal(keyslot_wipe(&medium.device, AT, 4096, NULL), RC_IO);
}

/* Any sector of the area that is not noise; the bytes behind the split key do not count. */
static void overwritten_areas_are_found(void **state)
{
    SCOPED(secret) key = {0};
    struct luks2 *header = make(&key);
    uint64_t at = header->keyslots[5].area_offset, end = at + 64 * LUKS2_STRIPES;
    static const uint64_t sectors[] = {0, 1, 250, 499};

    (void)state;
    assert_int_equal(keyslot_check(header, whole(), 1, NULL), RC_NOT_FOUND);
    assert_int_equal(keyslot_check(header, whole(), 32, NULL), RC_NOT_FOUND);
    memcpy(before, image, SIZE);
    for (size_t i = 0; i < sizeof sectors / sizeof *sectors; i++) {
        memcpy(image, before, SIZE);
        assert_int_equal(keyslot_check(header, whole(), 5, NULL), RC_OK);
        for (size_t b = 0; b < 512; b++)
            image[at + sectors[i] * 512 + b] = (uint8_t)("some text, and more "[b % 20]);
        assert_int_equal(keyslot_check(header, whole(), 5, NULL), RC_FORMAT);
        assert_int_equal(keyslot_check(header, whole(), 0, NULL), RC_OK);
    }
    memcpy(image, before, SIZE);
    memset(image + end, 0, at + header->keyslots[5].area_size - end);
    assert_int_equal(keyslot_check(header, whole(), 5, NULL), RC_OK);
    luks2_close(header);
}

static const struct {
    const char *name;
    enum rc rc;
} names[] = {
    {"a", RC_OK},
    {"J\xc3\xbcrgen \"J\" / laptop", RC_OK},
    {"0123456789012345678901234567890123456789012345678901234567890123", RC_OK},
    {"01234567890123456789012345678901234567890123456789012345678901234", RC_USAGE},
    {"", RC_USAGE},
    {"a\nb", RC_USAGE},
    {"\x1b[31m", RC_USAGE},
    {"\xff", RC_USAGE},
};

static void slots_have_names(void **state)
{
    SCOPED(secret) key = {0};
    struct luks2 *header = make(&key);

    (void)state;
    assert_null(keyslot_name_get(header, 0));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check(names[i].name, keyslot_name_set(header, 5, names[i].name, NULL) == names[i].rc);
        if (names[i].rc != RC_OK)
            continue;
        assert_int_equal(luks2_write(header, whole(), NULL), RC_OK);
        header = reread(header);
        check(names[i].name, strcmp(keyslot_name_get(header, 5), names[i].name) == 0);
        check(names[i].name, header->tokens[0].keyslots == 1 << 5);
    }
    assert_int_equal(keyslot_name_set(header, 1, "nobody", NULL), RC_NOT_FOUND);
    assert_int_equal(keyslot_name_set(header, 32, "nobody", NULL), RC_NOT_FOUND);
    luks2_close(header);
}

/* What anybody may have written into the token. */
static void strange_names_are_none(void **state)
{
    SCOPED(secret) key = {0};
    struct luks2 *header = make(&key);
    struct json *token;

    (void)state;
    assert_int_equal(keyslot_name_set(header, 5, "bob", NULL), RC_OK);
    token = json_get(json_get(header->metadata, "tokens"), "0");
    assert_true(json_put_string(json_get(token, "names"), "0", "not listed"));
    assert_null(keyslot_name_get(header, 0));
    assert_true(json_put_string(json_get(token, "names"), "5", "a\x1b[2Jb"));
    assert_null(keyslot_name_get(header, 5));
    assert_true(json_put_number(json_get(token, "names"), "5", 7));
    assert_null(keyslot_name_get(header, 5));
    assert_true(json_put_string(token, "names", "none"));
    assert_null(keyslot_name_get(header, 5));
    assert_int_equal(keyslot_name_set(header, 5, "bob", NULL), RC_OK);
    assert_string_equal(keyslot_name_get(header, 5), "bob");
    luks2_close(header);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(a_slot_is_changed),
                                     cmocka_unit_test(a_change_needs_room),
                                     cmocka_unit_test(a_change_is_cut_off),
                                     cmocka_unit_test(a_slot_is_removed),
                                     cmocka_unit_test(wiped_bytes_are_others),
                                     cmocka_unit_test(overwritten_areas_are_found),
                                     cmocka_unit_test(slots_have_names),
                                     cmocka_unit_test(strange_names_are_none)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
