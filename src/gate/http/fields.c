#include "gate/http/fields.h"

#include "gate/http/scan.h"

/* What a byte is in a field's name. Those from NAME_ENDS on are no part of one. */
enum {
    NAME_PLAIN = 1,      /* letters, digits, '-' */
    NAME_UNDERSCORE = 2, /* '_' */
    NAME_TOKEN = 4,      /* the other characters of a token, RFC 9110 section 5.6.2 */
    NAME_STRANGE = 8,    /* visible, but of no token; and bytes beyond ASCII */
    NAME_ENDS = 16,      /* a colon, a blank, a control byte */
};

static const uint8_t name_class[256] = {
    [0 ... 0x20] = NAME_ENDS,
    [':'] = NAME_ENDS,
    [0x7f] = NAME_ENDS,
    ['0' ... '9'] = NAME_PLAIN,
    ['A' ... 'Z'] = NAME_PLAIN,
    ['a' ... 'z'] = NAME_PLAIN,
    ['-'] = NAME_PLAIN,
    ['_'] = NAME_UNDERSCORE,
    ['!'] = NAME_TOKEN,
    ['#' ... '\''] = NAME_TOKEN,
    ['*' ... '+'] = NAME_TOKEN,
    ['.'] = NAME_TOKEN,
    ['^'] = NAME_TOKEN,
    ['`'] = NAME_TOKEN,
    ['|'] = NAME_TOKEN,
    ['~'] = NAME_TOKEN,
    ['"'] = NAME_STRANGE,
    ['(' ... ')'] = NAME_STRANGE,
    [','] = NAME_STRANGE,
    ['/'] = NAME_STRANGE,
    [';' ... '@'] = NAME_STRANGE,
    ['[' ... ']'] = NAME_STRANGE,
    ['{'] = NAME_STRANGE,
    ['}'] = NAME_STRANGE,
    [0x80 ... 0xff] = NAME_STRANGE,
};

/* One field line, as pointers into the head. */
struct line {
    const uint8_t *name, *name_end, *value, *value_end;
    const uint8_t *end, *next; /* in front of the line's end, and behind it */
    unsigned classes;          /* of the name's bytes */
};

/* The end of a line is at `at`: *next is behind it. RC_FORMAT for a CR with something else
 * behind it. */
static enum rc line_end(const uint8_t *at, const uint8_t *end, const uint8_t **next)
{
    if (*at == '\r' && ++at == end)
        return RC_AGAIN;
    *next = at + 1;
    return *at == '\n' ? RC_OK : RC_FORMAT;
}

static enum rc value_parse(struct line *line, const uint8_t *end,
                           const struct fields_rules *rules, struct fault *why)
{
    const uint8_t *at = line->name_end + 1;
    enum rc rc;

    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    line->value = at;
    while ((at = scan_text(at, end)) < end && rules->keep_controls && *at != 0 &&
           *at != '\r' && *at != '\n')
        at++;
    if (at == end)
        return RC_AGAIN;
    if (*at != '\r' && *at != '\n')
        return fail(why, RC_FORMAT, "a control byte in the value of a header field");
    line->end = at;
    if ((rc = line_end(at, end, &line->next)) == RC_FORMAT)
        return fail(why, RC_FORMAT, "a carriage return inside a header field");
    while (at > line->value && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    line->value_end = at;
    return rc;
}

static enum rc line_parse(struct line *line, const uint8_t *end,
                          const struct fields_rules *rules, struct fault *why)
{
    const uint8_t *at = line->name;
    unsigned classes = 0;

    for (; at < end && name_class[*at] < NAME_ENDS; at++)
        classes |= name_class[*at];
    if (at == end)
        return RC_AGAIN;
    if (*at != ':' || at == line->name)
        return fail(why, RC_FORMAT,
                    *at == ':'         ? "a header field without a name"
                    : at == line->name ? "a folded or broken header line"
                    : *at == ' '       ? "a space in the name of a header field"
                                       : "a header line without a colon");
    line->name_end = at;
    line->classes = classes;
    return value_parse(line, end, rules, why);
}

static bool is_wanted(unsigned classes, const struct fields_rules *rules)
{
    if (rules->keep_invalid)
        return true;
    return classes == NAME_PLAIN ||
           (rules->underscores && !(classes & ~(unsigned)(NAME_PLAIN | NAME_UNDERSCORE)));
}

static enum rc line_add(struct head *head, const struct line *line,
                        const struct fields_rules *rules, struct fault *why)
{
    uint32_t count_max = rules->count_max < UINT16_MAX ? rules->count_max : UINT16_MAX;
    size_t name_len = (size_t)(line->name_end - line->name);
    struct field *field = &head->fields[head->count];
    enum field_id id;

    if (rules->keep_invalid && (line->classes & NAME_STRANGE))
        return fail(why, RC_FORMAT, "an invalid character in the name of a header field");
    if (!is_wanted(line->classes, rules))
        return RC_OK;
    if (head->count >= count_max)
        return fail(why, RC_LIMIT, "more than %u header fields", count_max);
    if (head->count >= head->capacity)
        return RC_MEMORY;
    if (name_len > UINT16_MAX)
        return fail(why, RC_LIMIT, "a header field's name of more than 65535 bytes");
    id = field_id_of(span_of(line->name, name_len));
    *field = (struct field){
        .name = (uint32_t)(line->name - head->at),
        .name_len = (uint16_t)name_len,
        .value = (uint32_t)(line->value - head->at),
        .value_len = (uint32_t)(line->value_end - line->value) & 0xffffff,
        .id = id,
    };
    head->count++;
    if (!head->first[id])
        head->first[id] = (uint16_t)head->count;
    else
        head->repeated |= (uint64_t)1 << id;
    return RC_OK;
}

/* Of an unfinished line, the last byte may be half of its end. */
static bool is_too_long(const struct line *line, enum rc rc, const uint8_t *end,
                        uint32_t line_max)
{
    const uint8_t *last = rc == RC_OK ? line->end : end - 1;

    return (rc == RC_OK || rc == RC_AGAIN) && (size_t)(last - line->name) > line_max;
}

enum rc fields_parse(struct head *head, uint32_t from, uint32_t len,
                     const struct fields_rules *rules, struct fault *why)
{
    const uint8_t *end = head->at + len, *at = head->at + from;
    enum rc rc;

    head->count = 0;
    head->repeated = 0;
    memset(head->first, 0, sizeof head->first);
    while (at < end && *at != '\r' && *at != '\n') {
        struct line line = {.name = at};

        rc = line_parse(&line, end, rules, why);
        if (is_too_long(&line, rc, end, rules->line_max))
            return fail(why, RC_LIMIT, "a header line of more than %u bytes", rules->line_max);
        if (rc != RC_OK || (rc = line_add(head, &line, rules, why)))
            return rc;
        at = line.next;
    }
    if (at == end)
        return RC_AGAIN;
    rc = line_end(at, end, &at);
    if (rc != RC_OK)
        return rc == RC_AGAIN ? rc : fail(why, rc, "a carriage return in front of a header");
    head->len = (uint32_t)(at - head->at);
    return RC_OK;
}
