/* The head of an origin's answer. */
#include <stdlib.h>
#include <string.h>

#include "gate/request_proxy.h"

enum {
    ANSWER_HEAD_MIN =
        32 * 1024, /* an origin's head may be that large, however small proxy_buffer_size is */
    ANSWER_FIELDS_MAX = 4096
};

enum rc request_read_origin(struct request *r, void *at, size_t size, size_t *got)
{
    struct origin *origin = r->origin;
    enum rc rc;

    *got = 0;
    while (*got < size) {
        size_t more = 0;

        if (!origin->readable)
            break;
        rc = stream_read(&origin->stream, (uint8_t *)at + *got, size - *got, &more);
        if (rc == RC_AGAIN)
            origin->readable = false;
        if (rc != RC_OK) {
            if (*got > 0)
                break; /* told again by the next call */
            return rc;
        }
        *got += more;
        last_try(r)->received += more;
        if (stream_is_plain(&origin->stream)) { /* TLS gives one record at a time */
            if (*got < size && !origin->hangup)
                origin->readable = false;
            break;
        }
    }
    return *got > 0 ? RC_OK : RC_AGAIN;
}

enum rc request_wait_for_both(struct request *r, enum rc up)
{
    const struct settings *s = request_settings(r);
    bool from_client = up == RC_AGAIN && spill_is_empty(&r->to_origin);

    request_wait(r, from_client ? s->http.client_body_timeout_ms : 0,
                 up == RC_AGAIN ? (from_client ? 0 : s->proxy.send_timeout_ms)
                                : s->proxy.read_timeout_ms);
    return RC_AGAIN;
}

/* The head did not come whole: what there is of it is kept, and the rest is read behind it. */
static enum rc keep_head(struct request *r, const uint8_t *at, size_t len, size_t most)
{
    if (!r->answer_bytes && !(r->answer_bytes = malloc(most)))
        return RC_MEMORY;
    if (at != r->answer_bytes)
        memmove(r->answer_bytes, at, len);
    r->answer_got = len;
    return RC_OK;
}

static size_t answer_head_max(const struct request *r)
{
    uint64_t set = proxy_of(r)->buffer_size;

    return set > ANSWER_HEAD_MIN && set < SCRATCH_IN ? (size_t)set : ANSWER_HEAD_MIN;
}

/* early_hints: does the client get this interim answer? One that takes nothing now is not made to wait for it. */
static bool passes_hints(struct request *r)
{
    if (r->answer.code != 103 || r->parent || r->head.version < 11 || r->head_sent ||
        r->continue_due || !spill_is_empty(&r->to_client))
        return false;
    return predicates_hold(&proxy_of(r)->hints, r, buffer_over(r->service->out, SCRATCH_OUT));
}

/* Is that field about a body, of which an interim answer has none? */
static bool is_of_body(enum field_id id)
{
    return id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING;
}

static enum rc pass_hints(struct request *r)
{
    const struct head *head = &r->answer.head;
    struct buffer out = buffer_over(r->service->out, SCRATCH_OUT);
    struct iovec piece = {.iov_base = out.at};
    const bool nominates = filter_nominates(head);
    enum rc rc;

    buffer_add(&out, SPAN("HTTP/1.1 103 Early Hints\r\n"));
    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];

        if (is_of_body(field->id) ||
            filter_response_drops(&r->location->filter, head, field, nominates))
            continue;
        buffer_add(&out, field_name(head, field));
        buffer_add(&out, SPAN(": "));
        buffer_add(&out, field_value(head, field));
        buffer_add(&out, SPAN("\r\n"));
    }
    buffer_add(&out, SPAN("\r\n"));
    if (out.full)
        return RC_OK;
    piece.iov_len = out.len;
    rc = request_send(r, &piece, 1);
    r->head_sent = false;
    r->hints_bytes += out.len;
    return rc == RC_AGAIN ? RC_OK : rc;
}

