/*
 * What a client says of the answer it wants: the values of Range, If-Range, If-Match, If-None-Match,
 * If-Modified-Since and If-Unmodified-Since, one a line, of contents that are as long as the input.
 */
#include <assert.h>

#include "gate/respond/conditions.h"
#include "gate/respond/file.h"
#include "gate/respond/http_date.h"
#include "gate/respond/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static struct span next_line(struct span *rest)
{
    struct span line = span_cut(rest, span_find(*rest, '\n'));

    span_cut(rest, 1);
    return line;
}

static void check_ranges(struct span value, uint64_t size)
{
    struct range ranges[4];
    uint64_t sum = 0;
    size_t count;
    unsigned status = range_parse(value, size, ranges, 4, &count);

    assert(status == 200 || status == 206 || status == 416);
    if (status != 206)
        return;
    assert(count >= 1 && count <= 4);
    for (size_t i = 0; i < count; i++) {
        assert(ranges[i].first < ranges[i].end && ranges[i].end <= size);
        sum += ranges[i].end - ranges[i].first;
    }
    assert(sum <= size);
    assert(range_body_length("00000000000000000000", value, ranges, count, size) > sum);
}

/* A date that was understood is written in the form that is read to the same time. */
static void check_date(struct span value)
{
    char text[HTTP_DATE_LEN];
    time_t when, again;

    if (!http_date_parse(value, &when))
        return;
    http_date_format(when, text);
    assert(http_date_parse(span_of(text, sizeof text), &again) && again == when);
}

static void check_path(struct span path)
{
    char room[64];
    struct buffer out = buffer_over(room, sizeof room);

    if (file_path(SPAN("/srv/"), path.len > 3 ? 3 : 0, path, &out))
        assert(strlen(room) == out.len && !strstr(room, "/../"));
    assert(file_extension(path).len < path.len || path.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct span rest = span_of(at, len);
    const struct validators validators = {SPAN("\"64b0c5f2-1a\""), true, 784111777};
    struct conditions conditions;
    struct span range = next_line(&rest);
    unsigned status;

    conditions.if_range = next_line(&rest);
    conditions.if_match = next_line(&rest);
    conditions.if_none_match = next_line(&rest);
    conditions.if_modified_since = next_line(&rest);
    conditions.if_unmodified_since = next_line(&rest);
    status = conditions_check(&conditions, &validators);
    assert(status == 200 || status == 304 || status == 412);
    (void)conditions_allow_range(&conditions, &validators);
    check_ranges(range, len);
    check_date(conditions.if_modified_since);
    check_date(conditions.if_unmodified_since);
    check_path(rest);
    return 0;
}
