#include "gate/filter/filter.h"

struct filter_name {
    struct span name; /* empty: a free slot */
    uint8_t bits;
};

/* Of the connection, not of the message (RFC 9110, section 7.6.1), or written anew by the
 * caller. */
static const enum field_id never_sent[] = {
    FIELD_CONNECTION, FIELD_CONTENT_LENGTH,    FIELD_EXPECT,
    FIELD_HOST,       FIELD_KEEP_ALIVE,        FIELD_PROXY_CONNECTION,
    FIELD_TE,         FIELD_TRANSFER_ENCODING, FIELD_UPGRADE,
};
static const enum field_id never_returned[] = {
    FIELD_CONNECTION,       FIELD_CONTENT_LENGTH,    FIELD_KEEP_ALIVE,
    FIELD_PROXY_CONNECTION, FIELD_TRANSFER_ENCODING,
};
/* What proxy_pass_header lets through again. */
static const enum field_id hidden[] = {
    FIELD_DATE,
    FIELD_SERVER,
    FIELD_X_ACCEL_BUFFERING,
    FIELD_X_ACCEL_CHARSET,
    FIELD_X_ACCEL_EXPIRES,
    FIELD_X_ACCEL_LIMIT_RATE,
    FIELD_X_ACCEL_REDIRECT,
    FIELD_X_PAD,
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void set_bit(struct filter *filter, const enum field_id *ids, size_t count,
                    enum filter_bit bit)
{
    for (size_t i = 0; i < count; i++)
        filter->known[ids[i]] |= bit;
}

/* FNV-1a of the lower-case name. */
static uint32_t hash(struct span name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (name.at[i] | ('A' <= name.at[i] && name.at[i] <= 'Z' ? 0x20 : 0))) *
            16777619u;
    return h;
}

/* Where the name is, or the free slot where it would be. */
static struct filter_name *slot_of(const struct filter_names *names, struct span name)
{
    uint32_t at = hash(name) & names->mask;

    while (names->slots[at].name.len > 0 && !span_equal_nocase(names->slots[at].name, name))
        at = (at + 1) & names->mask;
    return &names->slots[at];
}

static uint8_t bits_of(const struct filter *filter, const struct head *head,
                       const struct field *field)
{
    if (field->id != FIELD_OTHER)
        return filter->known[field->id];
    if (!(filter->names.lengths >> (field->name_len % 64) & 1))
        return 0;
    return slot_of(&filter->names, field_name(head, field))->bits;
}

static void mark(struct filter *filter, struct span name, enum filter_bit bit, bool on)
{
    enum field_id id = field_id_of(name);
    struct filter_name *slot;

    if (name.len == 0)
        return;
    if (id != FIELD_OTHER) {
        filter->known[id] = (uint8_t)(on ? filter->known[id] | bit : filter->known[id] & ~bit);
        return;
    }
    slot = slot_of(&filter->names, name);
    slot->name = name;
    slot->bits = (uint8_t)(on ? slot->bits | bit : slot->bits & ~bit);
    filter->names.lengths |= UINT64_C(1) << (name.len % 64);
}

/* Room for all names that the directives may bring, at most half full. */
static bool open_names(struct filter *filter, struct arena *arena)
{
    const struct proxy_settings *s = filter->settings;
    size_t size = 2;

    while (size < 2 * (s->headers_count + s->hide_headers_count + s->pass_headers_count))
        size *= 2;
    filter->names.slots = arena_take_array(arena, size, sizeof *filter->names.slots);
    filter->names.mask = (uint32_t)(size - 1);
    return filter->names.slots != NULL;
}

static void mark_names(struct filter *filter)
{
    const struct proxy_settings *s = filter->settings;

    set_bit(filter, hidden, COUNT(hidden), FILTER_RESPONSE_DROPS);
    for (size_t i = 0; i < s->headers_count; i++)
        mark(filter, s->headers[i].name, FILTER_REQUEST_SETS | FILTER_REQUEST_DROPS, true);
    for (size_t i = 0; i < s->hide_headers_count; i++)
        mark(filter, s->hide_headers[i], FILTER_RESPONSE_DROPS, true);
    for (size_t i = 0; i < s->pass_headers_count; i++)
        mark(filter, s->pass_headers[i], FILTER_RESPONSE_DROPS, false);
    set_bit(filter, never_sent, COUNT(never_sent), FILTER_REQUEST_DROPS);
    set_bit(filter, never_returned, COUNT(never_returned), FILTER_RESPONSE_DROPS);
}

