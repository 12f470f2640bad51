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
        cmocka_unit_test(places_are_checked),
        cmocka_unit_test(a_volume_follows_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
