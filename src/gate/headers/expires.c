#include "gate/headers/expires.h"

#include "gate/conf/value.h"
#include "gate/respond/http_date.h"

enum { DAY_S = 24 * 60 * 60 };

#define SECONDS_MAX (UINT64_C(1) << 40) /* far beyond the last date, and no sum overflows */

static bool cut_sign(struct span *text, uint8_t sign)
{
    if (text->len == 0 || text->at[0] != sign)
        return false;
    span_cut(text, 1);
    return true;
}

/* The words that stand for a time. */
static bool parse_word(struct span text, struct expires *expires)
{
    static const struct {
        struct span word;
        enum expires_kind kind;
    } words[] = {{SPAN("epoch"), EXPIRES_EPOCH},
                 {SPAN("max"), EXPIRES_MAX},
                 {SPAN("off"), EXPIRES_OFF}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_equal(text, words[i].word)) {
            *expires = (struct expires){.kind = words[i].kind};
            return true;
        }
    }
    return false;
}

const char *expires_parse(struct span text, bool modified, struct expires *expires)
{
    struct expires made = {.kind = modified ? EXPIRES_MODIFIED : EXPIRES_ACCESS};
    uint64_t seconds;
    bool minus = false;

    if (!modified && parse_word(text, expires))
        return NULL;
    if (cut_sign(&text, '@')) {
        if (modified)
            return "daily time cannot be used with \"modified\" parameter";
        made.kind = EXPIRES_DAILY;
    } else if (!cut_sign(&text, '+')) {
        minus = cut_sign(&text, '-');
    }
    if (value_parse_seconds(text, &seconds) != RC_OK || seconds > SECONDS_MAX)
        return "invalid value";
    if (made.kind == EXPIRES_DAILY && seconds > DAY_S)
        return "daily time value must be less than 24 hours";
    made.seconds = minus ? -(int64_t)seconds : (int64_t)seconds;
    *expires = made;
    return NULL;
}

/* When the clock on the wall next shows `seconds` after midnight. */
static time_t next_time_of_day(time_t now, int64_t seconds)
{
    struct tm tm;
    time_t next;

    localtime_r(&now, &tm);
    tm.tm_hour = (int)(seconds / 3600);
    tm.tm_min = (int)(seconds / 60 % 60);
    tm.tm_sec = (int)(seconds % 60);
    next = mktime(&tm);
    if (next > now)
        return next;
    tm.tm_mday++; /* mktime carries over the end of a month */
    return mktime(&tm);
}

static void write_lines(struct span date, struct buffer *out)
{
    buffer_add(out, SPAN("Expires: "));
    buffer_add(out, date);
    buffer_add(out, SPAN("\r\nCache-Control: "));
}

static void write_time(time_t when, int64_t age, struct buffer *out)
{
    char date[HTTP_DATE_LEN];

    http_date_format(when, date);
    write_lines(span_of(date, sizeof date), out);
    if (age < 0) {
        buffer_add(out, SPAN("no-cache\r\n"));
        return;
    }
    buffer_add(out, SPAN("max-age="));
    buffer_add_number(out, (uint64_t)age);
    buffer_add(out, SPAN("\r\n"));
}

void expires_write(const struct expires *expires, time_t now, const time_t *modified,
                   struct buffer *out)
{
    time_t when = now + expires->seconds;

    switch (expires->kind) {
    case EXPIRES_OFF:
        return;
    case EXPIRES_EPOCH:
        write_lines(SPAN("Thu, 01 Jan 1970 00:00:01 GMT"), out);
        buffer_add(out, SPAN("no-cache\r\n"));
        return;
    case EXPIRES_MAX: /* ten years, and the last date that 31 bits hold */
        write_lines(SPAN("Thu, 31 Dec 2037 23:55:55 GMT"), out);
        buffer_add(out, SPAN("max-age=315360000\r\n"));
        return;
    case EXPIRES_DAILY:
        when = next_time_of_day(now, expires->seconds);
        break;
    case EXPIRES_MODIFIED:
        if (modified && expires->seconds != 0)
            when = *modified + expires->seconds;
        break;
    case EXPIRES_ACCESS:
        break;
    }
    /* nginx takes a negative time for stale, however late the file was changed */
    write_time(when, expires->seconds < 0 ? -1 : (int64_t)(when - now), out);
}
