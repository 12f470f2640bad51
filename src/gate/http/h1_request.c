#include "gate/http/h1_request.h"

#include "gate/http/fields.h"
#include "gate/http/framing.h"
#include "gate/http/scan.h"
#include "gate/http/uri.h"

enum {
    METHOD_LEN_MAX = 255,
    VERSION_LEN = 8, /* "HTTP/1.1" */
};

static enum rc refuse(struct h1_request *r, uint16_t status, struct fault *why,
                      const char *what)
{
    r->status = status;
    return fail(why,
                status == 501 || status == 505   ? RC_UNSUPPORTED
                : status == 414 || status == 494 ? RC_LIMIT
                                                 : RC_FORMAT,
                "client sent %s while reading client request headers", what);
}

static enum rc refuse_line(struct h1_request *r, uint16_t status, struct fault *why,
                           const char *what)
{
    (void)refuse(r, status, NULL, what);
    return fail(why,
                status == 505   ? RC_UNSUPPORTED
                : status == 414 ? RC_LIMIT
                                : RC_FORMAT,
                "client sent %s while reading client request line", what);
}

static bool is_method_byte(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '-';
}

static enum method method_of(struct span name)
{
    static const struct {
        struct span name;
        enum method method;
    } methods[] = {
        {{(const uint8_t *)"GET", 3}, METHOD_GET},
        {{(const uint8_t *)"POST", 4}, METHOD_POST},
        {{(const uint8_t *)"HEAD", 4}, METHOD_HEAD},
        {{(const uint8_t *)"PUT", 3}, METHOD_PUT},
        {{(const uint8_t *)"DELETE", 6}, METHOD_DELETE},
        {{(const uint8_t *)"OPTIONS", 7}, METHOD_OPTIONS},
        {{(const uint8_t *)"PATCH", 5}, METHOD_PATCH},
        {{(const uint8_t *)"CONNECT", 7}, METHOD_CONNECT},
        {{(const uint8_t *)"TRACE", 5}, METHOD_TRACE},
        {{(const uint8_t *)"LOCK", 4}, METHOD_LOCK},
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (span_equal(name, methods[i].name))
            return methods[i].method;
    }
    return METHOD_OTHER;
}

/* "http://" or "https://" in front: its length, or 0. */
static size_t scheme_len(struct span target)
{
    for (size_t len = 7; len <= 8 && len <= target.len; len++) {
        if (span_equal_nocase(span_of(target.at, len),
                              len == 7 ? SPAN("http://") : SPAN("https://")))
            return len;
    }
    return 0;
}

/* scheme "://" authority path: RFC 9112 section 3.2.2. */
static enum rc absolute_parse(struct h1_request *r, struct span target, struct fault *why)
{
    size_t start = scheme_len(target), end = start;
    struct span host;
    int port;

    if (start == 0)
        return refuse_line(r, 400, why, "invalid request");
    while (end < target.len && target.at[end] != '/' && target.at[end] != '?')
        end++;
    if (uri_authority(span_of(target.at + start, end - start), &host, &port) != RC_OK)
        return refuse_line(r, 400, why, "invalid host in request line");
    r->form = TARGET_ABSOLUTE;
    r->authority_at = r->target_at + (uint32_t)start;
    r->authority_len = (uint32_t)(end - start);
    r->path_at = r->target_at + (uint32_t)end;
    r->path_len = (uint32_t)(target.len - end);
    return RC_OK;
}

/* host ":" port, of CONNECT: RFC 9112 section 3.2.3. */
static enum rc authority_parse(struct h1_request *r, struct span target, struct fault *why)
{
    struct span host;
    int port;

    if (uri_authority(target, &host, &port) != RC_OK || port < 0)
        return refuse_line(r, 400, why, "a CONNECT without a valid host and port");
    r->form = TARGET_AUTHORITY;
    r->authority_at = r->target_at;
    r->authority_len = r->target_len;
    return RC_OK;
}

static enum rc target_parse(struct h1_request *r, struct fault *why)
{
    struct span target = h1_request_target(r);

    r->authority_at = r->authority_len = 0;
    r->path_at = r->target_at;
    r->path_len = 0;
    if (target.len == 0)
        return refuse_line(r, 400, why, "invalid request");
    if (r->method == METHOD_CONNECT)
        return authority_parse(r, target, why);
    if (target.at[0] == '/') {
        r->form = TARGET_ORIGIN;
        r->path_len = r->target_len;
        return RC_OK;
    }
    return absolute_parse(r, target, why);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static enum rc version_parse(struct h1_request *r, struct span version, struct fault *why)
{
    if (version.len != VERSION_LEN || !span_starts(version, SPAN("HTTP/")) ||
        !is_digit(version.at[5]) || version.at[6] != '.' || !is_digit(version.at[7]) ||
        version.at[5] == '0')
        return refuse_line(r, 400, why, "invalid version");
    if (version.at[5] > '1')
        return refuse_line(r, 505, why, "invalid version");
    r->version = version.at[7] == '0' ? 10 : 11;
    return RC_OK;
}

/* method SP target [SP version]: RFC 9112 section 3. The line is known, and without its end.
 */
static enum rc line_parse(struct h1_request *r, struct fault *why)
{
    struct span line = h1_request_line(r);
    const uint8_t *end = line.at + line.len, *at = line.at, *target;
    enum rc rc = RC_OK;

