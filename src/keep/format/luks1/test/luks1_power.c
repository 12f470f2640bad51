/* Keys of a LUKS1 header come, change and go, and the header is made and converted, while power goes at every
 * write and flush: what is left opens with a key of before or of after. */
#include "base/test/check.h"
#include "keep/format/luks1/luks1_convert.h"
#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks1/luks1_write.h"
#include "keep/reencrypt/test/power.h"
#include "vault/header/keyslot.h"
#include "vault/unlock.h"

enum { SIZE = 1 << 20, KEY = 16, SEEDS = 1 };

static uint8_t now[SIZE], lasting[SIZE], begun[SIZE];
static struct power_device disk;
static struct secret volume_key;

static const struct kdf_params costs = {.kdf = &kdf_pbkdf2, .passes = 10};

struct work;

/* A change, from a header that is read to one that is written; a failure is the cut. */
typedef enum rc act(const struct work *work, struct luks2 *header, struct device *device);

struct work {
    const char *name;
    unsigned slots; /* in use before: bits. Slot n opens with the phrase '0' + n. */
    unsigned number;
    bool is_luks2; /* before */
    act *act;
    const char *before, *after; /* phrases of which, in the end, the one or the other opens */
};

static struct device *plugged(struct power *power)
{
    power_device_init(&disk, power, now, lasting, SIZE);
    return &disk.device;
}

static enum rc phrase(struct secret *secret, const char *text)
{
    return secret_copy(secret, span_text(text), NULL);
}

static enum rc read_any(struct luks2 **header, struct device *device)
{
    enum rc rc = luks1_header_read(header, device, NULL);

    return rc == RC_NOT_FOUND ? luks2_read(header, device, NULL) : rc;
}

static enum rc opens(const struct luks2 *header, struct device *device, const char *text)
{
    SCOPED(secret) credential = {0};
    SCOPED(unlock) opened = {0};

    assert_int_equal(phrase(&credential, text), RC_OK);
    return unlock(header, device, UINT64_MAX, &credential, UNLOCK_ANY, &opened, NULL);
}

/* Formatted once, with a digest that costs little. */
static struct luks2 *fresh_header;

static void format(void)
{
    const struct luks1_format how = {.encryption = "aes-cbc-essiv:sha256"};
    struct kdf_params params = {.kdf = &kdf_pbkdf2, .passes = 10, .salt_len = LUKS1_SALT_SIZE};
    SCOPED(secret) made = {0};
    struct luks2_digest *digest;

    assert_int_equal(luks1_format(&fresh_header, &how, &volume_key, NULL), RC_OK);
    digest = &fresh_header->digests[0];
    digest->iterations = params.passes;
    params.hash = digest->hash;
    memcpy(params.salt, digest->salt, LUKS1_SALT_SIZE);
    assert_int_equal(secret_alloc(&made, LUKS1_DIGEST_SIZE, NULL), RC_OK);
    assert_int_equal(kdf_derive(&params, &volume_key, &made, NULL), RC_OK);
    memcpy(digest->digest, made.at, LUKS1_DIGEST_SIZE);
}

static enum rc make(struct device *device, unsigned slots)
{
    struct luks1_header made = *(const struct luks1_header *)(const void *)fresh_header;
    struct luks2 *header = &made.as_luks2;
    enum rc rc = luks1_format_wipe(header, device, NULL);

    for (unsigned i = 0; i < LUKS1_KEYSLOTS && rc == RC_OK; i++) {
        SCOPED(secret) each = {0};
        const char text[] = {(char)('0' + i), '\0'};

        if (!(slots >> i & 1))
            continue;
        if ((rc = phrase(&each, text)) == RC_OK)
            rc = luks1_keyslot_add(header, device, (int)i, &volume_key, &each, &costs, NULL,
                                   NULL);
    }
    return rc == RC_OK ? luks1_header_write(header, device, NULL) : rc;
}

static enum rc do_make(const struct work *work, struct luks2 *header, struct device *device)
{
    (void)header;
    return make(device, work->slots);
}

