/*
 * Every way to reencrypt, with power going at every write of it, and once more while it is
 * continued: the data are what they were, whole, in their new way.
 */
#include "keep/reencrypt/reencrypt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test/check.h"
#include "codec/json.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "keep/reencrypt/begin.h"
#include "keep/reencrypt/test/power.h"
#include "vault/header/luks2_format.h"
#include "vault/header/metadata.h"

enum {
    HEADER = 64 << 10, /* 32 KiB of copies, and as much for an area */
    DATA = 100 << 10,
    SMALL = 40 << 10, /* less than the header */
    ROOM = DATA + 4 * HEADER,
    ZONE = 20 << 10,
};

static uint8_t plain[DATA], now[ROOM], lasting[ROOM], header_now[HEADER],
    header_lasting[HEADER], previous_header[HEADER], final_header[HEADER];
static struct secret previous_key, final_key;

/* One way, and where its bytes are. */
struct way {
    const char *name;
    enum reencryption_mode mode;
    bool detached, backward;
    uint64_t shift;
    enum reencryption_guard guard;
    uint32_t previous_sector, final_sector;
    uint64_t size;
    const char *encryption;
};

static const struct way ways[] = {
    {"reencrypt, checksum", REENCRYPTION_REENCRYPT, false, false, 0, REENCRYPTION_CHECKSUM,
     4096, 4096, DATA, "aes-xts-plain64"},
    {"reencrypt, checksum, small to large sectors", REENCRYPTION_REENCRYPT, false, false, 0,
     REENCRYPTION_CHECKSUM, 512, 4096, DATA, "aes-xts-plain64"},
    {"reencrypt, checksum, another cipher", REENCRYPTION_REENCRYPT, true, false, 0,
     REENCRYPTION_CHECKSUM, 4096, 512, DATA, "serpent-xts-plain64"},
    {"reencrypt, journal", REENCRYPTION_REENCRYPT, false, false, 0, REENCRYPTION_JOURNAL, 512,
     4096, DATA, "aes-xts-plain64"},
    {"reencrypt, none", REENCRYPTION_REENCRYPT, false, false, 0, REENCRYPTION_NONE, 4096, 4096,
     DATA, "aes-xts-plain64"},
    {"encrypt detached, checksum", REENCRYPTION_ENCRYPT, true, false, 0, REENCRYPTION_CHECKSUM,
     512, 4096, DATA, "aes-xts-plain64"},
    {"encrypt detached, journal", REENCRYPTION_ENCRYPT, true, false, 0, REENCRYPTION_JOURNAL,
     512, 512, DATA, "aes-xts-plain64"},
    {"encrypt, shifting", REENCRYPTION_ENCRYPT, false, true, HEADER, REENCRYPTION_NONE, 512,
     4096, DATA, "aes-xts-plain64"},
    {"encrypt a small one, shifting", REENCRYPTION_ENCRYPT, false, true, HEADER,
     REENCRYPTION_NONE, 512, 4096, SMALL, "aes-xts-plain64"},
    {"decrypt detached, checksum", REENCRYPTION_DECRYPT, true, true, 0, REENCRYPTION_CHECKSUM,
     4096, 512, DATA, "aes-xts-plain64"},
    {"decrypt detached, journal", REENCRYPTION_DECRYPT, true, true, 0, REENCRYPTION_JOURNAL,
     4096, 512, DATA, "aes-xts-plain64"},
    {"decrypt, shifting, checksum", REENCRYPTION_DECRYPT, false, false, HEADER,
     REENCRYPTION_CHECKSUM, 4096, 512, DATA, "aes-xts-plain64"},
    {"decrypt, shifting, journal", REENCRYPTION_DECRYPT, false, false, HEADER,
     REENCRYPTION_JOURNAL, 512, 512, DATA, "aes-xts-plain64"},
    {"decrypt a small one, shifting", REENCRYPTION_DECRYPT, false, false, HEADER,
     REENCRYPTION_CHECKSUM, 4096, 512, SMALL, "aes-xts-plain64"},
};