/* "http://u" -> "http://u/" becomes "/"; "http://u/x" becomes the location's prefix. */
static bool open_default_redirect(struct filter *filter, struct span prefix,
                                  struct arena *arena)
{
    const struct proxy_settings *s = filter->settings;
    char *with_slash;

    if (s->redirect_off || !s->redirect_default || !s->pass.is_set || s->pass.dynamic)
        return true;
    if (s->pass.has_uri) {
        filter->default_from = s->pass.url;
        filter->default_to = prefix;
        return true;
    }
    with_slash = arena_printf(arena, "%.*s/", SPAN_ARG(s->pass.url));
    filter->default_from = span_text(with_slash);
    filter->default_to = SPAN("/");
    return with_slash != NULL;
}

enum rc filter_open(struct filter *filter, const struct proxy_settings *settings,
                    struct span prefix, struct arena *arena, struct fault *why)
{
    *filter = (struct filter){.settings = settings};
    if (!open_names(filter, arena) || !open_default_redirect(filter, prefix, arena))
        return fail(why, RC_MEMORY, "no memory for the fields of a proxied location");
    mark_names(filter);
    return RC_OK;
}

/* The next field with the same id, or NULL. */
static const struct field *next_of(const struct head *head, const struct field *field)
{
    const enum field_id id = field->id;

    while (++field < head->fields + head->count)
        if (field->id == id)
            return field;
    return NULL;
}

static bool is_connection_option(struct span option)
{
    return span_equal_nocase(option, SPAN("keep-alive")) ||
           span_equal_nocase(option, SPAN("close")) ||
           span_equal_nocase(option, SPAN("upgrade"));
}

bool filter_nominates(const struct head *head)
{
    for (const struct field *f = head_find(head, FIELD_CONNECTION); f; f = next_of(head, f)) {
        struct span list = field_value(head, f), option;

        while (field_list_next(&list, &option))
            if (!is_connection_option(option))
                return true;
    }
    return false;
}

static bool is_nominated(const struct head *head, struct span name)
{
    for (const struct field *f = head_find(head, FIELD_CONNECTION); f; f = next_of(head, f)) {
        struct span list = field_value(head, f), option;

        while (field_list_next(&list, &option))
            if (span_equal_nocase(option, name))
                return true;
    }
    return false;
}

bool filter_request_drops(const struct filter *filter, const struct head *head,
                          const struct field *field, bool nominates)
{
    return !filter->settings->pass_request_headers ||
           bits_of(filter, head, field) & FILTER_REQUEST_DROPS ||
           (nominates && is_nominated(head, field_name(head, field)));
}

bool filter_response_drops(const struct filter *filter, const struct head *head,
                           const struct field *field, bool nominates)
{
    return bits_of(filter, head, field) & FILTER_RESPONSE_DROPS ||
           (nominates && is_nominated(head, field_name(head, field)));
}

static bool by_default(const struct filter *filter, struct span value, struct buffer *out)
{
    if (filter->default_from.len == 0 || !span_starts(value, filter->default_from))
        return false;
    span_cut(&value, filter->default_from.len);
    buffer_add(out, filter->default_to);
    buffer_add(out, value);
    return true;
}

bool filter_location(const struct filter *filter, struct span value,
                     const struct rewriting_turn *turn, struct buffer *out)
{
    const struct proxy_settings *s = filter->settings;

    for (size_t i = 0; !s->redirect_off && i <= s->redirects_count; i++) {
        if (i == s->redirect_default_at && by_default(filter, value, out))
            return true;
        if (i < s->redirects_count && rewriting_apply(&s->redirects[i], value, turn, out))
            return true;
    }
    return false;
}

/* "5; url=http://..." */
bool filter_refresh(const struct filter *filter, struct span value,
                    const struct rewriting_turn *turn, struct buffer *out)
{
    const struct span key = SPAN("url=");
    const size_t before = out->len;

    for (size_t at = 0; at + key.len <= value.len; at++) {
        if (!span_equal_nocase(span_of(value.at + at, key.len), key))
            continue;
        at += key.len;
        buffer_add(out, span_of(value.at, at));
        if (filter_location(filter, span_of(value.at + at, value.len - at), turn, out))
            return true;
        out->len = before;
        return false;
    }
    return false;
}

bool filter_cookie(const struct filter *filter, struct span value,
                   const struct rewriting_turn *turn, struct buffer *out)
{
    return rewriting_cookie(filter->settings, value, turn, out);
}
