#include "gate/proxy_protocol/proxy_protocol.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/units.h"
#include "codec/hex.h"

static const uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                      0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

enum {
    LINE_MAX_V1 = 107, /* with its end */
    HEAD_V2 = 16,
    V4_BYTES = 12, /* two addresses, two ports */
    V6_BYTES = 36,
    LOCAL = 0x20,
    PROXY = 0x21,
    TCP4 = 0x11,
    TCP6 = 0x21,
};

/* ---- version 1 ---- */

static bool cut_word(struct span *line, struct span *word)
{
    *word = span_cut(line, span_find(*line, ' '));
    if (line->len > 0)
        span_cut(line, 1);
    return word->len > 0;
}

static bool parse_place(struct span host, struct span port, int family, struct address *place)
{
    char text[64];
    uint64_t number;

    if (host.len >= sizeof text || units_parse_number(port, UINT16_MAX, &number) != RC_OK)
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    *place = (struct address){0};
    if (family == AF_INET) {
        place->len = sizeof place->v4;
        place->v4.sin_family = AF_INET;
        place->v4.sin_port = htons((uint16_t)number);
        return inet_pton(AF_INET, text, &place->v4.sin_addr) == 1;
    }
    place->len = sizeof place->v6;
    place->v6.sin6_family = AF_INET6;
    place->v6.sin6_port = htons((uint16_t)number);
    return inet_pton(AF_INET6, text, &place->v6.sin6_addr) == 1;
}

/* "PROXY TCP4 FROM TO PORT PORT" */
static enum rc parse_line(struct span line, struct proxy_protocol *said)
{
    struct span name, family, words[4];

    if (!cut_word(&line, &name) || !cut_word(&line, &family))
        return RC_FORMAT;
    if (span_equal(family, SPAN("UNKNOWN")))
        return RC_OK;
    if (!span_equal(family, SPAN("TCP4")) && !span_equal(family, SPAN("TCP6")))
        return RC_FORMAT;
    for (size_t i = 0; i < 4; i++)
        if (!cut_word(&line, &words[i]))
            return RC_FORMAT;
    if (line.len > 0 ||
        !parse_place(words[0], words[2], family.at[3] == '4' ? AF_INET : AF_INET6,
                     &said->from) ||
        !parse_place(words[1], words[3], family.at[3] == '4' ? AF_INET : AF_INET6,
                     &said->to)) {
        *said = (struct proxy_protocol){0};
        return RC_FORMAT;
    }
    return RC_OK;
}

static enum rc parse_v1(struct span in, struct proxy_protocol *said, size_t *used)
{
    struct span line = in;
    size_t end;

    if (in.len > LINE_MAX_V1)
        line.len = LINE_MAX_V1;
    end = span_find(line, '\n');
    if (end == line.len)
        return in.len >= LINE_MAX_V1 ? RC_FORMAT : RC_AGAIN;
    if (end == 0 || line.at[end - 1] != '\r')
        return RC_FORMAT;
    *used = end + 1;
    return parse_line(span_of(in.at, end - 1), said);
}

/* ---- version 2 ---- */

static void read_v4(const uint8_t *at, const uint8_t *port, struct address *place)
{
    place->len = sizeof place->v4;
    place->v4.sin_family = AF_INET;
    memcpy(&place->v4.sin_addr, at, 4);
    memcpy(&place->v4.sin_port, port, 2);
}

static void read_v6(const uint8_t *at, const uint8_t *port, struct address *place)
{
    place->len = sizeof place->v6;
    place->v6.sin6_family = AF_INET6;
    memcpy(&place->v6.sin6_addr, at, 16);
    memcpy(&place->v6.sin6_port, port, 2);
}

static enum rc parse_v2(struct span in, struct proxy_protocol *said, size_t *used)
{
    const uint8_t *at = in.at + HEAD_V2;
    size_t len;

    if (in.len < HEAD_V2)
        return RC_AGAIN;
    len = (size_t)in.at[14] << 8 | in.at[15];
    if (in.at[12] != LOCAL && in.at[12] != PROXY)
        return RC_FORMAT;
    if (HEAD_V2 + len > PROXY_PROTOCOL_MAX)
        return RC_LIMIT;
    if (in.len < HEAD_V2 + len)
        return RC_AGAIN;
    *used = HEAD_V2 + len;
    if (in.at[12] == LOCAL)
        return RC_OK;
    if (in.at[13] >> 4 == 1) {
        if (len < V4_BYTES)
            return RC_FORMAT;
        read_v4(at, at + 8, &said->from);
        read_v4(at + 4, at + 10, &said->to);
        said->more = span_of(at + V4_BYTES, len - V4_BYTES);
    } else if (in.at[13] >> 4 == 2) {
        if (len < V6_BYTES)
            return RC_FORMAT;
        read_v6(at, at + 32, &said->from);
        read_v6(at + 16, at + 34, &said->to);
        said->more = span_of(at + V6_BYTES, len - V6_BYTES);
    }
    return RC_OK;
}

enum rc proxy_protocol_parse(struct span in, struct proxy_protocol *said, size_t *used)
{
    static const struct span word = SPAN("PROXY ");
    size_t least = in.len < word.len ? in.len : word.len;

