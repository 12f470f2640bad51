#include "gate/conf/regex_prefix.h"

static bool is_alphanumeric(uint8_t byte)
{
    uint8_t letter = byte | 0x20;

    return (byte >= '0' && byte <= '9') || (letter >= 'a' && letter <= 'z');
}

/* Could an alternative of the whole expression make do without its beginning? In doubt it could. */
static bool has_alternatives(struct span pattern)
{
    size_t depth = 0;

    if (span_find(pattern, '|') == pattern.len)
        return false;
    for (size_t i = 0; i < pattern.len; i++) {
        switch (pattern.at[i]) {
        case '[': /* in which, and behind which, the others below may be mere characters */
        case '\\':
        case '#':
            return true;
        case '(':
            depth++;
            break;
        case ')':
            depth -= depth > 0;
            break;
        case '|':
            if (depth == 0)
                return true;
            break;
        default:
            break;
        }
    }
    return false;
}

/* The next character, where it stands for itself: '\.' is one, '\d' is not. */
static bool take_literal(struct span *pattern, uint8_t *byte)
{
    if (pattern->len == 0)
        return false;
    *byte = *pattern->at;
    if (*byte == '\\') {
        if (pattern->len < 2 || pattern->at[1] >= 0x80 || is_alphanumeric(pattern->at[1]))
            return false;
        *byte = pattern->at[1];
        span_cut(pattern, 2);
        return true;
    }
    if (memchr("^$.[|()?*+{", *byte, 11))
        return false;
    span_cut(pattern, 1);
    return true;
}

size_t regex_prefix(struct span pattern, uint8_t *out, size_t room)
{
    size_t len = 0;
    uint8_t byte;

    if (pattern.len == 0 || *pattern.at != '^' || has_alternatives(pattern))
        return 0;
    span_cut(&pattern, 1);
    while (len < room && take_literal(&pattern, &byte)) {
        if (pattern.len > 0 && memchr("?*{", *pattern.at, 3)) /* it may not be there at all */
            break;
        out[len++] = byte;
    }
    return len;
}