/* A header in memory, as it is before anything was begun. Making its digest is slow: once a way. */
static void make_header(uint8_t *bytes, const struct secret *key, uint32_t sector,
                        const char *encryption, bool detached)
{
    struct luks2_format format = {.encryption = encryption,
                                  .sector_size = sector,
                                  .header_size = HEADER,
                                  .detached = detached};
    struct luks2 *header;
    struct device *device;

    memset(bytes, 0, HEADER);
    assert_int_equal(device_open_memory(&device, bytes, HEADER, NULL), RC_OK);
    assert_int_equal(luks2_format(&header, &format, key, NULL), RC_OK);
    assert_int_equal(luks2_write(header, device, NULL), RC_OK);
    luks2_close(header);
    device_close(device);
}

static void crypt_data(uint8_t *at, const struct secret *key, const char *encryption,
                       uint32_t sector, uint64_t size, bool encrypt)
{
    struct cipher *cipher;

    assert_int_equal(cipher_open(&cipher, encryption, key, sector, NULL), RC_OK);
    assert_int_equal(
        (encrypt ? cipher_encrypt : cipher_decrypt)(cipher, 0, at, at, size, NULL), RC_OK);
    cipher_close(cipher);
}

static bool header_apart(const struct way *w)
{
    return w->detached || (w->shift > 0 && w->mode == REENCRYPTION_DECRYPT);
}

/* The data device has what it needs, and not a byte more. */
static size_t device_size(const struct way *w)
{
    struct begin_room room = {.size = w->size, .shift = w->shift};

    if (w->shift > 0 && w->mode == REENCRYPTION_ENCRYPT)
        return begin_room_size(&room);
    return w->size + (w->detached ? 0 : HEADER);
}

static uint64_t data_offset(const struct way *w, bool final)
{
    bool encrypted = final ? w->mode != REENCRYPTION_DECRYPT : w->mode != REENCRYPTION_ENCRYPT;

    return encrypted && !w->detached ? HEADER : 0;
}

static void set_up(const struct way *w)
{
    random_bytes(plain, sizeof plain, NULL) == RC_OK ? (void)0 : abort();
    memset(lasting, 0, sizeof lasting);
    memset(header_lasting, 0, sizeof header_lasting);
    memcpy(lasting + data_offset(w, false), plain, w->size);
    if (w->mode == REENCRYPTION_ENCRYPT)
        return;
    crypt_data(lasting + data_offset(w, false), &previous_key, "aes-xts-plain64",
               w->previous_sector, w->size, true);
    memcpy(header_lasting, previous_header, HEADER);
    if (!w->detached)
        memcpy(lasting, previous_header, HEADER);
}

/* The volume key that is to come, under a digest of its own; the previous one where none is. */
static enum rc add_final(struct luks2 *header, const struct way *w, struct reencryption *plan)
{
    enum rc rc = reencryption_side_of_segment(header, 0, &plan->previous, NULL);

    plan->final = plan->previous;
    plan->final.sector_size = w->final_sector;
    strcpy(plan->final.encryption, w->encryption);
    plan->final.digest = 1;
    if (rc != RC_OK || (rc = digest_put(json_get(header->metadata, "digests"), 1, &final_key,
                                        1000, NULL)) != RC_OK)
        return rc;
    return metadata_refresh(header, NULL);
}

static enum rc begin_where_it_stands(struct luks2 *header, const struct way *w,
                                     struct device *header_device, struct device *data,
                                     struct fault *why)
{
    struct reencryption plan = {.mode = w->mode, .backward = w->backward};
    struct reencryption_side nothing = {.sector_size = 512, .digest = DIGEST_NONE};
    enum rc rc;

