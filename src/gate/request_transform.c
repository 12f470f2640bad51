/* Bodies of answers that are changed on their way, and the character set that they are said to have. */
#include "gate/compress/gunzip.h"
#include "gate/request.h"
#include "gate/transform/transform_settings.h"

enum { CHARSET_MAX = 64, TEXT_MAX = 16 * 1024 };

/* ---- the character set ---- */

/* What stands behind "charset=". */
static struct span own_charset(struct span type)
{
    struct span rest = type;

    span_cut(&rest, span_find(rest, ';'));
    for (; rest.len > 8; span_cut(&rest, 1)) {
        if (!span_equal_nocase(span_of(rest.at, 8), SPAN("charset=")))
            continue;
        span_cut(&rest, 8);
        rest.len = span_find(rest, ';');
        if (rest.len > 1 && rest.at[0] == '"' && rest.at[rest.len - 1] == '"')
            rest = span_of(rest.at + 1, rest.len - 2);
        return rest;
    }
    return (struct span){0};
}

/* The name that a template makes; empty: "off", or none. */
static struct span name_of(struct request *r, const struct template *t)
{
    char room[CHARSET_MAX];
    struct buffer name = buffer_over(room, sizeof room);

    if (t->count == 0)
        return (struct span){0};
    template_write(t, r, &name);
    if (name.full || span_equal(buffer_span(&name), SPAN("off")))
        return (struct span){0};
    return arena_copy(&r->arena, buffer_span(&name));
}

/* The type with that character set, in the place of its own. */
static struct span with_charset(struct request *r, struct span type, struct span name)
{
    const size_t size = type.len + sizeof "; charset=" + CHARSET_MAX;
    struct buffer out = buffer_over(request_memory(r, size), size);

    if (!out.at || name.len > CHARSET_MAX)
        return type;
    if (own_charset(type).len > 0)
        type.len = span_find(type, ';');
    buffer_add(&out, type);
    buffer_add(&out, SPAN("; charset="));
    for (size_t i = 0; i < name.len; i++) /* a variable may hold decoded bytes */
        buffer_add_byte(&out, name.at[i] > ' ' && name.at[i] < 0x7f ? name.at[i] : '_');
    return buffer_span(&out);
}

struct span request_content_type(struct request *r, struct span type, struct span encoding)
{
    const struct transform_settings *s = &request_settings(r)->transform;
    const struct span own = own_charset(type);
    struct span name, source;

    r->recode = NULL;
    if ((!s->has_charset && r->told_charset.len == 0) || r->parent || type.len == 0 ||
        encoding.len > 0 ||
        (own.len > 0 ? !s->override_charset : !type_list_has(&s->charset_types, type)))
        return type;
    name = r->told_charset.len > 0 ? r->told_charset : name_of(r, &s->charset);
    if (name.len == 0)
        return type;
    source = own.len > 0 ? own : name_of(r, &s->source_charset);
    if (source.len > 0 && !span_equal_nocase(source, name)) {
        r->recode = transform_settings_map(s, source, name, &r->recodes_back);
        if (!r->recode) {
            request_log(r, LOG_LEVEL_ERROR,
                        "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"",
                        SPAN_ARG(source), SPAN_ARG(name));
            return type;
        }
    }
    return with_charset(r, type, name);
}

/* ---- bodies ---- */

static bool add(struct request *r, struct transform *made)
{
    struct transform **end = &r->transforms;

    while (*end)
        end = &(*end)->next;
    *end = made;
    return made;
}

static struct span evaluate(struct request *r, const struct template *t)
{
    struct buffer text; /* no scratch: the body may be there */

    if (template_is_constant(t))
        return template_constant(t);
    text = buffer_over(request_memory(r, TEXT_MAX), TEXT_MAX);
    if (text.at)
        template_write(t, r, &text);
    return buffer_span(&text);
}

