#include <assert.h>

#include "gate/http/head.h"

/* Both spellings, NULs behind them up to whole words. */
struct name {
    uint8_t len;
    char canonical[24], lower[24];
};

#define NAME(canonical, lower)                                                                \
    {                                                                                         \
        sizeof(canonical) - 1, canonical, lower                                               \
    }

static const struct name names[FIELD_COUNT] = {
    [FIELD_ACCEPT_ENCODING] = NAME("Accept-Encoding", "accept-encoding"),
    [FIELD_ACCEPT_RANGES] = NAME("Accept-Ranges", "accept-ranges"),
    [FIELD_AUTHORIZATION] = NAME("Authorization", "authorization"),
    [FIELD_CACHE_CONTROL] = NAME("Cache-Control", "cache-control"),
    [FIELD_CONNECTION] = NAME("Connection", "connection"),
    [FIELD_CONTENT_ENCODING] = NAME("Content-Encoding", "content-encoding"),
    [FIELD_CONTENT_LENGTH] = NAME("Content-Length", "content-length"),
    [FIELD_CONTENT_RANGE] = NAME("Content-Range", "content-range"),
    [FIELD_CONTENT_TYPE] = NAME("Content-Type", "content-type"),
    [FIELD_COOKIE] = NAME("Cookie", "cookie"),
    [FIELD_DATE] = NAME("Date", "date"),
    [FIELD_ETAG] = NAME("ETag", "etag"),
    [FIELD_EXPECT] = NAME("Expect", "expect"),
    [FIELD_EXPIRES] = NAME("Expires", "expires"),
    [FIELD_HOST] = NAME("Host", "host"),
    [FIELD_IF_MATCH] = NAME("If-Match", "if-match"),
    [FIELD_IF_MODIFIED_SINCE] = NAME("If-Modified-Since", "if-modified-since"),
    [FIELD_IF_NONE_MATCH] = NAME("If-None-Match", "if-none-match"),
    [FIELD_IF_RANGE] = NAME("If-Range", "if-range"),
    [FIELD_IF_UNMODIFIED_SINCE] = NAME("If-Unmodified-Since", "if-unmodified-since"),
    [FIELD_KEEP_ALIVE] = NAME("Keep-Alive", "keep-alive"),
    [FIELD_LAST_MODIFIED] = NAME("Last-Modified", "last-modified"),
    [FIELD_LOCATION] = NAME("Location", "location"),
    [FIELD_ORIGIN] = NAME("Origin", "origin"),
    [FIELD_PROXY_AUTHORIZATION] = NAME("Proxy-Authorization", "proxy-authorization"),
    [FIELD_PROXY_CONNECTION] = NAME("Proxy-Connection", "proxy-connection"),
    [FIELD_RANGE] = NAME("Range", "range"),
    [FIELD_REFERER] = NAME("Referer", "referer"),
    [FIELD_REFRESH] = NAME("Refresh", "refresh"),
    [FIELD_SERVER] = NAME("Server", "server"),
    [FIELD_SET_COOKIE] = NAME("Set-Cookie", "set-cookie"),
    [FIELD_TE] = NAME("TE", "te"),
    [FIELD_TRAILER] = NAME("Trailer", "trailer"),
    [FIELD_TRANSFER_ENCODING] = NAME("Transfer-Encoding", "transfer-encoding"),
    [FIELD_UPGRADE] = NAME("Upgrade", "upgrade"),
    [FIELD_USER_AGENT] = NAME("User-Agent", "user-agent"),
    [FIELD_VARY] = NAME("Vary", "vary"),
    [FIELD_VIA] = NAME("Via", "via"),
    [FIELD_X_ACCEL_BUFFERING] = NAME("X-Accel-Buffering", "x-accel-buffering"),
    [FIELD_X_ACCEL_CHARSET] = NAME("X-Accel-Charset", "x-accel-charset"),
    [FIELD_X_ACCEL_EXPIRES] = NAME("X-Accel-Expires", "x-accel-expires"),
    [FIELD_X_ACCEL_LIMIT_RATE] = NAME("X-Accel-Limit-Rate", "x-accel-limit-rate"),
    [FIELD_X_ACCEL_REDIRECT] = NAME("X-Accel-Redirect", "x-accel-redirect"),
    [FIELD_X_FORWARDED_FOR] = NAME("X-Forwarded-For", "x-forwarded-for"),
    [FIELD_X_PAD] = NAME("X-Pad", "x-pad"),
};

/* Perfect for the names above: each has a slot of its own (the test looks all of them up). */
static unsigned slot_of(struct span name)
{
    return (unsigned)(name.len + (name.at[0] | 0x20) * 34 +
                      (name.at[name.len - 1] | 0x20) * 35) %
           128;
}

