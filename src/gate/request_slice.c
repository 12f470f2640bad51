/*
 * Parts of an origin's answer for a client that asked for a part: proxy_force_ranges cuts them out of a whole one;
 * slice asks for the body in pieces of one size, one request behind the other, and cuts what they make together.
 */
#include <inttypes.h>

#include "gate/request_proxy.h"
#include "gate/respond/conditions.h"
#include "gate/respond/http_date.h"
#include "gate/respond/range.h"
#include "gate/variables.h"
#include "gate/variables_room.h"

static struct span asked(const struct request *r, enum field_id id)
{
    const struct field *field = head_find(&r->head.head, id);

    return field ? field_value(&r->head.head, field) : (struct span){0};
}

static struct span answered(const struct request *r, enum field_id id)
{
    const struct field *field = head_find(&r->answer.head, id);

    return field ? field_value(&r->answer.head, field) : (struct span){0};
}

/* A body is sent anew with each slice. */
static bool may_repeat(const struct request *r)
{
    return request_body(r).framing == FRAMING_NONE || r->is_kept ||
           proxy_of(r)->request_buffering;
}

bool variables_slice_range(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const uint64_t size = proxy_of(r)->slice_size;
    struct buffer b;

    (void)rest;
    (void)of;
    if (size == 0 || r->parent || (!r->slice.is_on && (r->head_sent || r->answer_is_whole)) ||
        !may_repeat(r))
        return false;
    if (!r->slice.is_on) {
        r->slice.is_on = true;
        r->slice.start = range_first(asked(r, FIELD_RANGE)) / size * size;
    }
    b = room(r, 64);
    if (b.at) {
        buffer_add(&b, SPAN("bytes="));
        buffer_add_number(&b, r->slice.start);
        buffer_add_byte(&b, '-');
        buffer_add_number(&b, r->slice.start + size - 1);
    }
    return give(&b, value);
}

/* Is the answer the slice that was asked for? The fault says what is wrong. */
static enum rc check_slice(struct request *r, uint64_t *whole, struct fault *why)
{
    const uint64_t size = proxy_of(r)->slice_size;
    struct span etag = answered(r, FIELD_ETAG);
    struct range range;
    uint64_t end;

    if (r->answer.code != 206)
        return fail(why, RC_FORMAT, "unexpected status code %u in slice response",
                    r->answer.code);
    if (r->slice.etag.len > 0 && !span_equal(etag, r->slice.etag))
        return fail(why, RC_FORMAT, "etag mismatch in slice response");
    if (range_parse_content(answered(r, FIELD_CONTENT_RANGE), &range, whole) != RC_OK)
        return fail(why, RC_FORMAT, "invalid range in slice response");
    end = *whole - r->slice.start < size ? *whole : r->slice.start + size;
    if (range.first != r->slice.start || range.end != end)
        return fail(why, RC_FORMAT, "unexpected range in slice response: %" PRIu64 "-%" PRIu64,
                    range.first, range.end);
    if (r->answer.has_length && r->answer.length != end - range.first)
        return fail(why, RC_FORMAT, "unexpected length of slice response");
    if (etag.len > 0 && r->slice.etag.len == 0)
        r->slice.etag = etag;
    r->slice.left = (int64_t)(end - range.first);
    return RC_OK;
}

/* Which bytes of `whole` the client gets, of which the first to come is byte `from`. The status. */
static unsigned plan_window(struct request *r, uint64_t from, uint64_t whole)
{
    const struct conditions conditions = {.if_range = asked(r, FIELD_IF_RANGE)};
    struct validators validators = {.etag = answered(r, FIELD_ETAG)};
    struct span wanted = asked(r, FIELD_RANGE);
    struct range ranges[2] = {{0, whole}};
    unsigned code = 200;
    size_t count = 0;

    validators.has_modified =
        http_date_parse(answered(r, FIELD_LAST_MODIFIED), &validators.modified);
    if (wanted.at && r->head.method == METHOD_GET && !r->error_status &&
        conditions_allow_range(&conditions, &validators) &&
        request_settings(r)->respond.max_ranges > 0)
        code = range_parse(wanted, whole, ranges, 2, &count);
    if (code == 206 && count > 1)
        code = 200;
    if (code != 206)
        ranges[0] = (struct range){0, whole};
    r->window = (struct window){
        .is_on = true,
        .code = code,
        .skip = ranges[0].first - from,
        .begin = ranges[0].first,
        .left = ranges[0].end - ranges[0].first,
        .whole = whole,
    };
    return code;
}