/* RC_OK: the head is complete and dealt with; RC_AGAIN: more is needed. */
static enum rc parse_answer(struct request *r, const uint8_t *at, size_t len)
{
    size_t most = answer_head_max(r);

    for (;;) {
        struct fault why = {0};
        enum rc rc = h1_response_parse(&r->answer, at, len, r->asked_head, false,
                                       (uint32_t)most, ANSWER_FIELDS_MAX, &why);

        if (rc == RC_MEMORY && request_more_answer_fields(r) == RC_OK)
            continue;
        if (rc == RC_AGAIN && len < most)
            return keep_head(r, at, len, most) == RC_OK ? RC_AGAIN : RC_MEMORY;
        if (rc == RC_AGAIN || rc == RC_LIMIT) {
            request_log(r, LOG_LEVEL_ERROR,
                        "upstream sent too big header while reading response "
                        "header from upstream");
            return request_fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
        }
        if (rc == RC_MEMORY)
            return rc;
        if (rc != RC_OK) {
            request_log(r, LOG_LEVEL_ERROR, "upstream sent invalid header: %s", why.text);
            return request_fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
        }
        if (r->answer.code >= 200 || r->answer.code == 101)
            break;
        if (passes_hints(r) && (rc = pass_hints(r)) != RC_OK)
            return rc;
        at += r->answer.head.len; /* an interim answer, such as 100 or 103 */
        len -= r->answer.head.len;
        if (len == 0) {
            r->answer_got = 0;
            return RC_AGAIN;
        }
    }
    return request_begin_answer(r, span_of(at + r->answer.head.len, len - r->answer.head.len));
}

static bool is_complete(const struct h1_response *answer, struct span rest)
{
    struct chunked chunked = {0};
    struct span piece;
    enum rc rc = RC_OK;

    if (answer->framing != FRAMING_CHUNKED)
        return answer->framing != FRAMING_LENGTH || rest.len >= answer->length;
    while (rc == RC_OK)
        rc = chunked_next(&chunked, &rest, &piece, NULL);
    return rc != RC_AGAIN;
}

bool request_is_cut_short(struct request *r, struct span rest)
{
    return r->origin->hangup && !is_complete(&r->answer, rest) && origin_has_ended(r->origin);
}

/* What was understood of a head that is not passed on: its bytes do not last. */
static void forget_answer(struct request *r)
{
    r->answer = (struct h1_response){
        .head = {.fields = r->answer.head.fields, .capacity = r->answer.head.capacity}};
}

enum rc request_receive(struct request *r)
{
    enum rc up = request_pump_up(r);

    if (up == RC_IO)
        return request_abandon(r);
    if (up != RC_OK && up != RC_AGAIN)
        return request_refuse_body(r, up);
    for (;;) {
        uint8_t *at = r->answer_bytes ? r->answer_bytes : r->service->in;
        size_t size = r->answer_bytes ? answer_head_max(r) : SCRATCH_IN, got = 0;
        enum rc rc;

        if (r->origin_timed_out)
            return request_fail_timeout(r, !spill_is_empty(&r->to_origin)
                                               ? "sending request to upstream"
                                               : "reading response header from upstream");
        rc = request_read_origin(r, at + r->answer_got, size - r->answer_got, &got);
        if (rc == RC_AGAIN) {
            if (is_abandoned(r))
                return request_abandon(r);
            return r->up_failed && r->origin->hangup
                       ? request_fail_error(
                             r, "writev() failed while sending request to upstream")
                       : request_wait_for_both(r, up);
        }
        if (rc == RC_END)
            return request_fail_error(
                r, "upstream prematurely closed connection while reading response "
                   "header from upstream");
        if (rc != RC_OK)
            return request_fail_error(
                r, "recv() failed while reading response header from upstream");
        rc = parse_answer(r, at, r->answer_got + got);
        if (!r->answer_is_whole)
            forget_answer(r);
        if (rc != RC_AGAIN)
            return rc;
    }
}
