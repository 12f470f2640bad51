/* What an origin tells gate with its answer: X-Accel-Redirect and its kin. */
#include "base/units.h"
#include "codec/hex.h"
#include "gate/request_proxy.h"

enum { COOKIES_GROW = 8 * 1024 }; /* by their rules, of one answer */

static struct span told(const struct request *r, enum field_id id, unsigned ignored)
{
    const struct field *field = head_find(&r->answer.head, id);

    if (!field || (proxy_of(r)->ignored & ignored))
        return (struct span){0};
    return field_value(&r->answer.head, field);
}

/* Fields of this answer that the one from elsewhere has too. */
static bool is_kept(struct span name)
{
    static const char *const names[] = {"Set-Cookie", "Content-Disposition", "Cache-Control",
                                        "Expires"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_equal_nocase(name, span_text(names[i])))
            return true;
    return false;
}

static bool keep_fields(struct request *r)
{
    const struct head *head = &r->answer.head;
    const struct field *type = head_find(head, FIELD_CONTENT_TYPE);
    const size_t size = r->told_fields.len + head->len + COOKIES_GROW;
    struct buffer lines = buffer_over(request_memory(r, size), size);

    if (!lines.at)
        return false;
    buffer_add(&lines, r->told_fields);
    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];

        if (!is_kept(field_name(head, field)))
            continue;
        buffer_add(&lines, field_name(head, field));
        buffer_add(&lines, SPAN(": "));
        buffer_add(&lines, field->id == FIELD_SET_COOKIE
                               ? request_rewrite_cookie(r, field_value(head, field))
                               : field_value(head, field));
        buffer_add(&lines, SPAN("\r\n"));
    }
    if (lines.full)
        return false;
    r->told_fields = buffer_span(&lines);
    if (type)
        r->told_type = field_value(head, type);
    return true;
}

/* "%41" -> "A", in place of the three. */
static bool unescape(struct span path, struct buffer *out)
{
    while (path.len > 0) {
        int high = path.len > 2 ? hex_value(path.at[1]) : -1;
        int low = path.len > 2 ? hex_value(path.at[2]) : -1;
        const uint8_t byte = *span_cut(&path, 1).at;

        if (byte == '%' && (high < 0 || low < 0 || high + low == 0))
            return false;
        buffer_add_byte(out, byte == '%' ? (uint8_t)(high << 4 | low) : byte);
        if (byte == '%')
            span_cut(&path, 2);
    }
    return true;
}

static bool has_dots(struct span path)
{
    while (path.len > 0) {
        struct span part = span_cut(&path, span_find(path, '/'));

        span_cut(&path, 1);
        if (span_equal(part, SPAN("..")))
            return true;
    }
    return false;
}

/* To a path with arguments; one that leads up does not lead where its location says. RC_FORMAT */
static enum rc redirect_to_path(struct request *r, struct span to)
{
    struct span path = span_cut(&to, span_find(to, '?'));
    struct buffer out = buffer_over(request_memory(r, path.len), path.len);

    span_cut(&to, 1);
    if (!out.at)
        return RC_MEMORY;
    if (path.at[0] != '/' || !unescape(path, &out) || has_dots(buffer_span(&out)))
        return RC_FORMAT;
    return request_redirect(r, buffer_span(&out), to);
}

static enum rc redirect(struct request *r, struct span to)
{
    enum rc rc;

    if (!keep_fields(r))
        return RC_MEMORY;
    request_forget_origin(r);
    if (to.at[0] == '@')
        return request_redirect_to(r, to);
    r->method_is_get = !r->is_head || r->parent;
    r->head.method = r->method_is_get ? METHOD_GET : METHOD_HEAD;
    rc = redirect_to_path(r, to);
    if (rc != RC_FORMAT)
        return rc;
    request_log(r, LOG_LEVEL_ERROR, "unsafe URI \"%.*s\" was detected", SPAN_ARG(to));
    return request_answer_status(r, 404);
}

bool request_obeys_origin(struct request *r, enum rc *rc)
{
    struct span value = told(r, FIELD_X_ACCEL_REDIRECT, PROXY_IGNORE_REDIRECT);
    uint64_t rate;

    if (value.len > 0) {
        *rc = redirect(r, value);
        return true;
    }
    r->told_charset = told(r, FIELD_X_ACCEL_CHARSET, PROXY_IGNORE_CHARSET);
    value = told(r, FIELD_X_ACCEL_BUFFERING, PROXY_IGNORE_BUFFERING);
    if (span_equal_nocase(value, SPAN("no")))
        r->unbuffered = true;
    else if (span_equal_nocase(value, SPAN("yes")))
        r->buffered = true;
    value = told(r, FIELD_X_ACCEL_LIMIT_RATE, PROXY_IGNORE_LIMIT_RATE);
    if (value.len > 0 && units_parse_number(value, SIZE_MAX / 2, &rate) == RC_OK) {
        r->has_told_rate = true;
        r->told_rate = rate;
    }
    return false;
}
