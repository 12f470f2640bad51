#include "gate/compress/gzip_stream.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/test/check.h"

enum { BODY_MAX = 200000 };

static uint8_t body[BODY_MAX], squeezed[BODY_MAX + 4096], back[BODY_MAX];

/* Text that compresses, and bytes that do not. */
static void fill(bool random)
{
    uint32_t state = 1;

    for (size_t i = 0; i < BODY_MAX; i++) {
        state = state * 1664525 + 1013904223;
        body[i] =
            random ? (uint8_t)(state >> 24) : (uint8_t) "{\"name\": \"value\"}\n"[i % 18];
    }
}

/* How many bytes zlib makes of what was written. */
static size_t expand(size_t len, bool to_end)
{
    z_stream z = {
        .next_in = squeezed, .avail_in = (uInt)len, .next_out = back, .avail_out = BODY_MAX};
    int rc;

    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    rc = inflate(&z, Z_SYNC_FLUSH);
    assert_int_equal(inflateEnd(&z), Z_OK);
    if (to_end)
        assert_int_equal(rc, Z_STREAM_END);
    return BODY_MAX - z.avail_out;
}

/* Pushes in pieces of `step` bytes, through a room of `room` bytes. */
static size_t squeeze(struct gzip_stream *s, size_t len, size_t step, size_t room, bool flush)
{
    size_t written = 0;

    for (size_t at = 0; at <= len; at += step) {
        bool last = at + step > len;
        struct span in = span_of(body + at, last ? len - at : step);
        enum gzip_push push = last ? GZIP_END : flush ? GZIP_FLUSH : GZIP_MORE;
        enum rc rc;

        do {
            struct buffer out = buffer_over(squeezed + written, room);

            rc = gzip_stream_push(s, &in, push, &out);
            written += out.len;
            assert_true(written + room <= sizeof squeezed);
        } while (rc == RC_AGAIN);
        assert_int_equal(rc, RC_OK);
        assert_int_equal(in.len, 0);
        if (flush && !last) {
            assert_false(gzip_stream_holds(s));
            assert_int_equal(expand(written, false), at + step);
        }
    }
    return written;
}

static void every_level_size_and_room(void **state)
{
    static const size_t sizes[] = {0, 1, 20, 257, 1000, 65536, 150000};
    static const size_t rooms[] = {GZIP_ROOM, 1000, 28000};
    struct gzip_stream *spare = NULL;

    (void)state;
    for (int random = 0; random < 2; random++) {
        fill(random);
        for (size_t i = 0; i < 7; i++) {
            for (size_t k = 0; k < 3; k++) {
                uint64_t length = k == 0 ? sizes[i] : k == 1 ? UINT64_MAX : 5;
                struct gzip_stream *s = gzip_stream_open(&spare, k == 2 ? 9 : 1, length);
                size_t len = squeeze(s, sizes[i], 7001, rooms[k], false);

                assert_int_equal(expand(len, true), sizes[i]);
                assert_memory_equal(back, body, sizes[i]);
                gzip_stream_release(s, &spare);
            }
        }
    }
    gzip_stream_close(spare);
}

static void what_is_flushed_can_be_read(void **state)
{
    struct gzip_stream *spare = NULL, *s = gzip_stream_open(&spare, 1, UINT64_MAX), *first = s;
    struct span nothing = {0};
    struct buffer out = buffer_over(squeezed, sizeof squeezed);

    (void)state;
    fill(true);
    assert_false(gzip_stream_holds(s));
    assert_int_equal(gzip_stream_push(s, &nothing, GZIP_FLUSH, &out), RC_OK);
    assert_int_equal(out.len, 0);
    squeeze(s, 30000, 999, 200, true);
    gzip_stream_release(s, &spare);
    s = gzip_stream_open(&spare, 1, UINT64_MAX);
    assert_ptr_equal(s, first); /* used again, and as new */
    assert_int_equal(expand(squeeze(s, 500, 501, 1000, false), true), 500);
    gzip_stream_release(s, &spare);
    s = gzip_stream_open(&spare, 2, UINT64_MAX);
    assert_ptr_not_equal(s, first);
    gzip_stream_close(s);
    gzip_stream_close(spare);
    gzip_stream_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_size_and_room),
        cmocka_unit_test(what_is_flushed_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