    if (w->mode == REENCRYPTION_REENCRYPT)
        rc = add_final(header, w, &plan);
    else
        rc = reencryption_side_of_segment(
            header, 0, w->mode == REENCRYPTION_ENCRYPT ? &plan.final : &plan.previous, why);
    if (w->mode == REENCRYPTION_ENCRYPT)
        plan.previous = nothing;
    if (w->mode == REENCRYPTION_DECRYPT)
        plan.final = nothing;
    if (rc != RC_OK)
        return rc;
    return begin_in_place(header, header_device, data, &plan, w->guard,
                          w->mode == REENCRYPTION_ENCRYPT ? NULL : &previous_key,
                          w->mode == REENCRYPTION_DECRYPT ? NULL : &final_key, why);
}

static enum rc begin_out(const struct way *w, struct device *data, struct fault *why)
{
    struct begin_room room = {.size = w->size, .shift = w->shift};
    enum begin_state state;
    uint8_t made[HEADER];
    struct device *device;
    struct luks2 *header;
    enum rc rc = begin_look(data, w->shift, &state, &room, why);

    if (rc != RC_OK || state == BEGIN_COMPLETED)
        return rc;
    memcpy(made, final_header, HEADER);
    if (device_open_memory(&device, made, HEADER, why) != RC_OK)
        abort();
    if ((rc = luks2_read(&header, device, why)) == RC_OK) {
        rc = begin_shift_out(header, device, data, &room, &final_key, why);
        luks2_close(header);
    }
    device_close(device);
    return rc;
}

/* Nothing was begun yet: so it is, and the header is read anew. */
static enum rc begin(struct luks2 **header, const struct way *w, struct device *header_device,
                     struct device *data, struct fault *why)
{
    bool out = w->mode == REENCRYPTION_ENCRYPT && w->shift > 0;
    enum rc rc;

    if (out)
        rc = begin_out(w, data, why);
    else if (w->shift > 0)
        rc = begin_shift_back(*header, header_device, data, w->guard, &previous_key, why);
    else
        rc = begin_where_it_stands(*header, w, header_device, data, why);
    luks2_close(*header);
    *header = NULL;
    return rc == RC_OK ? luks2_read(header, header_device, why) : rc;
}

static enum rc go_on(struct luks2 *header, const struct way *w, struct device *header_device,
                     struct device *data, struct fault *why)
{
    struct reencrypt_task task = {
        .header = header,
        .header_device = header_device,
        .data = data,
        .previous_key = w->mode == REENCRYPTION_ENCRYPT ? NULL : &previous_key,
        .final_key = w->mode == REENCRYPTION_DECRYPT ? NULL : &final_key,
        .zone_size = ZONE,
    };
    struct reencrypt *e;
    enum rc rc = reencrypt_open(&e, &task, why);

    if (rc != RC_OK)
        return rc;
    rc = reencrypt_recover(e, why);
    while (rc == RC_OK)
        rc = reencrypt_step(e, why);
    if (rc == RC_END)
        rc = reencrypt_finish(e, why);
    reencrypt_close(e);
    return rc;
}

static bool is_ended(const struct luks2 *header, const struct way *w)
{
    bool encrypted = strcmp(header->segments[0].type, "crypt") == 0;

    if (header->reencrypting)
        return false;
    if (w->mode == REENCRYPTION_REENCRYPT) /* the first digest went with its key */
        return !header->digests[0].present;
    return encrypted == (w->mode == REENCRYPTION_ENCRYPT) && header->sequence > 1;
}

/* What the user's command does, from whatever it finds. */
static enum rc run(const struct way *w, struct device *header_device, struct device *data,
                   struct fault *why)
{
    bool out = w->mode == REENCRYPTION_ENCRYPT && w->shift > 0;
    struct luks2 *header = NULL;
    enum begin_state state;
    struct begin_room room;
    enum rc rc = out ? begin_look(data, w->shift, &state, &room, why) : RC_OK;

    if (rc == RC_OK)
        rc = luks2_read(&header, header_device, why);
    if (rc == RC_NOT_FOUND && out)
        rc = RC_OK;
    if (rc == RC_OK && header && is_ended(header, w)) {
        if (reencryption_note_is_there(header))
            rc = reencrypt_tidy(header, header_device, why);
        luks2_close(header);
        return rc;
    }
    if (rc == RC_OK && (!header || !header->reencrypting))
        rc = begin(&header, w, header_device, data, why);
    if (rc == RC_OK)
        rc = go_on(header, w, header_device, data, why);
    luks2_close(header);
    return rc;
}

