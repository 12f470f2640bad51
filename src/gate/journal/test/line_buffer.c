#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scoped.h"
#include "base/test/check.h"
#include "gate/journal/line_buffer.h"

static char written[65536];
static size_t length;
static unsigned writes;

static void write_down(void *of, struct span lines)
{
    assert_ptr_equal(of, written);
    memcpy(written + length, lines.at, lines.len);
    length += lines.len;
    written[length] = 0;
    writes++;
}

static struct line_buffer *make(struct arena *arena, size_t size, uint64_t flush_ms, int level)
{
    struct line_buffer *b = line_buffer_make(size, flush_ms, level, arena);

    assert_non_null(b);
    length = 0;
    writes = 0;
    written[0] = 0;
    return b;
}

static void add(struct line_buffer *b, const char *line)
{
    line_buffer_add(b, span_text(line), write_down, written);
}

static void lines_leave_together_and_in_their_order(void **state)
{
    SCOPED(arena) arena = {0};
    struct line_buffer *b = make(&arena, 8, 0, 0);

    (void)state;
    add(b, "abc\n");
    add(b, "def\n");
    assert_int_equal(writes, 0);
    add(b, "g\n"); /* no room: the two before it go */
    assert_string_equal(written, "abc\ndef\n");
    add(b, "too long a line\n");
    assert_string_equal(written, "abc\ndef\ng\ntoo long a line\n");
    assert_int_equal(writes, 3);
    line_buffer_flush(b, write_down, written);
    assert_int_equal(writes, 3); /* there is nothing to write */
    add(b, "h\n");
    line_buffer_flush(b, write_down, written);
    assert_string_equal(written, "abc\ndef\ng\ntoo long a line\nh\n");
}

static void the_oldest_line_says_when(void **state)
{
    SCOPED(arena) arena = {0};
    struct line_buffer *b = make(&arena, 8, 1000, 0);
    uint64_t now_ms = clock_ms(), due_ms;

    (void)state;
    assert_int_equal(line_buffer_due(b), 0);
    add(b, "abc\n");
    due_ms = line_buffer_due(b);
    assert_true(due_ms >= now_ms + 1000);
    usleep(2000);
    add(b, "d\n");
    assert_int_equal(line_buffer_due(b), due_ms);
    line_buffer_flush(b, write_down, written);
    assert_int_equal(line_buffer_due(b), 0);
    b = make(&arena, 8, 0, 0);
    add(b, "abc\n");
    assert_int_equal(line_buffer_due(b), 0);
}

static void each_time_is_a_member_of_its_own(void **state)
{
    SCOPED(arena) arena = {0};
    struct line_buffer *b;
    size_t first;

    (void)state;
    for (int level = 1; level <= 9; level++) {
        b = make(&arena, 8, 0, level);
        add(b, "abc\n");
        line_buffer_flush(b, write_down, written);
        first = length;
        assert_true(first > 18 && (uint8_t)written[0] == 0x1f && (uint8_t)written[1] == 0x8b);
        add(b, "too long a line\n");
        assert_int_equal(writes, 2);
        assert_true((uint8_t)written[first] == 0x1f && (uint8_t)written[first + 1] == 0x8b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_leave_together_and_in_their_order),
        cmocka_unit_test(the_oldest_line_says_when),
        cmocka_unit_test(each_time_is_a_member_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