static bool add_replacements(struct request *r, const struct transform_settings *s)
{
    struct transform_pair *pairs = arena_take_array(&r->arena, s->rules_count, sizeof *pairs);
    size_t count = 0;

    for (size_t i = 0; pairs && i < s->rules_count; i++) {
        pairs[count] = (struct transform_pair){evaluate(r, &s->rules[i].from),
                                               evaluate(r, &s->rules[i].to)};
        count += pairs[count].from.len > 0 && pairs[count].from.len <= TRANSFORM_AT_ONCE / 4;
    }
    return count == 0 || add(r, transform_replace(pairs, count, s->once));
}

bool request_drops_validators(const struct request *r, struct span content_type)
{
    const struct transform_settings *s = &request_settings(r)->transform;

    return s->rules_count > 0 && !s->last_modified && type_list_has(&s->types, content_type);
}

bool request_shape_transforms(struct request *r, struct reply *reply, struct span encoding,
                              bool added)
{
    const struct transform_settings *s = &request_settings(r)->transform;
    const bool packed = s->gunzip && span_equal_nocase(encoding, SPAN("gzip"));
    const bool replaces = s->rules_count > 0 &&
                          type_list_has(&s->types, reply->content_type) &&
                          (added || !reply->has_length || reply->length > 0);

    transform_close(r->transforms);
    r->transforms = NULL;
    r->unpacks = packed && !request_takes_gzip(r);
    r->drops_etag = replaces && request_drops_validators(r, reply->content_type);
    r->varies = r->varies || (packed && request_settings(r)->gzip.vary);
    if (!r->unpacks && !replaces && !r->recode)
        return false;
    if (r->drops_etag)
        reply->last_modified = reply->etag = (struct span){0};
    if (r->is_head)
        return true;
    if ((r->unpacks && !add(r, gunzip_open())) || (replaces && !add_replacements(r, s)) ||
        (r->recode && !add(r, transform_recode(r->recode, r->recodes_back))))
        r->lacks_memory = true;
    return true;
}

/* Through the transform and those behind it, then on its way. */
static enum rc push(struct request *r, struct transform *t, struct iovec *first,
                    struct span in, enum gzip_push how)
{
    do {
        struct span piece = span_cut(&in, TRANSFORM_AT_ONCE);
        const enum gzip_push now = in.len > 0 ? GZIP_MORE : how;
        enum rc rc = transform_push(t, piece, now == GZIP_END);

        if (rc == RC_FORMAT)
            request_log(r, LOG_LEVEL_ERROR, "the body is not what \"%s\" expects",
                        t->kind->name);
        if (rc != RC_OK)
            return rc;
        if (t->out.len == 0 && now == GZIP_MORE)
            continue;
        rc = t->next ? push(r, t->next, first, text_span(&t->out), now)
                     : request_send_formed(r, *first, text_span(&t->out),
                                           now == GZIP_END && r->adds_after ? GZIP_MORE : now);
        if (rc != RC_OK)
            return rc;
        if (!t->next)
            first->iov_len = 0;
    } while (in.len > 0);
    return RC_OK;
}

enum rc request_transform(struct request *r, struct iovec first, const struct iovec *pieces,
                          int count, enum gzip_push how)
{
    enum rc rc = r->lacks_memory ? RC_MEMORY : RC_OK;

    if (rc == RC_OK && first.iov_len > 0) { /* scratch that the next steps may use */
        rc = request_send(r, &first, 1);
        rc = rc == RC_AGAIN ? RC_OK : rc;
        first.iov_len = 0;
    }
    for (int i = 0; rc == RC_OK && i < count - 1; i++)
        rc = push(r, r->transforms, &first, span_of(pieces[i].iov_base, pieces[i].iov_len),
                  GZIP_MORE);
    if (rc == RC_OK)
        rc = push(r, r->transforms, &first,
                  count > 0 ? span_of(pieces[count - 1].iov_base, pieces[count - 1].iov_len)
                            : (struct span){0},
                  how);
    return rc;
}