    while (at < end && is_method_byte(*at))
        at++;
    if (at == line.at || at == end || *at != ' ' || at - line.at > METHOD_LEN_MAX)
        return refuse_line(r, 400, why, "invalid method");
    r->method_len = (uint16_t)(at - line.at);
    r->method = method_of(h1_request_method(r));
    target = ++at;
    at = scan_visible(at, end);
    r->target_at = r->line_at + (uint32_t)(target - line.at);
    r->target_len = (uint32_t)(at - target);
    if (at < end && *at != ' ')
        return refuse_line(r, 400, why, "a control byte in the request target");
    if (at < end)
        rc = version_parse(r, span_of(at + 1, (size_t)(end - at) - 1), why);
    if (rc != RC_OK || (rc = target_parse(r, why)) != RC_OK || at < end)
        return rc;
    if (r->method != METHOD_GET || r->form != TARGET_ORIGIN)
        return refuse_line(r, 400, why, "invalid request in HTTP/0.9");
    r->version = 9;
    return RC_OK;
}

/* Empty lines in front of the request line: RFC 9112 section 2.2. */
static enum rc empty_lines_skip(struct h1_request *r, uint32_t len, struct fault *why)
{
    const uint8_t *at = r->head.at;
    uint32_t i = 0;

    for (; i < len && (at[i] == '\r' || at[i] == '\n'); i++) {
        if (at[i] == '\r' && i + 1 < len && at[i + 1] != '\n')
            return refuse_line(r, 400, why, "a carriage return in front of the request line");
    }
    r->line_at = i;
    return i < len ? RC_OK : RC_AGAIN;
}

/* Finds and reads the request line; *next is the offset behind it. */
static enum rc line_find(struct h1_request *r, uint32_t len, const struct h1_limits *limits,
                         uint32_t *next, struct fault *why)
{
    const uint8_t *start, *feed;
    uint64_t room = (uint64_t)limits->line_max + 2; /* CR LF */
    uint32_t left;
    enum rc rc = empty_lines_skip(r, len, why);

    if (rc != RC_OK)
        return rc;
    start = r->head.at + r->line_at;
    left = len - r->line_at;
    feed = memchr(start, '\n', left < room ? left : (size_t)room);
    if (!feed && left >= room)
        return refuse_line(r, 414, why, "too long URI");
    if (!feed) /* of what can be no request, the end is not awaited */
        return is_method_byte(*start) ? RC_AGAIN : refuse_line(r, 400, why, "invalid method");
    *next = r->line_at + (uint32_t)(feed - start) + 1;
    r->line_len = (uint32_t)(feed - start) - (feed > start && feed[-1] == '\r');
    if (r->line_len > limits->line_max)
        return refuse_line(r, 414, why, "too long URI");
    return line_parse(r, why);
}

/* Fields that nginx refuses to see twice. */
static const uint64_t alone =
    (uint64_t)1 << FIELD_HOST | (uint64_t)1 << FIELD_CONTENT_LENGTH |
    (uint64_t)1 << FIELD_TRANSFER_ENCODING | (uint64_t)1 << FIELD_EXPECT |
    (uint64_t)1 << FIELD_AUTHORIZATION | (uint64_t)1 << FIELD_PROXY_AUTHORIZATION |
    (uint64_t)1 << FIELD_IF_MODIFIED_SINCE | (uint64_t)1 << FIELD_IF_UNMODIFIED_SINCE |
    (uint64_t)1 << FIELD_IF_MATCH | (uint64_t)1 << FIELD_IF_NONE_MATCH |
    (uint64_t)1 << FIELD_IF_RANGE | (uint64_t)1 << FIELD_CONTENT_RANGE;

static enum rc repeats_check(struct h1_request *r, struct fault *why)
{
    uint64_t repeated = r->head.repeated & alone;

    if (!repeated)
        return RC_OK;
    r->status = 400;
    return fail(why, RC_FORMAT,
                "client sent duplicate \"%.*s\" header while reading client request headers",
                SPAN_ARG(field_id_name((enum field_id)__builtin_ctzll(repeated))));
}

/* Does Host name another place than the target's authority? No port: the scheme's own, or that
 * of CONNECT. */
static bool hosts_differ(const struct h1_request *r, struct span host, int port)
{
    struct span target = h1_request_target(r), wanted;
    int wanted_port, default_port;

    if (r->authority_len == 0 ||
        uri_authority(h1_request_authority(r), &wanted, &wanted_port) != RC_OK)
        return false;
    default_port = r->form == TARGET_AUTHORITY ? wanted_port
                   : scheme_len(target) == 7   ? 80
                                               : 443;
    return !span_equal_nocase(host, wanted) ||
           (port < 0 ? default_port : port) != (wanted_port < 0 ? default_port : wanted_port);
}

static enum rc host_check(struct h1_request *r, struct fault *why)
{
    const struct field *field = head_find(&r->head, FIELD_HOST);
    struct span host;
    int port;

