#include "keep/mount/nbd_protocol.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/test/check.h"

enum { SIZE = 1 << 20 };

static const struct nbd_export export = {
    .size = SIZE, .block_size = 4096, .unbroken_max = 65536, .trims = true};
static const struct nbd_export read_only = {
    .size = SIZE, .block_size = 512, .unbroken_max = 65536, .read_only = true};

static enum rc greet(struct nbd_session *session, const struct nbd_export *of, uint32_t flags)
{
    uint8_t bytes[4];

    nbd_begin(session, of);
    assert_int_equal(session->reply_len, 18);
    assert_memory_equal(session->reply, "NBDMAGICIHAVEOPT\0\3", 18);
    assert_int_equal(session->wants, sizeof bytes);
    be32_put(bytes, flags);
    return nbd_step(session, bytes);
}

static enum rc ask(struct nbd_session *session, uint32_t option, const void *data, size_t len)
{
    uint8_t head[16] = "IHAVEOPT";
    enum rc rc;

    be32_put(head + 8, option);
    be32_put(head + 12, (uint32_t)len);
    assert_int_equal(session->wants, sizeof head);
    rc = nbd_step(session, head);
    if (len == 0 || rc != RC_AGAIN)
        return rc;
    assert_int_equal(session->reply_len, 0);
    assert_int_equal(session->wants, len);
    return nbd_step(session, data);
}

/* The type of the reply that begins at `at`. */
static uint32_t type_at(const struct nbd_session *session, size_t at, uint32_t option)
{
    assert_true(session->reply_len >= at + 20);
    assert_true(be64_get(session->reply + at) == UINT64_C(0x3e889045565a9));
    assert_int_equal(be32_get(session->reply + at + 8), option);
    return be32_get(session->reply + at + 12);
}

static void every_option_has_its_reply(void **state)
{
    static const struct {
        const char *what;
        uint32_t option, type;
        const char *data;
        size_t len;
        enum rc rc;
    } cases[] = {
        {"list", 3, 2, "", 0, RC_AGAIN},
        {"list with data", 3, 0x80000003, "x", 1, RC_AGAIN},
        {"info", 6, 3, "\0\0\0\0\0\0", 6, RC_AGAIN},
        {"info of another", 6, 0x80000006, "\0\0\0\1x\0\0", 7, RC_AGAIN},
        {"info cut off", 6, 0x80000003, "\0\0\0\0\0", 5, RC_AGAIN},
        {"info whose name is too long", 6, 0x80000003, "\0\0\0\5x\0\0", 7, RC_AGAIN},
        {"info that lacks what it counts", 6, 0x80000003, "\0\0\0\0\0\2\0\3", 8, RC_AGAIN},
        {"structured replies", 8, 1, "", 0, RC_AGAIN},
        {"TLS", 5, 0x80000001, "", 0, RC_AGAIN},
        {"what nobody knows", 77, 0x80000001, "data", 4, RC_AGAIN},
        {"abort", 2, 1, "", 0, RC_END},
        {"go", 7, 3, "\0\0\0\0\0\1\0\3", 8, RC_OK},
    };
    struct nbd_session session;

    (void)state;
    assert_int_equal(greet(&session, &export, 3), RC_AGAIN);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(cases[i].what,
              ask(&session, cases[i].option, cases[i].data, cases[i].len) == cases[i].rc);
        check(cases[i].what, type_at(&session, 0, cases[i].option) == cases[i].type);
    }
}

static void go_tells_size_flags_and_blocks(void **state)
{
    struct nbd_session session;
    const uint8_t *at = session.reply + 20;

    (void)state;
    assert_int_equal(greet(&session, &export, 3), RC_AGAIN);
    assert_int_equal(ask(&session, 8, NULL, 0), RC_AGAIN);
    assert_int_equal(ask(&session, 7, "\0\0\0\0\0\0", 6), RC_OK);
    assert_int_equal(be16_get(at), 0);
    assert_int_equal(be64_get(at + 2), SIZE);
    assert_int_equal(be16_get(at + 10), 0x1ed); /* all but READ_ONLY and ROTATIONAL */
    at += 12 + 20;
    assert_int_equal(be16_get(at), 3);
    assert_int_equal(be32_get(at + 2), 1);
    assert_int_equal(be32_get(at + 6), 4096);
    assert_int_equal(be32_get(at + 10), NBD_LENGTH_MAX);
    assert_int_equal(type_at(&session, 32 + 34, 7), 1);
}

static void the_old_way_in(void **state)
{
    struct nbd_session session;

    (void)state;
    assert_int_equal(greet(&session, &read_only, 1), RC_AGAIN);
    assert_int_equal(ask(&session, 1, NULL, 0), RC_OK);
    assert_int_equal(session.reply_len, 134);
    assert_int_equal(be64_get(session.reply), SIZE);
    assert_int_equal(be16_get(session.reply + 8), 0x10f);
    assert_int_equal(greet(&session, &read_only, 3), RC_AGAIN);
    assert_int_equal(ask(&session, 1, NULL, 0), RC_OK);
    assert_int_equal(session.reply_len, 10);
    assert_int_equal(greet(&session, &read_only, 3), RC_AGAIN);
    assert_int_equal(ask(&session, 1, "name", 4), RC_END);
    assert_int_equal(session.reply_len, 0);
}

