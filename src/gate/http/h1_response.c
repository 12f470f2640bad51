#include "gate/http/h1_response.h"

#include "gate/http/fields.h"
#include "gate/http/framing.h"
#include "gate/http/scan.h"

static enum rc broken(struct fault *why, const char *what)
{
    return fail(why, RC_FORMAT, "upstream sent %s", what);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1." DIGIT SP 3DIGIT [SP reason]: RFC 9112 section 4. */
static enum rc status_parse(struct h1_response *r, struct span line, struct fault *why)
{
    static const char start[] = "HTTP/1.";
    const uint8_t *at = line.at;

    if (line.len < 12 || memcmp(at, start, sizeof start - 1) != 0 || !is_digit(at[7]) ||
        at[8] != ' ' || at[9] < '1' || at[9] > '9' || !is_digit(at[10]) || !is_digit(at[11]) ||
        (line.len > 12 && at[12] != ' '))
        return broken(why, "an invalid status line");
    for (const uint8_t *end = at + line.len; (at = scan_text(at, end)) < end; at++) {
        if (*at == 0 || *at == '\r')
            return broken(why, "an invalid status line");
    }
    r->version = line.at[7] == '0' ? 10 : 11;
    r->code =
        (uint16_t)((line.at[9] - '0') * 100 + (line.at[10] - '0') * 10 + (line.at[11] - '0'));
    r->status_at = 9;
    r->status_len = (uint32_t)line.len - 9;
    return RC_OK;
}

/* Finds and reads the status line; *next is the offset behind it. */
static enum rc line_find(struct h1_response *r, uint32_t len, uint32_t *next,
                         struct fault *why)
{
    static const char start[] = "HTTP/1.";
    const uint8_t *at = r->head.at, *feed;
    size_t compared = len < sizeof start - 1 ? len : sizeof start - 1;

    if (compared > 0 && memcmp(at, start, compared) != 0) /* its end is not awaited */
        return broken(why, "something that is not HTTP/1");
    feed = len > 0 ? memchr(at, '\n', len) : NULL;
    if (!feed)
        return RC_AGAIN;
    *next = (uint32_t)(feed - at) + 1;
    if (feed > at && feed[-1] == '\r')
        feed--;
    return status_parse(r, span_of(at, (size_t)(feed - at)), why);
}

/* RFC 9112 section 6.3, rules 1 and 2. */
static bool is_bodyless(const struct h1_response *r, bool to_head, bool to_connect)
{
    return to_head || r->code < 200 || r->code == 204 || r->code == 304 ||
           (to_connect && r->code < 300);
}

static enum rc length_read(struct h1_response *r, struct fault *why)
{
    const struct field *length = head_find(&r->head, FIELD_CONTENT_LENGTH);

    if (head_repeats(&r->head, FIELD_CONTENT_LENGTH) ||
        head_repeats(&r->head, FIELD_TRANSFER_ENCODING))
        return broken(why, "more than one Content-Length or Transfer-Encoding");
    if (length && head_has(&r->head, FIELD_TRANSFER_ENCODING))
        return broken(why, "both Content-Length and Transfer-Encoding");
    if (length && !framing_length(field_value(&r->head, length), &r->length))
        return broken(why, "an invalid Content-Length");
    r->has_length = length != NULL;
    return RC_OK;
}

static enum rc coding_read(struct h1_response *r, struct fault *why)
{
    const struct field *coding = head_find(&r->head, FIELD_TRANSFER_ENCODING);

    r->framing = FRAMING_CHUNKED;
    if (r->version < 11)
        return broken(why, "a Transfer-Encoding in HTTP/1.0");
    if (framing_coding(field_value(&r->head, coding)) != CODING_CHUNKED)
        return broken(why, "an unknown or invalid Transfer-Encoding");
    return RC_OK;
}

/* May a 1xx or 204 be followed by a body all the same? */
static bool announces_body(const struct h1_response *r)
{
    return (r->code < 200 || r->code == 204) &&
           (r->length > 0 || head_has(&r->head, FIELD_TRANSFER_ENCODING));
}

static enum rc framing_read(struct h1_response *r, bool to_head, bool to_connect,
                            struct fault *why)
{
    struct framing_connection connection = framing_connection(&r->head);
    enum rc rc = length_read(r, why);

    if (rc != RC_OK)
        return rc;
    if (is_bodyless(r, to_head, to_connect))
        r->framing = FRAMING_NONE;
    else if (head_has(&r->head, FIELD_TRANSFER_ENCODING))
        rc = coding_read(r, why);
    else
        r->framing = r->has_length ? FRAMING_LENGTH : FRAMING_CLOSE;
    r->keep_alive = !connection.close && (r->version == 11 || connection.keep_alive) &&
                    r->framing != FRAMING_CLOSE && r->code != 101 && !announces_body(r) &&
                    !(to_connect && r->framing == FRAMING_NONE && r->code >= 200);
    return rc;
}

static enum rc fields_read(struct h1_response *r, uint32_t from, uint32_t len,
                           uint32_t fields_max, struct fault *why)
{
    const struct fields_rules rules = {
        .line_max = HEAD_MAX,
        .count_max = fields_max,
        .keep_invalid = true,
        .keep_controls = true,
    };
    enum rc rc = fields_parse(&r->head, from, len, &rules, why);

    if (why && (rc == RC_FORMAT || rc == RC_LIMIT))
        (void)fault_at(why, "upstream sent");
    return rc;
}

enum rc h1_response_parse(struct h1_response *r, const uint8_t *at, size_t len, bool to_head,
                          bool to_connect, uint32_t head_max, uint32_t fields_max,
                          struct fault *why)
{
    struct head head = {
        .at = at,
        .fields = r->head.fields,
        .capacity = r->head.capacity,
    };
    uint32_t max = head_max < HEAD_MAX ? head_max : HEAD_MAX;
    uint32_t seen = len < max ? (uint32_t)len : max, next = 0;
    enum rc rc;

    *r = (struct h1_response){.head = head};
    if ((rc = line_find(r, seen, &next, why)) == RC_OK &&
        (rc = fields_read(r, next, seen, fields_max, why)) == RC_OK)
        return framing_read(r, to_head, to_connect, why);
    if (rc == RC_AGAIN && seen == max)
        return fail(why, RC_LIMIT, "upstream sent a header of more than %u bytes", max);
    return rc;
}
