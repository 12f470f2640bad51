#include "base/span.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/test/check.h"

static void views_are_cut(void **state)
{
    struct span s = SPAN("abcdef"), head = span_cut(&s, 2);

    (void)state;
    assert_true(span_equal(head, SPAN("ab")));
    assert_true(span_equal(s, SPAN("cdef")));
    assert_true(span_equal(span_cut(&s, UINT64_MAX), SPAN("cdef")));
    assert_int_equal(s.len, 0);
    assert_int_equal(span_cut(&s, 1).len, 0);
    s = (struct span){0};
    assert_int_equal(span_cut(&s, 1).len, 0);
}

static void views_are_compared(void **state)
{
    (void)state;
    assert_true(span_equal_nocase(SPAN("HoSt"), SPAN("hOsT")));
    assert_false(span_equal_nocase(SPAN("host"), SPAN("hos")));
    assert_true(span_equal((struct span){0}, SPAN("")));
    assert_true(span_starts(SPAN("/api/x"), SPAN("/api/")));
    assert_false(span_starts(SPAN("/ap"), SPAN("/api/")));
    assert_int_equal(span_find(SPAN("a:b"), ':'), 1);
    assert_int_equal(span_find(SPAN("ab"), ':'), 2);
}

static void integers_have_their_order(void **state)
{
    uint8_t b[8];

    (void)state;
    be32_put(b, 0x01020304);
    assert_memory_equal(b, "\1\2\3\4", 4);
    assert_int_equal(le32_get(b), 0x04030201);
    le64_put(b, 1);
    assert_int_equal(be64_get(b), (uint64_t)1 << 56);
    be16_put(b, 0x0102);
    assert_int_equal(le16_get(b), 0x0201);
}

static void buffers_do_not_overflow(void **state)
{
    uint8_t room[8];
    struct buffer b = buffer_over(room, sizeof room);

    (void)state;
    buffer_add_number(&b, 0);
    buffer_add_number(&b, 1234567);
    assert_false(b.full);
    assert_true(span_equal(buffer_span(&b), SPAN("01234567")));
    buffer_add_byte(&b, 'x');
    assert_true(b.full);
    b = buffer_over(room, sizeof room);
    buffer_add_number(&b, UINT64_MAX);
    assert_true(b.full);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_cut),
        cmocka_unit_test(views_are_compared),
        cmocka_unit_test(integers_have_their_order),
        cmocka_unit_test(buffers_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