/* One run until power goes, or to its end. */
static enum rc live(const struct way *w, struct power *power, struct fault *why)
{
    static struct power_device data, header;
    enum rc rc;

    power_device_init(&data, power, now, lasting, device_size(w));
    power_device_init(&header, power, header_now, header_lasting, HEADER);
    rc = run(w, header_apart(w) ? &header.device : &data.device, &data.device, why);
    power_device_settle(&data);
    power_device_settle(&header);
    return rc;
}

static void compare(const struct way *w, const char *when)
{
    uint8_t *at = lasting + data_offset(w, true);

    if (w->mode != REENCRYPTION_DECRYPT)
        crypt_data(at, &final_key, w->encryption, w->final_sector, w->size, false);
    if (memcmp(at, plain, w->size) != 0)
        print_message("%s: %s\n", w->name, when);
    assert_memory_equal(at, plain, w->size);
}

/* With nothing to guard it, a zone that was cut is lost, and that is said. */
static bool may_be_lost(const struct way *w, enum rc rc)
{
    return w->guard == REENCRYPTION_NONE && w->shift == 0 && rc == RC_FORMAT;
}

static void cut_at(const struct way *w, long n, enum power_loss loss, const uint8_t *before,
                   const uint8_t *header_before)
{
    struct power power = {.left = n, .loss = loss, .seed = (unsigned)(n * 7 + loss)};
    struct power again = {.left = n % 23 + 1, .loss = loss, .seed = (unsigned)n};
    struct power steady = {.left = -1};
    struct fault why = {0};
    char when[96];
    enum rc rc;

    memcpy(lasting, before, sizeof lasting);
    memcpy(header_lasting, header_before, sizeof header_lasting);
    snprintf(when, sizeof when, "cut at %ld, loss %d", n, (int)loss);
    if (live(w, &power, &why) == RC_OK)
        assert_false(power.out);
    (void)live(w, &again, &why);
    rc = live(w, &steady, &why);
    if (may_be_lost(w, rc))
        return;
    if (rc != RC_OK)
        print_message("%s: %s: %s\n", w->name, when, why.text);
    assert_int_equal(rc, RC_OK);
    compare(w, when);
}

static void every_write(const struct way *w)
{
    static uint8_t before[ROOM], header_before[HEADER];
    struct power power = {.left = -1};
    struct fault why = {0};

    if (w->mode != REENCRYPTION_ENCRYPT)
        make_header(previous_header, &previous_key, w->previous_sector, "aes-xts-plain64",
                    w->detached);
    else
        make_header(final_header, &final_key, w->final_sector, w->encryption, w->detached);
    set_up(w);
    if (w->mode == REENCRYPTION_ENCRYPT && w->detached)
        memcpy(header_lasting, final_header, HEADER);
    memcpy(before, lasting, sizeof before);
    memcpy(header_before, header_lasting, sizeof header_before);
    if (live(w, &power, &why) != RC_OK)
        print_message("%s: %s\n", w->name, why.text);
    compare(w, "without a cut");
    for (long n = 0; n < power.events; n++)
        for (int loss = 0; loss < POWER_LOSSES; loss++)
            cut_at(w, n, (enum power_loss)loss, before, header_before);
}

static void every_write_of_every_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        every_write(&ways[i]);
}

static int make_keys(void **state)
{
    (void)state;
    return random_key(&previous_key, 64, NULL) != RC_OK ||
           random_key(&final_key, 64, NULL) != RC_OK;
}

static int clear_keys(void **state)
{
    (void)state;
    secret_clear(&previous_key);
    secret_clear(&final_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_of_every_way),
    };

    return cmocka_run_group_tests(tests, make_keys, clear_keys);
}