    if (!field)
        return r->version < 11
                   ? RC_OK
                   : refuse(r, 400, why, "HTTP/1.1 request without \"Host\" header");
    if (uri_authority(field_value(&r->head, field), &host, &port) != RC_OK)
        return refuse(r, 400, why, "invalid host header");
    if (hosts_differ(r, host, port))
        return refuse(r, 400, why, "a Host that is not the one of the request line");
    return RC_OK;
}

/* How long the body is: RFC 9112 section 6.3. */
static enum rc framing_read(struct h1_request *r, struct fault *why)
{
    const struct field *length = head_find(&r->head, FIELD_CONTENT_LENGTH);
    const struct field *coding = head_find(&r->head, FIELD_TRANSFER_ENCODING);

    if (length && !framing_length(field_value(&r->head, length), &r->length))
        return refuse(r, 400, why, "invalid \"Content-Length\" header");
    r->has_length = length != NULL;
    if (!coding)
        return RC_OK;
    if (r->version < 11)
        return refuse(r, 400, why, "a Transfer-Encoding in HTTP/1.0");
    if (length)
        return refuse(r, 400, why, "both Content-Length and Transfer-Encoding");
    switch (framing_coding(field_value(&r->head, coding))) {
    case CODING_CHUNKED:
        r->chunked = true;
        return RC_OK;
    case CODING_UNKNOWN:
        return refuse(r, 501, why, "unknown \"Transfer-Encoding\"");
    case CODING_MALFORMED:
        break;
    }
    return refuse(r, 400, why, "an invalid Transfer-Encoding");
}

static void connection_read(struct h1_request *r)
{
    struct framing_connection connection = framing_connection(&r->head);
    const struct field *expect = head_find(&r->head, FIELD_EXPECT);

    r->keep_alive = !connection.close && (r->version == 11 || connection.keep_alive);
    r->has_nominated = connection.other;
    if (r->version < 11)
        return;
    r->wants_upgrade = connection.upgrade && head_has(&r->head, FIELD_UPGRADE);
    r->expects_continue =
        expect && span_equal_nocase(field_value(&r->head, expect), SPAN("100-continue"));
}

static enum rc fields_read(struct h1_request *r, uint32_t from, uint32_t len,
                           const struct h1_limits *limits, struct fault *why)
{
    const struct fields_rules rules = {
        .line_max = limits->field_max,
        .count_max = limits->fields_max,
        .underscores = limits->underscores,
        .keep_invalid = limits->keep_invalid,
    };
    enum rc rc = fields_parse(&r->head, from, len, &rules, why);

    if (rc == RC_FORMAT || rc == RC_LIMIT) {
        r->status = rc == RC_LIMIT ? 494 : 400;
        if (why)
            (void)fault_at(why, "client sent");
    }
    if (rc != RC_OK)
        return rc;
    if ((rc = repeats_check(r, why)) || (rc = host_check(r, why)) ||
        (rc = framing_read(r, why)))
        return rc;
    connection_read(r);
    return RC_OK;
}

/* Nothing of an earlier call stays but what belongs to the owner, and `scanned`. */
static void request_reset(struct h1_request *r, const uint8_t *at)
{
    struct head head = {
        .at = at,
        .fields = r->head.fields,
        .capacity = r->head.capacity,
    };

    *r = (struct h1_request){.head = head, .scanned = r->scanned, .version = 10};
}

/* Is there an empty line in what earlier calls did not see? Where there is none, fields need
 * no reading. */
static bool may_be_complete(const struct h1_request *r, uint32_t from, uint32_t len)
{
    const uint8_t *at = r->head.at + from, *end = r->head.at + len;

    if (r->scanned == 0)
        return true;
    if (r->scanned > from + 3)
        at = r->head.at + r->scanned - 3;
    else
        at--; /* the end of the line before */
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        if (++at == end)
            return false;
        if (*at == '\n' || (*at == '\r' && end - at > 1 && at[1] == '\n'))
            return true;
    }
    return false;
}

enum rc h1_request_parse(struct h1_request *r, const uint8_t *at, size_t len,
                         const struct h1_limits *limits, struct fault *why)
{
    uint32_t head_max = limits->head_max < HEAD_MAX ? limits->head_max : HEAD_MAX;
    uint32_t seen = len < head_max ? (uint32_t)len : head_max, next = 0;
    enum rc rc;

    request_reset(r, at);
    rc = line_find(r, seen, limits, &next, why);
    if (rc == RC_OK && r->version == 9)
        r->head.len = next;
    else if (rc == RC_OK)
        rc = may_be_complete(r, next, seen) ? fields_read(r, next, seen, limits, why)
                                            : RC_AGAIN;
    if (rc == RC_AGAIN && seen == head_max)
        return refuse(r, next ? 494 : 414, why, "too large a header");
    if (rc == RC_AGAIN)
        r->scanned = seen;
    return rc;
}
