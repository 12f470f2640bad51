/* Variables of fields: of the request, of an origin's answer, and of what was sent; cookies and arguments. */
#include "gate/variables.h"
#include "gate/variables_room.h"

enum { FIELD_ADDED_MAX = 4096 };

/* "HTTP_X" of a template against "X-..." of a field: '-' is written '_'. */
static bool name_fits(struct span name, struct span rest)
{
    if (name.len != rest.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];

        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        else if (c == '-')
            c = '_';
        if (c != rest.at[i])
            return false;
    }
    return true;
}

/* All fields of that name; several are joined. */
static bool find_fields(struct request *r, const struct head *head, struct span rest,
                        struct span separator, struct span *value)
{
    const struct field *first = NULL;
    struct buffer joined = {0};
    size_t all = 0;

    for (uint32_t i = 0; i < head->count; i++)
        if (name_fits(field_name(head, &head->fields[i]), rest))
            all += head->fields[i].value_len + separator.len;
    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];

        if (!name_fits(field_name(head, field), rest))
            continue;
        if (!first) {
            first = field;
            *value = field_value(head, field);
            continue;
        }
        if (!joined.at) {
            joined = room(r, all);
            if (!joined.at)
                return true; /* the first one, at least */
            buffer_add(&joined, *value);
        }
        buffer_add(&joined, separator);
        buffer_add(&joined, field_value(head, field));
    }
    return joined.at ? give(&joined, value) : first != NULL;
}

bool request_field_first(const struct request *r, struct span name, struct span *value)
{
    const struct head *head = &r->head.head;

    for (uint32_t i = 0; i < head->count; i++) {
        if (name_fits(field_name(head, &head->fields[i]), name)) {
            *value = field_value(head, &head->fields[i]);
            return true;
        }
    }
    return false;
}

bool request_field_list(struct request *r, struct span name, struct span *value)
{
    return find_fields(r, &r->head.head, name,
                       span_equal(name, SPAN("cookie")) ? SPAN("; ") : SPAN(", "), value);
}

bool variables_http(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct request *r = subject;

    (void)of;
    if (r->service->site->version < CONF_VERSION(1, 23, 0) &&
        !span_equal(rest, SPAN("cookie")) && !span_equal(rest, SPAN("x_forwarded_for")))
        return request_field_first(r, rest, value);
    return request_field_list(subject, rest, value);
}

bool variables_field(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct field *field = head_find(&r->head.head, (enum field_id)of);

    (void)rest;
    if (field)
        *value = field_value(&r->head.head, field);
    return field;
}

bool variables_upstream_http(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;

    (void)of;
    return find_fields(r, &r->answer.head, rest, SPAN(", "), value);
}

/* What add_header has put into a head that is on its way: in front of that, nothing. */
static bool find_added(struct request *r, struct span rest, struct span *value)
{
    const struct added_fields *list = &request_settings(r)->headers.headers;

    for (size_t i = 0; r->head_sent && i < list->count; i++) {
        const struct added_field *field = &list->fields[i];
        struct buffer b;

        if (!name_fits(field->name, rest) || (!field->always && !headers_is_usual(r->status)))
            continue;
        b = room(r, FIELD_ADDED_MAX);
        if (b.at)
            template_write(&field->value, r, &b);
        return give(&b, value) && value->len > 0;
    }
    return false;
}

bool variables_sent_http(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;

    (void)of;
    if (span_equal(rest, SPAN("content_type")))
        *value = r->content_type;
    else if (span_equal(rest, SPAN("location")))
        *value = r->location_field;
    else if (r->sent_etag.len > 0 && span_equal(rest, SPAN("etag")))
        *value = r->sent_etag;
    else if (r->sent_modified.len > 0 && span_equal(rest, SPAN("last_modified")))
        *value = r->sent_modified;
    else if (find_added(r, rest, value))
        return true;
    else if (r->step >= STEP_RELAY || r->head_sent)
        return find_fields(r, &r->answer.head, rest, SPAN(", "), value);
    return value->len > 0;
}

/* Of complete lines: the values of that name, joined. */
static bool find_lines(struct request *r, struct span lines, struct span rest,
                       struct span *value)
{
    struct buffer joined = room(r, 2 * lines.len); /* ", " for each "\r\n" */

    while (joined.at && lines.len > 0) {
        struct span line = span_cut(&lines, span_find(lines, '\r'));
        struct span name = span_cut(&line, span_find(line, ':'));

        span_cut(&lines, 2);
        span_cut(&line, 1);
        while (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
            span_cut(&line, 1);
        if (!name_fits(name, rest))
            continue;
        if (joined.len > 0)
            buffer_add(&joined, SPAN(", "));
        buffer_add(&joined, line);
    }
    return joined.len > 0 && give(&joined, value);
}

/* They are there when all of the body is sent. */
bool variables_sent_trailer(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    struct buffer lines;

    (void)of;
    if (r->step < STEP_DRAIN || !r->down_chunked || !(lines = room(r, REQUEST_TRAILER)).at)
        return false;
    request_write_trailer(r, &lines);
    return !lines.full && find_lines(r, buffer_span(&lines), rest, value);
}

/* Those that are passed on, under proxy_pass_trailers. */
bool variables_upstream_trailer(void *subject, struct span rest, uintptr_t of,
                                struct span *value)
{
    struct request *r = subject;
    struct buffer lines;

    (void)of;
    if (r->trailer.len == 0 || r->trailer.full || !(lines = room(r, REQUEST_TRAILER)).at)
        return false;
    body_filter_trailer(buffer_span(&r->trailer), &lines);
    return find_lines(r, buffer_span(&lines), rest, value);
}

/* "a=1; name=value": the value of a cookie, of the given separator between pairs. */
static bool find_pair(struct span text, uint8_t separator, struct span name,
                      struct span *value)
{
    while (text.len > 0) {
        struct span pair = span_cut(&text, span_find(text, separator)), key;

        span_cut(&text, 1);
        while (pair.len > 0 && (pair.at[0] == ' ' || pair.at[0] == '\t'))
            span_cut(&pair, 1);
        key = span_cut(&pair, span_find(pair, '='));
        if (pair.len > 0 && span_equal_nocase(key, name)) {
            span_cut(&pair, 1);
            *value = pair;
            return true;
        }
    }
    return false;
}

bool variables_cookie(const struct request *r, struct span rest, struct span *value)
{
    const struct head *head = &r->head.head;

    for (uint32_t i = 0; i < head->count; i++)
        if (head->fields[i].id == FIELD_COOKIE &&
            find_pair(field_value(head, &head->fields[i]), ';', rest, value))
            return true;
    return false;
}

bool variables_cookies(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)of;
    return variables_cookie(subject, rest, value);
}

/* What the origin's answer sets: the first pair of a Set-Cookie, the others are its attributes. */
bool variables_upstream_cookie(void *subject, struct span rest, uintptr_t of,
                               struct span *value)
{
    const struct request *r = subject;
    const struct head *head = &r->answer.head;

    (void)of;
    for (uint32_t i = 0; i < head->count; i++) {
        struct span pair = field_value(head, &head->fields[i]);

        if (!span_equal_nocase(field_name(head, &head->fields[i]), SPAN("set-cookie")))
            continue;
        if (find_pair(span_cut(&pair, span_find(pair, ';')), ';', rest, value))
            return true;
    }
    return false;
}

bool request_argument(struct request *r, struct span name, struct span *value)
{
    return find_pair(r->args, '&', name, value);
}

bool variables_argument(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;

    (void)of;
    return find_pair(r->args, '&', rest, value);
}