static enum rc do_add(const struct work *work, struct luks2 *header, struct device *device)
{
    SCOPED(secret) fresh = {0};
    enum rc rc;

    if ((rc = phrase(&fresh, work->after)) ||
        (rc = luks1_keyslot_add(header, device, (int)work->number, &volume_key, &fresh, &costs,
                                NULL, NULL)))
        return rc;
    return luks1_header_write(header, device, NULL);
}

static enum rc do_replace(const struct work *work, struct luks2 *header, struct device *device)
{
    struct luks2_keyslot old = header->keyslots[work->number];
    unsigned number = work->number;
    SCOPED(secret) fresh = {0};
    enum rc rc;

    if ((rc = phrase(&fresh, work->after)) ||
        (rc = luks1_keyslot_replace(header, device, &number, &volume_key, &fresh, &costs,
                                    NULL)) ||
        (rc = luks1_header_write(header, device, NULL)))
        return rc;
    return keyslot_wipe(device, old.area_offset, old.area_size, NULL);
}

static enum rc do_remove(const struct work *work, struct luks2 *header, struct device *device)
{
    struct luks2_keyslot old = header->keyslots[work->number];
    enum rc rc;

    if ((rc = luks1_keyslot_remove(header, work->number, NULL)) ||
        (rc = keyslot_wipe(device, old.area_offset, old.area_size, NULL)))
        return rc;
    return luks1_header_write(header, device, NULL);
}

static enum rc do_convert(const struct work *work, struct luks2 *header, struct device *device)
{
    (void)work;
    return luks1_header_is(header) ? luks1_convert_to_luks2(header, device, NULL)
                                   : luks1_convert_from_luks2(header, device, NULL);
}

static const struct work works[] = {
    {"make", 1, 0, false, do_make, NULL, "0"},
    {"add 1", 1, 1, false, do_add, "0", "new"},
    {"add 6", 1, 6, false, do_add, "0", "new"},
    {"add 7", 1, 7, false, do_add, "0", "new"},
    {"change 0", 1, 0, false, do_replace, "0", "new"},
    {"change 0 beside six", 0x3f, 0, false, do_replace, "0", "new"},
    {"change 0 beside seven", 0x7f, 0, false, do_replace, "0", "new"},
    {"change 6", 0x40, 6, false, do_replace, "6", "new"},
    {"change 7", 0x80, 7, false, do_replace, "7", "new"},
    {"change 7 beside 0 to 5", 0xbf, 7, false, do_replace, "7", "new"},
    {"change 6 beside 0 to 5", 0x7f, 6, false, do_replace, "6", "new"},
    {"remove 0", 3, 0, false, do_remove, "1", "1"},
    {"remove 6", 0xff, 6, false, do_remove, "1", "7"},
    {"remove 7", 0x81, 7, false, do_remove, "0", "0"},
    {"to LUKS2, two keys", 0x81, 0, false, do_convert, "0", "7"},
    {"to LUKS2, six keys and the last", 0xbf, 0, false, do_convert, "0", "0"},
    {"to LUKS2, seven keys", 0x7f, 0, false, do_convert, "0", "0"},
    {"to LUKS1, two keys", 0x81, 0, true, do_convert, "0", "7"},
};

/* The whole of it, with power that goes after so many events. */
static enum rc attempt(const struct work *work, struct power *power)
{
    struct device *device = plugged(power);
    struct luks2 *header = NULL;
    enum rc rc = RC_OK;

    if (work->act != do_make)
        assert_int_equal(read_any(&header, device), RC_OK);
    rc = work->act(work, header, device);
    luks2_close(header);
    return rc;
}

static void begin(const struct work *work)
{
    struct power whole = {.left = -1};
    struct device *device;
    struct luks2 *header;

    memset(lasting, 0, SIZE);
    device = plugged(&whole);
    if (work->act != do_make)
        assert_int_equal(make(device, work->slots), RC_OK);
    if (work->is_luks2) {
        assert_int_equal(read_any(&header, device), RC_OK);
        assert_int_equal(do_convert(work, header, device), RC_OK);
        luks2_close(header);
    }
    assert_int_equal(device_flush(device, NULL), RC_OK);
    memcpy(begun, lasting, SIZE);
}