static const uint8_t slots[128] = {
    [1] = FIELD_CONTENT_TYPE,
    [2] = FIELD_CONTENT_RANGE,
    [3] = FIELD_ETAG,
    [5] = FIELD_TRAILER,
    [6] = FIELD_ACCEPT_ENCODING,
    [14] = FIELD_TRANSFER_ENCODING,
    [15] = FIELD_KEEP_ALIVE,
    [17] = FIELD_LAST_MODIFIED,
    [21] = FIELD_X_FORWARDED_FOR,
    [22] = FIELD_X_ACCEL_BUFFERING,
    [27] = FIELD_DATE,
    [31] = FIELD_SET_COOKIE,
    [33] = FIELD_X_PAD,
    [40] = FIELD_ACCEPT_RANGES,
    [42] = FIELD_EXPIRES,
    [48] = FIELD_HOST,
    [50] = FIELD_IF_MATCH,
    [55] = FIELD_IF_NONE_MATCH,
    [56] = FIELD_X_ACCEL_EXPIRES,
    [57] = FIELD_TE,
    [58] = FIELD_CONNECTION,
    [59] = FIELD_VARY,
    [65] = FIELD_REFERER,
    [73] = FIELD_IF_RANGE,
    [75] = FIELD_CONTENT_ENCODING,
    [76] = FIELD_EXPECT,
    [78] = FIELD_ORIGIN,
    [81] = FIELD_X_ACCEL_LIMIT_RATE,
    [82] = FIELD_IF_MODIFIED_SINCE,
    [84] = FIELD_IF_UNMODIFIED_SINCE,
    [91] = FIELD_X_ACCEL_CHARSET,
    [92] = FIELD_X_ACCEL_REDIRECT,
    [96] = FIELD_UPGRADE,
    [98] = FIELD_SERVER,
    [99] = FIELD_REFRESH,
    [106] = FIELD_LOCATION,
    [108] = FIELD_CONTENT_LENGTH,
    [112] = FIELD_USER_AGENT,
    [114] = FIELD_VIA,
    [119] = FIELD_CACHE_CONTROL,
    [120] = FIELD_RANGE,
    [121] = FIELD_AUTHORIZATION,
    [122] = FIELD_PROXY_CONNECTION,
    [123] = FIELD_COOKIE,
    [125] = FIELD_PROXY_AUTHORIZATION,
};

/*
 * Do the 8 bytes at `a` spell those at `lower`, which hold lower-case letters and '-'? Only
 * where the latter has a letter (bit 0x40) may the bit of the case differ.
 */
static bool word_equal(const void *a, const void *lower)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, lower, sizeof y);
    return ((x ^ y) & ~((y & 0x4040404040404040) >> 1)) == 0;
}

static bool name_equal(struct span name, const char *lower)
{
    char word[8] = {0};
    size_t i = 0;

    for (; i + 8 <= name.len; i += 8) {
        if (!word_equal(name.at + i, lower + i))
            return false;
    }
    if (i == name.len)
        return true;
    if (i > 0) /* the last eight bytes, some of them for the second time */
        return word_equal(name.at + name.len - 8, lower + name.len - 8);
    for (; i < name.len; i++)
        word[i] = (char)name.at[i];
    return word_equal(word, lower);
}

enum field_id field_id_of(struct span name)
{
    unsigned id = name.len > 0 ? slots[slot_of(name)] : FIELD_OTHER;

    static_assert(FIELD_COUNT <= 64, "head.repeated has a bit for each");
    return id && names[id].len == name.len && name_equal(name, names[id].lower) ? id
                                                                                : FIELD_OTHER;
}

struct span field_id_name(enum field_id id)
{
    return span_of(names[id].canonical, names[id].len);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct span field_trim(struct span s)
{
    while (s.len > 0 && is_blank(s.at[0]))
        s = span_of(s.at + 1, s.len - 1);
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* The length up to the first comma that is outside of a quoted string. */
static size_t member_len(struct span list)
{
    bool quoted = false;

    for (size_t i = 0; i < list.len; i++) {
        if (list.at[i] == '"')
            quoted = !quoted;
        else if (list.at[i] == ',' && !quoted)
            return i;
        else if (list.at[i] == '\\' && quoted)
            i++;
    }
    return list.len;
}

bool field_list_next(struct span *list, struct span *member)
{
    while (list->len > 0) {
        *member = field_trim(span_cut(list, member_len(*list)));
        span_cut(list, 1);
        if (member->len > 0)
            return true;
    }
    return false;
}