bool request_shape_window(struct request *r, enum rc *rc)
{
    uint64_t whole = r->answer.length;
    struct fault why = {0};

    if (r->slice.is_on && r->answer.code != 206 && !r->slice.goes_on)
        r->slice.is_on = false; /* an origin that knows no ranges: as it comes */
    if (r->slice.is_on && check_slice(r, &whole, &why) != RC_OK) {
        request_log(r, LOG_LEVEL_ERROR, "%s", why.text);
        if (r->slice.goes_on)
            request_leave_origin(r, true);
        *rc = r->slice.goes_on ? RC_IO : request_fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
        return true;
    }
    if (r->slice.goes_on)
        return false;
    if (r->slice.is_on) {
        plan_window(r, r->slice.start, whole);
        if (r->window.code == 200 && r->slice.start > 0) { /* the whole is wanted after all */
            r->slice.start = 0;
            request_ask_again(r);
            *rc = RC_OK;
            return true;
        }
    } else if (proxy_of(r)->force_ranges && r->answer.code == 200 && r->answer.has_length) {
        plan_window(r, 0, whole);
    }
    return false;
}

void request_write_window(struct request *r, struct reply *reply)
{
    struct buffer text = buffer_over(request_memory(r, 80), 80);
    const struct range range = {r->window.begin, r->window.begin + r->window.left};

    reply->code = r->window.code;
    reply->status = (struct span){0};
    reply->has_length = true;
    reply->length = r->window.left;
    reply->accept_ranges = r->window.code == 200;
    if (r->window.code != 206 || !text.at)
        return;
    range_write(&range, r->window.whole, &text);
    reply->content_range = buffer_span(&text);
}

void request_add_window(const struct request *r, const struct reply *reply, struct buffer *out)
{
    if (reply->content_range.len > 0) {
        buffer_add(out, SPAN("Content-Range: "));
        buffer_add(out, reply->content_range);
        buffer_add(out, SPAN("\r\n"));
    }
    if (reply->accept_ranges && !r->reshaped)
        buffer_add(out, SPAN("Accept-Ranges: bytes\r\n"));
}

enum rc request_answer_unsatisfied(struct request *r)
{
    struct buffer text = buffer_over(request_memory(r, 80), 80);
    struct reply reply = {.code = 416};

    if (!text.at)
        return RC_MEMORY;
    range_write_unsatisfied(r->window.whole, &text);
    reply.content_range = buffer_span(&text);
    r->window.is_on = r->slice.is_on = false;
    if (request_error_page(r, 416))
        return request_answer_status(r, 416);
    r->error_status = 416;
    return request_answer_page(r, &reply);
}

void request_cut_window(struct request *r, struct body_cut *cut)
{
    r->slice.left -= (int64_t)cut->total;
    cut->total = 0;
    for (int i = 0; i < cut->count; i++) {
        struct iovec *piece = &cut->pieces[i];
        size_t skip = piece->iov_len < r->window.skip ? piece->iov_len : r->window.skip;

        piece->iov_base = (uint8_t *)piece->iov_base + skip;
        piece->iov_len -= skip;
        r->window.skip -= skip;
        if (piece->iov_len > r->window.left)
            piece->iov_len = r->window.left;
        r->window.left -= piece->iov_len;
        cut->total += piece->iov_len;
    }
}

bool request_has_more_slices(const struct request *r)
{
    return r->slice.is_on && r->window.left > 0 && !r->is_head;
}

enum rc request_next_slice(struct request *r)
{
    const uint64_t size = proxy_of(r)->slice_size;

    if (r->slice.left != 0 || r->up_unretained) {
        request_log(r, LOG_LEVEL_ERROR, "unexpected length of slice response");
        request_leave_origin(r, true);
        return RC_IO;
    }
    r->slice.start += size;
    if (r->window.skip >= size) { /* what is wanted begins further on */
        r->slice.start += r->window.skip / size * size;
        r->window.skip %= size;
    }
    r->slice.goes_on = true;
    request_ask_again(r);
    return RC_OK;
}
