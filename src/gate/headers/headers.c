#include "gate/headers/headers.h"

#include "gate/respond/http_date.h"

enum { EXPIRES_TEXT = 128 /* bytes of a value that variables give */ };

_Static_assert(FIELD_COUNT <= 64, "headers_turn.replaced has a bit for each");

bool headers_is_usual(unsigned status)
{
    switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

/* What variables gave; off where it is no time. */
static struct expires evaluate(const struct headers_settings *s, void *subject)
{
    char text[EXPIRES_TEXT];
    struct buffer value = buffer_over(text, sizeof text);
    struct expires expires = {0};

    template_write(&s->expires_text, subject, &value);
    if (value.full || expires_parse(buffer_span(&value), s->expires_is_modified, &expires))
        return (struct expires){0};
    return expires;
}

struct headers_turn headers_begin(const struct headers_settings *s, unsigned status,
                                  void *subject)
{
    struct headers_turn turn = {.settings = s, .usual = headers_is_usual(status)};

    if (turn.usual)
        turn.expires = s->expires_is_text ? evaluate(s, subject) : s->expires;
    if (turn.expires.kind != EXPIRES_OFF)
        turn.replaced |= UINT64_C(1) << FIELD_EXPIRES | UINT64_C(1) << FIELD_CACHE_CONTROL;
    for (size_t i = 0; i < s->headers.count; i++) {
        const struct added_field *field = &s->headers.fields[i];

        if ((turn.usual || field->always) &&
            (field->id == FIELD_ETAG || field->id == FIELD_LAST_MODIFIED))
            turn.replaced |= UINT64_C(1) << field->id;
    }
    return turn;
}

static void clean(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] == '\r' || at[i] == '\n' || at[i] == '\0')
            at[i] = ' ';
}

bool headers_write_field(struct span name, const struct template *value, void *subject,
                         struct buffer *out)
{
    const size_t before = out->len;
    size_t at;

    buffer_add(out, name);
    buffer_add(out, SPAN(": "));
    at = out->len;
    template_write(value, subject, out);
    if (out->len == at && !out->full) {
        out->len = before;
        return false;
    }
    clean(out->at + at, out->len - at);
    buffer_add(out, SPAN("\r\n"));
    return true;
}

/* "\"x\"" becomes "W/\"x\"" (RFC 9110, section 8.8.3): the value that begins at `at`. */
static void weaken(struct buffer *out, size_t at)
{
    if (out->full || out->at[at] != '"')
        return;
    buffer_add(out, SPAN("W/"));
    if (out->full)
        return;
    memmove(out->at + at + 2, out->at + at, out->len - 2 - at);
    memcpy(out->at + at, "W/", 2);
}

void headers_write(const struct headers_turn *turn, time_t now, struct span last_modified,
                   void *subject, struct buffer *out)
{
    const struct headers_settings *s = turn->settings;
    time_t modified;
    bool has_modified =
        turn->expires.kind == EXPIRES_MODIFIED && http_date_parse(last_modified, &modified);

    expires_write(&turn->expires, now, has_modified ? &modified : NULL, out);
    for (size_t i = 0; i < s->headers.count; i++) {
        const struct added_field *field = &s->headers.fields[i];

        const size_t value = out->len + field->name.len + 2;

        if ((turn->usual || field->always) &&
            headers_write_field(field->name, &field->value, subject, out) && turn->weak_etag &&
            field->id == FIELD_ETAG)
            weaken(out, value);
    }
}
