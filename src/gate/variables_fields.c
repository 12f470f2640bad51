/* Variables of fields: of the request, of an origin's answer, and of what was sent; cookies and arguments. */
#include "gate/variables.h"
#include "gate/variables_room.h"

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

static bool find_first(const struct head *head, struct span name, struct span *value)
{
    for (uint32_t i = 0; i < head->count; i++) {
        if (name_fits(field_name(head, &head->fields[i]), name)) {
            *value = field_value(head, &head->fields[i]);
            return true;
        }
    }
    return false;
}

bool request_field_first(const struct request *r, struct span name, struct span *value)
{
    return find_first(&r->head.head, name, value);
}

bool request_field_list(struct request *r, struct span name, struct span *value)
{
    return find_fields(r, &r->head.head, name,
                       span_equal(name, SPAN("cookie")) ? SPAN("; ") : SPAN(", "), value);
}

/* Of several fields of a name: all, or the first alone? */
static bool joins_fields(const struct request *r)
{
    return r->service->site->version >= CONF_VERSION(1, 23, 0);
}

bool variables_http(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct request *r = subject;

    (void)of;
    if (!joins_fields(r) && !span_equal(rest, SPAN("cookie")) &&
        !span_equal(rest, SPAN("x_forwarded_for")))
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
    return joins_fields(r) ? find_fields(r, &r->answer.head, rest, SPAN(", "), value)
                           : find_first(&r->answer.head, rest, value);
}

/* Of complete lines: the values of that name, `all` of them joined. */
static bool find_lines(struct request *r, struct span lines, struct span rest, bool all,
                       struct span *value)
{
    struct buffer joined = room(r, 2 * lines.len); /* ", " for each "\r\n" */
    size_t end;

    while (joined.at && (all || joined.len == 0) &&
           (end = span_find(lines, '\r')) < lines.len) {
        struct span line = span_cut(&lines, end);
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

bool variables_sent_http(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct buffer *head = r->head_at_work;
    struct span lines = r->sent_lines;

    (void)of;
    if (head)
        lines = span_of(head->at + r->head_own, head->len - r->head_own);
    if (span_equal(rest, SPAN("content_type")))
        *value = r->content_type;
    else if (span_equal(rest, SPAN("location")))
        *value = r->location_field.len > 0 ? r->location_field : r->kept_location;
    else if (head && r->sent_etag.len > 0 && span_equal(rest, SPAN("etag")))
        *value = r->sent_etag; /* the body's own, before it is changed on its way */
    else
        return find_lines(r, lines, rest, joins_fields(r), value);
    return value->len > 0;
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
    return !lines.full && find_lines(r, buffer_span(&lines), rest, true, value);
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
    return find_lines(r, buffer_span(&lines), rest, true, value);
}

static void skip_blanks(struct span *s)
{
    while (s->len > 0 && (s->at[0] == ' ' || s->at[0] == '\t'))
        span_cut(s, 1);
}

/* Where the first of `separators` is. */
static size_t find_any(struct span s, const char *separators)
{
    size_t at = 0;

    while (at < s.len && !strchr(separators, s.at[at]))
        at++;
    return at;
}

/* "a=1; name = value": a cookie ends with a semicolon, and a comma ends what is none of that name. */
static bool find_cookie(struct span text, struct span name, struct span *value)
{
    while (text.len > 0) {
        struct span rest;

        skip_blanks(&text);
        rest = text;
        if (span_equal_nocase(span_cut(&rest, name.len), name)) {
            skip_blanks(&rest);
            if (rest.len > 0 && rest.at[0] == '=') {
                span_cut(&rest, 1);
                skip_blanks(&rest);
                *value = span_cut(&rest, span_find(rest, ';'));
                return true;
            }
        }
        span_cut(&text, find_any(text, ";,"));
        span_cut(&text, 1);
    }
    return false;
}

/* The value of an argument, as it came. */
static bool find_argument(struct span text, struct span name, struct span *value)
{
    while (name.len > 0 && text.len > 0) {
        struct span pair = span_cut(&text, span_find(text, '&'));
        struct span key = span_cut(&pair, span_find(pair, '='));

        span_cut(&text, 1);
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
            find_cookie(field_value(head, &head->fields[i]), rest, value))
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
        if (find_cookie(pair, rest, value))
            return true;
    }
    return false;
}

bool request_argument(struct request *r, struct span name, struct span *value)
{
    return find_argument(r->args, name, value);
}

bool variables_argument(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;

    (void)of;
    return find_argument(r->args, rest, value);
}