/* The other phrases of before are still there, and whoever sees what is left can go on with it. */
static void check_left(const struct work *work, enum rc done)
{
    struct power whole = {.left = -1};
    struct device *device = plugged(&whole);
    struct luks2 *header;
    enum rc rc = read_any(&header, device);

    if (work->act == do_make && rc != RC_OK && done != RC_OK)
        return; /* nothing was there, and nothing is lost */
    if (rc != RC_OK)
        print_message("%s: no header is left\n", work->name);
    assert_int_equal(rc, RC_OK);
    if (done == RC_OK)
        assert_int_equal(opens(header, device, work->after), RC_OK);
    else if ((!work->before || opens(header, device, work->before) != RC_OK) &&
             opens(header, device, work->after) != RC_OK)
        fail_msg("%s: neither key opens", work->name);
    luks2_close(header);
}

static bool is_in_a_slot(const struct luks2 *header, uint64_t at)
{
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const struct luks2_keyslot *slot = &header->keyslots[i];

        if (slot->present && at >= slot->area_offset &&
            at < slot->area_offset + slot->area_size)
            return true;
    }
    return false;
}

static bool stood_before(const uint8_t *page, size_t end)
{
    for (size_t at = LUKS2_AREA_ALIGN; at < end; at += LUKS2_AREA_ALIGN)
        if (memcmp(begun + at, page, LUKS2_AREA_ALIGN) == 0)
            return true;
    return false;
}

/* No page of the old key areas is left where no slot stands. */
static void check_tidy(const struct work *work, const struct luks2 *header)
{
    size_t end = (size_t)luks2_total_size(header);

    for (size_t at = 2 * header->copy_size; at < end; at += LUKS2_AREA_ALIGN)
        if (!is_in_a_slot(header, at) && stood_before(now + at, end))
            fail_msg("%s: a copy of a key area is left at %zu", work->name, at);
}

static void go_on(const struct work *work)
{
    struct power whole = {.left = -1};
    struct device *device = plugged(&whole);
    struct luks2 *header;

    if (work->act != do_convert)
        return;
    assert_int_equal(read_any(&header, device), RC_OK);
    if (luks1_header_is(header) != work->is_luks2)
        assert_int_equal(do_convert(work, header, device), RC_OK);
    else if (!work->is_luks2)
        assert_int_equal(luks1_convert_tidy(header, device, NULL), RC_OK);
    luks2_close(header);
    check_left(work, RC_OK);
    if (work->is_luks2)
        return;
    assert_int_equal(luks2_read(&header, device, NULL), RC_OK);
    assert_true(luks1_convert_may_tidy(header));
    check_tidy(work, header);
    luks2_close(header);
}

static void cut_everywhere(const struct work *work, enum power_loss loss, unsigned seed)
{
    enum rc done = RC_IO;

    for (long left = 0; done != RC_OK; left++) {
        struct power power = {.left = left, .loss = loss, .seed = seed + (unsigned)left};

        memcpy(lasting, begun, SIZE);
        done = attempt(work, &power);
        assert_true(done == RC_OK || power.out);
        power_device_settle(&disk);
        check_left(work, done);
        go_on(work);
    }
}

static void a_key_of_before_or_after_opens(void **state)
{
    (void)state;
    assert_int_equal(secret_alloc(&volume_key, KEY, NULL), RC_OK);
    for (size_t i = 0; i < KEY; i++)
        volume_key.at[i] = (uint8_t)(i * 37 + 1);
    format();
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        begin(&works[i]);
        for (int loss = 0; loss < POWER_LOSSES; loss++)
            for (unsigned seed = 0; seed < (loss == POWER_DROPS_SOME ? SEEDS : 1); seed++)
                cut_everywhere(&works[i], (enum power_loss)loss, seed * 7919 + (unsigned)i);
    }
    luks2_close(fresh_header);
    secret_clear(&volume_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_of_before_or_after_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