static void who_speaks_another_language_is_sent_away(void **state)
{
    struct nbd_session session;
    uint8_t head[16] = "IHAVEOPT";

    (void)state;
    assert_int_equal(greet(&session, &export, 4), RC_FORMAT);
    assert_int_equal(greet(&session, &export, 3), RC_AGAIN);
    assert_int_equal(nbd_step(&session, (const uint8_t *)"GET / HTTP/1.1\r\n"), RC_FORMAT);
    assert_int_equal(greet(&session, &export, 3), RC_AGAIN);
    be32_put(head + 8, 7);
    be32_put(head + 12, NBD_OPTION_MAX + 1);
    assert_int_equal(nbd_step(&session, head), RC_LIMIT);
}

static void request(uint8_t bytes[NBD_REQUEST], uint16_t flags, uint16_t command,
                    uint64_t offset, uint32_t len)
{
    be32_put(bytes, 0x25609513);
    be16_put(bytes + 4, flags);
    be16_put(bytes + 6, command);
    memcpy(bytes + 8, "cookie!!", 8);
    be64_put(bytes + 16, offset);
    be32_put(bytes + 24, len);
}

static void requests_are_checked(void **state)
{
    static const struct {
        const char *what;
        uint16_t flags, command;
        uint64_t offset;
        uint32_t len;
        int error, read_only_error;
    } cases[] = {
        {"read", 0, NBD_READ, 0, SIZE, 0, 0},
        {"read of nothing", 0, NBD_READ, 0, 0, EINVAL, EINVAL},
        {"read over the end", 0, NBD_READ, SIZE - 1, 2, EINVAL, EINVAL},
        {"read far behind it", 0, NBD_READ, UINT64_MAX, 2, EINVAL, EINVAL},
        {"unbroken read", 4, NBD_READ, 0, 65536, 0, 0},
        {"unbroken read, too long", 4, NBD_READ, 0, 65537, EOVERFLOW, EOVERFLOW},
        {"write", 1, NBD_WRITE, SIZE - 1, 1, 0, EPERM},
        {"write over the end", 0, NBD_WRITE, SIZE - 1, 2, ENOSPC, EPERM},
        {"write of nothing", 0, NBD_WRITE, 0, 0, EINVAL, EPERM},
        {"zeroes", 0, NBD_WRITE_ZEROES, 0, SIZE, 0, EPERM},
        {"zeroes over the end", 0, NBD_WRITE_ZEROES, 1, SIZE, ENOSPC, EPERM},
        {"trim", 0, NBD_TRIM, 0, SIZE, 0, EPERM},
        {"trim over the end", 0, NBD_TRIM, 1, SIZE, EINVAL, EPERM},
        {"flush", 0, NBD_FLUSH, 0, 0, 0, 0},
        {"what nobody knows", 0, 99, 0, 1, EINVAL, EINVAL},
    };
    struct nbd_session writable = {.export = &export, .structured = true};
    struct nbd_session other = {.export = &read_only, .structured = true};
    uint8_t bytes[NBD_REQUEST];
    struct nbd_request r;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request(bytes, cases[i].flags, cases[i].command, cases[i].offset, cases[i].len);
        assert_int_equal(nbd_request_read(&r, bytes), RC_OK);
        check(cases[i].what, nbd_request_check(&writable, &r) == cases[i].error);
        check(cases[i].what, nbd_request_check(&other, &r) == cases[i].read_only_error);
    }
    request(bytes, 0, NBD_WRITE, 0, NBD_LENGTH_MAX + 1);
    assert_int_equal(nbd_request_read(&r, bytes), RC_FORMAT);
    bytes[0] = 0;
    assert_int_equal(nbd_request_read(&r, bytes), RC_FORMAT);
}

static void replies_have_their_heads(void **state)
{
    struct nbd_session simple = {.export = &export}, chunks = simple;
    struct nbd_request r = {.command = NBD_READ, .offset = 100, .len = 30};
    uint8_t head[NBD_HEAD_MAX];

    (void)state;
    chunks.structured = true;
    memcpy(r.cookie, "cookie!!", 8);
    assert_int_equal(nbd_put_data(head, &simple, &r, 0, 10), 16);
    assert_memory_equal(head, "\x67\x44\x66\x98\0\0\0\0cookie!!", 16);
    assert_int_equal(nbd_put_data(head, &simple, &r, 10, 20), 0);
    assert_int_equal(nbd_put_data(head, &chunks, &r, 0, 10), 28);
    assert_memory_equal(head, "\x66\x8e\x33\xef\0\0\0\1cookie!!\0\0\0\x12\0\0\0\0\0\0\0\x64",
                        28);
    assert_int_equal(nbd_put_data(head, &chunks, &r, 10, 20), 28);
    assert_memory_equal(head, "\x66\x8e\x33\xef\0\1\0\1cookie!!\0\0\0\x1c\0\0\0\0\0\0\0\x6e",
                        28);
    assert_int_equal(nbd_put_done(head, &chunks, &r, EIO), 26);
    assert_memory_equal(head, "\x66\x8e\x33\xef\0\1\x80\1cookie!!\0\0\0\6\0\0\0\5\0\0", 26);
    assert_int_equal(nbd_put_done(head, &simple, &r, EIO), 16);
    assert_memory_equal(head, "\x67\x44\x66\x98\0\0\0\5cookie!!", 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_its_reply),
        cmocka_unit_test(go_tells_size_flags_and_blocks),
        cmocka_unit_test(the_old_way_in),
        cmocka_unit_test(who_speaks_another_language_is_sent_away),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(replies_have_their_heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
