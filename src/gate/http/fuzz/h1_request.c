/*
 * Heads of requests. What is accepted lies inside its bytes, does not depend on where it was
 * cut, and written out again means the same.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "gate/http/h1_request.h"

enum { FIELDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const struct h1_limits modes[] = {
    {.line_max = 1024, .field_max = 1024, .head_max = 4096, .fields_max = FIELDS},
    {.line_max = 60, .field_max = 60, .head_max = 4096, .fields_max = 4, .underscores = true},
    {.line_max = 1024,
     .field_max = 1024,
     .head_max = 4096,
     .fields_max = FIELDS,
     .keep_invalid = true},
};

static void check_within(const struct h1_request *r)
{
    uint32_t end = r->line_at + r->line_len;

    assert(end < r->head.len && r->method_len < r->line_len);
    assert(r->target_at >= r->line_at && r->target_at + r->target_len <= end);
    assert(r->path_at >= r->target_at);
    assert(r->path_at + r->path_len <= r->target_at + r->target_len);
    assert(r->authority_len == 0 ||
           (r->authority_at >= r->target_at &&
            r->authority_at + r->authority_len <= r->target_at + r->target_len));
    for (uint32_t i = 0; i < r->head.count; i++) {
        const struct field *field = &r->head.fields[i];

        assert(field->name > end && field->name_len > 0);
        assert(field->value > field->name + field->name_len - 1);
        assert(field->value + field->value_len < r->head.len);
        assert(field_id_of(field_name(&r->head, field)) == field->id);
        end = field->value + field->value_len;
    }
}

/* What cannot be framed in one way alone must not come out. */
static void check_framing(const struct h1_request *r)
{
    assert(!(r->chunked && r->has_length) && !(r->chunked && r->version < 11));
    assert(r->has_length == head_has(&r->head, FIELD_CONTENT_LENGTH));
    assert(r->chunked == head_has(&r->head, FIELD_TRANSFER_ENCODING));
    assert(!head_repeats(&r->head, FIELD_HOST) && r->length <= INT64_MAX);
    assert(r->version < 11 || head_has(&r->head, FIELD_HOST));
}

static void check_same(const struct h1_request *a, const struct h1_request *b)
{
    assert(a->method == b->method && a->form == b->form && a->version == b->version);
    assert(a->chunked == b->chunked && a->has_length == b->has_length);
    assert(a->length == b->length && a->keep_alive == b->keep_alive);
    assert(a->wants_upgrade == b->wants_upgrade && a->has_nominated == b->has_nominated);
    assert(a->expects_continue == b->expects_continue);
    assert(a->head.count == b->head.count && a->head.repeated == b->head.repeated);
    assert(span_equal(h1_request_target(a), h1_request_target(b)));
    assert(span_equal(h1_request_authority(a), h1_request_authority(b)));
    assert(span_equal(h1_request_path(a), h1_request_path(b)));
    for (uint32_t i = 0; i < a->head.count; i++) {
        const struct field *x = &a->head.fields[i], *y = &b->head.fields[i];

        assert(span_equal(field_name(&a->head, x), field_name(&b->head, y)));
        assert(span_equal(field_value(&a->head, x), field_value(&b->head, y)));
    }
}

static void write_out(const struct h1_request *r, struct buffer *b)
{
    buffer_add(b, h1_request_line(r));
    buffer_add(b, SPAN("\r\n"));
    for (uint32_t i = 0; i < r->head.count; i++) {
        buffer_add(b, field_name(&r->head, &r->head.fields[i]));
        buffer_add(b, SPAN(":"));
        buffer_add(b, field_value(&r->head, &r->head.fields[i]));
        buffer_add(b, SPAN("\r\n"));
    }
    if (r->version > 9)
        buffer_add(b, SPAN("\r\n"));
    assert(!b->full);
}

static void check_again(const struct h1_request *r, const struct h1_limits *limits)
{
    uint8_t room[8192];
    struct buffer b = buffer_over(room, sizeof room);
    struct field fields[FIELDS];
    struct h1_request again = {.head = {.fields = fields, .capacity = FIELDS}};
    enum rc rc;

    write_out(r, &b);
    rc = h1_request_parse(&again, b.at, b.len, limits, NULL);
    assert(rc == RC_OK && again.head.len == b.len);
    check_same(r, &again);
}

/* A piece, then more of it, then all: the bytes move, as a buffer that grows would. */
static void check_cut(const struct h1_request *r, const uint8_t *at, size_t len, size_t cut,
                      const struct h1_limits *limits)
{
    struct field fields[FIELDS];
    struct h1_request grown = {.head = {.fields = fields, .capacity = FIELDS}};
    size_t stops[] = {cut / 2, cut, len};

    for (size_t i = 0; i < 3; i++) {
        uint8_t *piece = malloc(stops[i] + 1);
        enum rc rc;

        assert(piece);
        memcpy(piece, at, stops[i]);
        rc = h1_request_parse(&grown, piece, stops[i], limits, NULL);
        assert(rc == (stops[i] < r->head.len ? RC_AGAIN : RC_OK));
        if (rc == RC_OK)
            check_same(r, &grown);
        free(piece);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes && len <= 4096; i++) {
        struct field fields[FIELDS];
        struct h1_request r = {.head = {.fields = fields, .capacity = FIELDS}};
        struct fault why = {0};
        enum rc rc = h1_request_parse(&r, at, len, &modes[i], &why);

        assert(rc == RC_OK || rc == RC_AGAIN || (r.status >= 400 && why.rc == rc));
        if (rc != RC_OK)
            continue;
        check_within(&r);
        check_framing(&r);
        check_again(&r, &modes[i]);
        for (size_t cut = 0; cut < len; cut += 1 + len / 16)
            check_cut(&r, at, len, cut, &modes[i]);
    }
    return 0;
}