    *said = (struct proxy_protocol){0};
    if (memcmp(in.at, word.at, least) == 0)
        return in.len < word.len ? RC_AGAIN : parse_v1(in, said, used);
    least = in.len < sizeof signature ? in.len : sizeof signature;
    if (memcmp(in.at, signature, least) == 0)
        return parse_v2(in, said, used);
    return RC_FORMAT;
}

/* ---- what stands behind the addresses ---- */

enum {
    TLV_HEAD = 3,
    TLV_SSL = 0x20,
    SSL_HEAD = 5 /* which client it is, and its certificate */
};

/* The first piece of that type in a row of them: type, length in two bytes, value. */
static bool find_type(struct span row, unsigned type, struct span *value)
{
    while (row.len >= TLV_HEAD) {
        const uint8_t *at = span_cut(&row, TLV_HEAD).at;
        size_t len = (size_t)at[1] << 8 | at[2];

        if (len > row.len)
            return false;
        *value = span_cut(&row, len);
        if (at[0] == type)
            return true;
    }
    return false;
}

static bool type_by_number(struct span name, unsigned *type)
{
    *type = 0;
    if (!span_starts(name, SPAN("0x")) || name.len < 3 || name.len > 4)
        return false;
    for (size_t i = 2; i < name.len; i++) {
        if (hex_value(name.at[i]) < 0)
            return false;
        *type = *type << 4 | (unsigned)hex_value(name.at[i]);
    }
    return true;
}

bool proxy_protocol_find(struct span more, struct span name, struct span *value)
{
    static const struct {
        struct span name;
        unsigned type;
    } outer[] = {{SPAN("alpn"), 0x01},
                 {SPAN("authority"), 0x02},
                 {SPAN("unique_id"), 0x05},
                 {SPAN("ssl"), TLV_SSL},
                 {SPAN("netns"), 0x30}},
      inner[] = {{SPAN("ssl_version"), 0x21},
                 {SPAN("ssl_cn"), 0x22},
                 {SPAN("ssl_cipher"), 0x23},
                 {SPAN("ssl_sig_alg"), 0x24},
                 {SPAN("ssl_key_alg"), 0x25}};
    unsigned type;

    if (type_by_number(name, &type))
        return find_type(more, type, value);
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++)
        if (span_equal(name, outer[i].name))
            return find_type(more, outer[i].type, value);
    if (!find_type(more, TLV_SSL, &more) || more.len < SSL_HEAD)
        return false;
    *value = span_of(span_cut(&more, SSL_HEAD).at + 1, SSL_HEAD - 1);
    if (span_equal(name, SPAN("ssl_verify")))
        return true;
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
        if (span_equal(name, inner[i].name))
            return find_type(more, inner[i].type, value);
    return false;
}

/* ---- writing ---- */

static void write_v1(const struct proxy_protocol *said, bool v4, struct buffer *out)
{
    char text[ADDRESS_TEXT];

    buffer_add(out, v4 ? SPAN("PROXY TCP4 ") : SPAN("PROXY TCP6 "));
    buffer_add(out, address_text(&said->from, text, true));
    buffer_add(out, SPAN(" "));
    buffer_add(out, address_text(&said->to, text, true));
    buffer_add(out, SPAN(" "));
    buffer_add_number(out, address_port(&said->from));
    buffer_add(out, SPAN(" "));
    buffer_add_number(out, address_port(&said->to));
    buffer_add(out, SPAN("\r\n"));
}

static void write_v2(const struct proxy_protocol *said, bool v4, struct buffer *out)
{
    const struct address *a = &said->from, *b = &said->to;

    buffer_add_byte(out, v4 ? TCP4 : TCP6);
    buffer_add_byte(out, 0);
    buffer_add_byte(out, v4 ? V4_BYTES : V6_BYTES);
    if (v4) {
        buffer_add(out, span_of(&a->v4.sin_addr, 4));
        buffer_add(out, span_of(&b->v4.sin_addr, 4));
        buffer_add(out, span_of(&a->v4.sin_port, 2));
        buffer_add(out, span_of(&b->v4.sin_port, 2));
        return;
    }
    buffer_add(out, span_of(&a->v6.sin6_addr, 16));
    buffer_add(out, span_of(&b->v6.sin6_addr, 16));
    buffer_add(out, span_of(&a->v6.sin6_port, 2));
    buffer_add(out, span_of(&b->v6.sin6_port, 2));
}

void proxy_protocol_write(int version, const struct proxy_protocol *said, struct buffer *out)
{
    sa_family_t family = said->from.len ? said->from.any.sa_family : AF_UNSPEC;
    bool known = (family == AF_INET || family == AF_INET6) && said->to.len &&
                 said->to.any.sa_family == family;

    if (version == 1) {
        if (known)
            write_v1(said, family == AF_INET, out);
        else
            buffer_add(out, SPAN("PROXY UNKNOWN\r\n"));
        return;
    }
    buffer_add(out, span_of(signature, sizeof signature));
    buffer_add_byte(out, known ? PROXY : LOCAL);
    if (known)
        write_v2(said, family == AF_INET, out);
    else
        buffer_add(out, SPAN("\0\0\0"));
}
