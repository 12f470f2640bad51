#include "keep/volume/volume.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test/check.h"
#include "crypto/cipher.h"

enum { SIZE = 1 << 20, BEFORE = 8192, AFTER = 4096 };

static const uint32_t sector_sizes[] = {512, 1024, 2048, 4096};

struct place {
    uint8_t *bytes; /* of the lower device */
    struct device *device;
    struct secret key;
};

static uint8_t noise(size_t i)
{
    return (uint8_t)(i * 131 + (i >> 8) * 7 + (i >> 16));
}

static void open_volume(struct place *p, uint32_t sector_size, uint64_t iv_tweak)
{
    struct device *lower;

    p->bytes = calloc(1, BEFORE + SIZE + AFTER);
    assert_non_null(p->bytes);
    assert_int_equal(secret_alloc(&p->key, 64, NULL), RC_OK);
    for (size_t i = 0; i < 64; i++)
        p->key.at[i] = noise(i + 1);
    assert_int_equal(device_open_memory(&lower, p->bytes, BEFORE + SIZE + AFTER, NULL), RC_OK);
    assert_int_equal(volume_open(&p->device, lower,
                                 &(struct volume_place){.offset = BEFORE,
                                                        .len = SIZE,
                                                        .sector_size = sector_size,
                                                        .iv_tweak = iv_tweak,
                                                        .encryption = "aes-xts-plain64"},
                                 &p->key, NULL),
                     RC_OK);
}

static void close_volume(struct place *p)
{
    device_close(p->device);
    secret_clear(&p->key);
    free(p->bytes);
}

/* The whole volume against the cipher itself, one sector after the other. */
static void the_sectors_below_are_the_ciphers(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sector_sizes / sizeof *sector_sizes; s++) {
        uint32_t size = sector_sizes[s];
        struct place p = {0};
        struct cipher *cipher;
        uint8_t *plain = malloc(SIZE), expected[4096];

        assert_non_null(plain);
        open_volume(&p, size, 77 * 8);
        for (size_t i = 0; i < SIZE; i++)
            plain[i] = noise(i);
        assert_int_equal(device_write(p.device, 0, plain, SIZE, NULL), RC_OK);
        assert_int_equal(cipher_open(&cipher, "aes-xts-plain64", &p.key, size, NULL), RC_OK);
        for (size_t at = 0; at < SIZE; at += size) {
            assert_int_equal(
                cipher_encrypt(cipher, 77 * 8 + at / 512, plain + at, expected, size, NULL),
                RC_OK);
            assert_memory_equal(expected, p.bytes + BEFORE + at, size);
        }
        for (size_t i = 0; i < BEFORE; i++)
            assert_int_equal(p.bytes[i], 0);
        for (size_t i = 0; i < AFTER; i++)
            assert_int_equal(p.bytes[BEFORE + SIZE + i], 0);
        cipher_close(cipher);
        close_volume(&p);
        free(plain);
    }
}

/* Reads and writes of odd places and lengths, against a plain copy. */
static void odd_ranges_equal_a_plain_copy(void **state)
{
    (void)state;
    srand(1);
    for (size_t s = 0; s < sizeof sector_sizes / sizeof *sector_sizes; s++) {
        struct place p = {0};
        uint8_t *plain = calloc(1, SIZE), *seen = malloc(SIZE);

        assert_non_null(plain);
        assert_non_null(seen);
        open_volume(&p, sector_sizes[s], 0);
        assert_int_equal(device_write(p.device, 0, plain, SIZE, NULL), RC_OK);
        for (int i = 0; i < 400; i++) {
            size_t offset = (size_t)rand() % SIZE;
            size_t most = i % 3 == 0 ? SIZE : 3 * 4096;
            size_t len = (size_t)rand() % (SIZE - offset < most ? SIZE - offset + 1 : most);

            if (i % 2 == 0) {
                memset(plain + offset, i, len);
                assert_int_equal(device_write(p.device, offset, plain + offset, len, NULL),
                                 RC_OK);
            } else {
                assert_int_equal(device_read(p.device, offset, seen, len, NULL), RC_OK);
                assert_memory_equal(seen, plain + offset, len);
            }
        }
        assert_int_equal(device_read(p.device, 0, seen, SIZE, NULL), RC_OK);
        assert_memory_equal(seen, plain, SIZE);
        close_volume(&p);
        free(plain);
        free(seen);
    }
}

struct writer {
    struct device *device;
    unsigned number, of;
};

/* Every writer owns every of-th run of 100 bytes: neighbours share sectors. */
static void *write_runs(void *of)
{
    struct writer *w = of;
    uint8_t run[100];

    memset(run, (int)w->number + 1, sizeof run);
    for (uint64_t at = w->number * 100; at + 100 <= SIZE / 4; at += w->of * 100)
        if (device_write(w->device, at, run, sizeof run, NULL) != RC_OK)
            return w;
    return NULL;
}

