#include "gate/http/uri.h"

#include "gate/http/scan.h"

static int hex_value(uint8_t byte)
{
    uint8_t letter = byte | 0x20;

    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The path as it is built. It begins with a slash. */
struct path {
    char *at;
    size_t len;
    size_t segment; /* behind the last slash */
    bool merge_slashes;
};

/* How many dots the last segment is made of, where it is "." or ".."; else 0. */
static size_t dots_in_segment(const struct path *path)
{
    size_t len = path->len - path->segment;
    const char *segment = path->at + path->segment;

    return (len == 1 || len == 2) && segment[0] == '.' && segment[len - 1] == '.' ? len : 0;
}

/* Takes "." away, and ".." with the segment before it. False: that is above the root. */
static bool dots_resolve(struct path *path, size_t dots)
{
    path->len = path->segment;
    if (dots != 2)
        return true;
    if (path->segment == 1)
        return false;
    do {
        path->len--;
    } while (path->at[path->len - 1] != '/');
    path->segment = path->len;
    return true;
}

/* A segment is over. One of dots goes, and its slash with it; an empty one stays unless
 * slashes are merged. */
static bool slash_add(struct path *path)
{
    size_t dots = dots_in_segment(path);

    if (dots > 0)
        return dots_resolve(path, dots);
    if (path->len == path->segment && path->merge_slashes)
        return true;
    path->at[path->len++] = '/';
    path->segment = path->len;
    return true;
}

/* What stands behind the first slash. As in nginx, a decoded '/' or '.' counts as one that
 * stood there itself. */
static bool path_decode(struct path *path, struct span raw)
{
    size_t dots;

    for (size_t i = 0; i < raw.len; i++) {
        uint8_t byte = raw.at[i];

        if (byte == '%') {
            int high = raw.len - i > 2 ? hex_value(raw.at[i + 1]) : -1;
            int low = high >= 0 ? hex_value(raw.at[i + 2]) : -1;

            if (low < 0 || (high | low) == 0)
                return false;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (byte != '/')
            path->at[path->len++] = (char)byte;
        else if (!slash_add(path))
            return false;
    }
    dots = dots_in_segment(path);
    return dots == 0 || dots_resolve(path, dots);
}

static bool ends_path(uint8_t byte)
{
    return byte == '?' || byte == '#';
}

/* How far the path reaches; *simple unless there is something to decode, resolve or merge. */
static size_t path_end(struct span target, bool *simple)
{
    size_t i = 0;

    *simple = true;
    for (; i < target.len && !ends_path(target.at[i]); i++) {
        uint8_t next = i + 1 < target.len ? target.at[i + 1] : 0;

        if (target.at[i] == '%' || (target.at[i] == '/' && (next == '/' || next == '.')))
            *simple = false;
    }
    return i;
}

/* `rest` begins where the path ends: at '?', at '#' or at the end. */
static void args_find(struct span rest, struct span *args, bool *has_args)
{
    *has_args = rest.len > 0 && rest.at[0] == '?';
    *args = *has_args ? span_of(rest.at + 1, rest.len - 1) : (struct span){0};
    args->len = span_find(*args, '#');
    if (args->len == 0)
        args->at = NULL;
}

enum rc uri_normalise(struct span target, bool merge_slashes, char *path, size_t *path_len,
                      struct span *args, bool *has_args, bool *plain)
{
    struct path built = {.at = path, .merge_slashes = merge_slashes, .len = 1, .segment = 1};
    struct span raw = target;

    if (target.len == 0 || (target.at[0] != '/' && target.at[0] != '?') ||
        scan_visible(target.at, target.at + target.len) != target.at + target.len)
        return RC_FORMAT;
    raw.len = path_end(target, plain);
    path[0] = '/';
    if (*plain && raw.len > 0) {
        memcpy(path, raw.at, raw.len);
        built.len = raw.len;
    } else if (raw.len > 0 && !path_decode(&built, span_of(raw.at + 1, raw.len - 1))) {
        return RC_FORMAT;
    }
    path[built.len] = '\0';
    *path_len = built.len;
    *plain = span_equal(raw, span_of(path, built.len));
    args_find(span_of(target.at + raw.len, target.len - raw.len), args, has_args);
    return RC_OK;
}

/* Which of the escapes a byte needs, as bits: 1 << enum uri_escape. */
enum {
    PATH = 1 << URI_ESCAPE_PATH,
    ARGS = 1 << URI_ESCAPE_ARGS,
    COMPONENT = 1 << URI_ESCAPE_COMPONENT,
    EVERYWHERE = PATH | ARGS | COMPONENT,
};

static const uint8_t escapes[256] = {
    [0 ... 0x20] = EVERYWHERE,
    ['!'] = COMPONENT,
    ['"' ... '#'] = EVERYWHERE,
    ['$'] = COMPONENT,
    ['%'] = EVERYWHERE,
    ['&'] = ARGS | COMPONENT,
    ['\'' ... '*'] = COMPONENT,
    ['+'] = ARGS | COMPONENT,
    [','] = COMPONENT,
    ['/'] = COMPONENT,
    [':'] = COMPONENT,
    [';'] = ARGS | COMPONENT,
    ['<'] = EVERYWHERE,
    ['='] = COMPONENT,
    ['>' ... '?'] = EVERYWHERE,
    ['@'] = COMPONENT,
    ['['] = COMPONENT,
    ['\\'] = EVERYWHERE,
    [']'] = COMPONENT,
    ['^'] = EVERYWHERE,
    ['`'] = EVERYWHERE,
    ['{' ... '}'] = EVERYWHERE,
    [0x7f ... 0xff] = EVERYWHERE,
};

size_t uri_escape(struct span from, enum uri_escape how, char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;

    for (size_t i = 0; i < from.len; i++) {
        uint8_t byte = from.at[i];

        if (!(escapes[byte] & 1 << how)) {
            to[len++] = (char)byte;
            continue;
        }
        to[len++] = '%';
        to[len++] = digits[byte >> 4];
        to[len++] = digits[byte & 15];
    }
    return len;
}

/* Unreserved characters and sub-delims of RFC 3986, without ',': that joins what two fields
 * said. */
static const bool is_host_byte[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-' ... '.'] = true,
    ['_'] = true,         ['~'] = true,         ['!'] = true,         ['$'] = true,
    ['&' ... '+'] = true, [';'] = true,         ['='] = true,
};

/* The length of a registered name, up to its end or a colon; 0 where it is none. */
static size_t name_len(struct span s)
{
    size_t i = 0;

    while (i < s.len && s.at[i] != ':') {
        if (s.at[i] == '%' && s.len - i > 2 && hex_value(s.at[i + 1]) >= 0 &&
            hex_value(s.at[i + 2]) >= 0) {
            i += 3;
            continue;
        }
        if (!is_host_byte[s.at[i]] || (s.at[i] == '.' && i > 0 && s.at[i - 1] == '.'))
            return 0;
        i++;
    }
    return i;
}

/* "[::1]", "[v1.x]": the length with its brackets; 0 where it is none. */
static size_t literal_len(struct span s)
{
    size_t i = 1;

    while (i < s.len && (s.at[i] == ':' || is_host_byte[s.at[i]]))
        i++;
    return i > 1 && i < s.len && s.at[i] == ']' ? i + 1 : 0;
}

static bool port_parse(struct span s, int *port)
{
    int sum = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || (sum = sum * 10 + s.at[i] - '0') > 65535)
            return false;
    }
    *port = s.len > 0 ? sum : -1;
    return true;
}

enum rc uri_authority(struct span authority, struct span *host, int *port)
{
    bool literal = authority.len > 0 && authority.at[0] == '[';
    size_t len = literal ? literal_len(authority) : name_len(authority);
    struct span rest;

    if (len == 0)
        return RC_FORMAT;
    rest = span_of(authority.at + len, authority.len - len);
    *port = -1;
    if (rest.len > 0 &&
        (rest.at[0] != ':' || !port_parse(span_of(rest.at + 1, rest.len - 1), port)))
        return RC_FORMAT;
    if (!literal && authority.at[len - 1] == '.')
        len--;
    *host = span_of(authority.at, len);
    return len > 0 ? RC_OK : RC_FORMAT;
}

enum rc uri_host(struct span authority, char *host, size_t *host_len)
{
    struct span name;
    int port;

    if (uri_authority(authority, &name, &port) != RC_OK)
        return RC_FORMAT;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.at[i];

        host[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    *host_len = name.len;
    return RC_OK;
}