static void writers_of_one_sector_lose_nothing(void **state)
{
    struct place p = {0};
    struct writer writers[4];
    pthread_t threads[4];
    uint8_t run[100];

    (void)state;
    open_volume(&p, 4096, 0);
    for (unsigned i = 0; i < 4; i++) {
        writers[i] = (struct writer){p.device, i, 4};
        assert_int_equal(pthread_create(&threads[i], NULL, write_runs, &writers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    for (uint64_t at = 0; at + 100 <= SIZE / 4; at += 100) {
        assert_int_equal(device_read(p.device, at, run, 100, NULL), RC_OK);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(run[i], at / 100 % 4 + 1);
    }
    close_volume(&p);
}

/* One of several that work on a file at a time. Each has bytes of its own, whose ends lie in pages and
 * sectors of its neighbours. */
enum { MIXERS = 4, SHARE = (1 << 20) + 1234, TURNS = 300, LONG = 256 << 10 };

struct mixer {
    struct device *device;
    uint64_t first;
    unsigned chance;
    pthread_t thread;
    uint8_t model[SHARE];
};

/* A long run of whole pages, from memory that may be changed. */
static bool write_long(struct mixer *m, uint8_t *room)
{
    uint64_t at =
        (m->first + (uint64_t)rand_r(&m->chance) % (SHARE - LONG - 8192) + 4095) & ~4095ull;
    size_t len = LONG - (size_t)(rand_r(&m->chance) % 3) * 64 * 1024;

    for (size_t i = 0; i < len; i++)
        room[i] = noise(i + m->chance);
    memcpy(m->model + (at - m->first), room, len);
    return device_write_over(m->device, at, room, len, NULL) == RC_OK;
}

static bool write_short(struct mixer *m)
{
    size_t at = (size_t)rand_r(&m->chance) % (SHARE - 9000),
           len = 1 + (size_t)rand_r(&m->chance) % 9000;

    memset(m->model + at, rand_r(&m->chance), len);
    return device_write(m->device, m->first + at, m->model + at, len, NULL) == RC_OK;
}

static bool is_as_the_model(const struct mixer *m, uint8_t *room)
{
    return device_read(m->device, m->first, room, SHARE, NULL) == RC_OK &&
           memcmp(room, m->model, SHARE) == 0;
}

static void *mix(void *of)
{
    struct mixer *m = of;
    uint8_t *room = aligned_alloc(4096, 2 << 20);
    bool good = room && device_write(m->device, m->first, m->model, SHARE, NULL) == RC_OK;

    for (int i = 0; i < TURNS && good; i++)
        good = (i % 3 == 0 ? write_long(m, room) : write_short(m)) &&
               (i % 10 != 0 || is_as_the_model(m, room)) &&
               (i % 50 != 0 || device_flush(m->device, NULL) == RC_OK);
    free(room);
    return good ? NULL : m;
}

static void *write_marks(void *of)
{
    struct mixer *m = of;
    const uint8_t mark[100] = {[0 ... 99] = 255};

    for (int i = 0; i < 8 * TURNS; i++)
        if (device_write(m->device, (uint64_t)rand_r(&m->chance) % (LONG - sizeof mark), mark,
                         sizeof mark, NULL) != RC_OK)
            return m;
    return NULL;
}

/* Whoever changes a part of a sector that a long write is about to replace brings nothing old back. */
static void long_writes_wait_for_short_ones(struct device *volume)
{
    static struct mixer marker;
    uint8_t *room = aligned_alloc(4096, LONG);
    void *failed;

    assert_non_null(room);
    marker.device = volume;
    assert_int_equal(pthread_create(&marker.thread, NULL, write_marks, &marker), 0);
    for (int n = 1; n < TURNS && n < 255; n++) {
        memset(room, n, LONG);
        assert_int_equal(device_write_over(volume, 0, room, LONG, NULL), RC_OK);
        assert_int_equal(device_read(volume, 0, room, LONG, NULL), RC_OK);
        for (size_t i = 0; i < LONG; i++)
            if (room[i] != n && room[i] != 255)
                fail_msg("byte %zu is %d beside %d", i, room[i], n);
    }
    pthread_join(marker.thread, &failed);
    assert_null(failed);
    free(room);
}

/* Long writes go past the system's memory where the file system of /tmp takes part; the others, and all
 * reads, do not. */
static void long_and_short_writes_keep_in_step(void **state)
{
    struct volume_place place = {
        .offset = 16384, .len = 5 << 20, .sector_size = 4096, .encryption = "aes-xts-plain64"};
    char path[] = "/tmp/keepgate-volume-XXXXXX";
    struct mixer *mixers = calloc(MIXERS, sizeof *mixers);
    int fd = mkstemp(path);
    uint8_t *seen = malloc(SHARE);
    SCOPED(secret) key = {0};
    struct device *lower, *volume;
    void *failed;

    (void)state;
    assert_true(mixers && seen && fd >= 0);
    assert_int_equal(ftruncate(fd, 16384 + (5 << 20)), 0); /* holes to begin with */
    assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
    key.at[0] = 1;
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_int_equal(device_open_file(&lower, path, false, DEVICE_UNLOCKED, NULL), RC_OK);
        assert_int_equal(volume_open(&volume, lower, &place, &key, NULL), RC_OK);
        for (unsigned i = 0; i < MIXERS; i++) {
            mixers[i].device = volume;
            mixers[i].first = 100 + (uint64_t)i * SHARE;
            mixers[i].chance = i;
            if (reopened)
                assert_true(is_as_the_model(&mixers[i], seen));
            else
                assert_int_equal(pthread_create(&mixers[i].thread, NULL, mix, &mixers[i]), 0);
        }
        for (unsigned i = 0; i < MIXERS && !reopened; i++) {
            pthread_join(mixers[i].thread, &failed);
            assert_null(failed);
        }
        assert_int_equal(device_flush(volume, NULL), RC_OK);
        device_forget(lower, 0, lower->size); /* from the medium then */
        if (reopened)
            long_writes_wait_for_short_ones(volume);
        device_close(volume);
    }
    close(fd);
    unlink(path);
    free(mixers);
    free(seen);
}

static const struct {
    const char *what;
    struct volume_place place;
    enum rc rc;
} places[] = {
    {"sectors of 0 bytes",
     {.offset = 0, .len = 4096, .sector_size = 0, .encryption = "aes-xts-plain64"},
     RC_FORMAT},
    {"sectors of 768 bytes",
     {.offset = 0, .len = 4096, .sector_size = 768, .encryption = "aes-xts-plain64"},
     RC_FORMAT},
    {"behind the end",
     {.offset = 4096, .len = 8192, .sector_size = 512, .encryption = "aes-xts-plain64"},
     RC_FORMAT},
    {"an offset that wraps",
     {.offset = UINT64_MAX - 511,
      .len = 1024,
      .sector_size = 512,
      .encryption = "aes-xts-plain64"},
     RC_FORMAT},
    {"half a sector",
     {.offset = 0, .len = 4096 + 512, .sector_size = 4096, .encryption = "aes-xts-plain64"},
     RC_FORMAT},
    {"an unknown cipher",
     {.offset = 0, .len = 4096, .sector_size = 512, .encryption = "rot13-ecb"},
     RC_UNSUPPORTED},
};

static void places_are_checked(void **state)
{
    uint8_t bytes[8192];

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct device *lower, *volume;
        SCOPED(secret) key = {0};

        assert_int_equal(secret_alloc(&key, 64, NULL), RC_OK);
        key.at[0] = 1; /* XTS wants halves that differ */
        assert_int_equal(device_open_memory(&lower, bytes, sizeof bytes, NULL), RC_OK);
        check(places[i].what,
              volume_open(&volume, lower, &places[i].place, &key, NULL) == places[i].rc);
        device_close(lower);
    }
}

static void a_volume_follows_its_file(void **state)
{
    struct volume_place place = {
        .offset = BEFORE, .len = SIZE, .sector_size = 4096, .encryption = "aes-xts-plain64"};
    int fd = memfd_create("lower", MFD_CLOEXEC);
    uint8_t block[4096] = {1}, back[4096];
    struct device *lower;
    struct place p = {0};
    char path[32];

    (void)state;
    open_volume(&p, 4096, 0); /* its sectors end before the lower device does */
    assert_int_equal(device_follow(p.device, BEFORE + SIZE, NULL), RC_UNSUPPORTED);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(ftruncate(fd, BEFORE + SIZE), 0);
    assert_int_equal(device_open_file(&lower, path, false, DEVICE_UNLOCKED, NULL), RC_OK);
    device_close(p.device);
    assert_int_equal(volume_open(&p.device, lower, &place, &p.key, NULL), RC_OK);
    assert_int_equal(device_follow(p.device, BEFORE + SIZE + 512, NULL), RC_TRUNCATED);
    assert_int_equal(p.device->size, SIZE);
    assert_int_equal(ftruncate(fd, BEFORE + SIZE + 4096 + 512), 0);
    assert_int_equal(device_write(p.device, SIZE, block, sizeof block, NULL), RC_FORMAT);
    assert_int_equal(device_follow(p.device, BEFORE + SIZE + 4096 + 512, NULL), RC_OK);
    assert_int_equal(p.device->size, SIZE + 4096);
    assert_int_equal(device_write(p.device, SIZE, block, sizeof block, NULL), RC_OK);
    assert_int_equal(device_read(p.device, SIZE, back, sizeof back, NULL), RC_OK);
    assert_memory_equal(block, back, sizeof back);
    assert_int_equal(device_follow(p.device, BEFORE + 4096, NULL), RC_OK);
    assert_int_equal(p.device->size, 4096);
    assert_int_equal(device_follow(p.device, BEFORE + 4095, NULL), RC_TRUNCATED);
    assert_int_equal(device_read(p.device, 4096, back, 1, NULL), RC_FORMAT);
    close_volume(&p);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sectors_below_are_the_ciphers),
        cmocka_unit_test(odd_ranges_equal_a_plain_copy),
        cmocka_unit_test(writers_of_one_sector_lose_nothing),
        cmocka_unit_test(long_and_short_writes_keep_in_step),
        cmocka_unit_test(places_are_checked),
        cmocka_unit_test(a_volume_follows_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
