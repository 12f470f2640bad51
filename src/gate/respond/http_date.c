#include "gate/respond/http_date.h"

#include <string.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void put_two(char *at, int number)
{
    at[0] = (char)('0' + number / 10 % 10);
    at[1] = (char)('0' + number % 10);
}

void http_date_format(time_t when, char text[HTTP_DATE_LEN])
{
    const time_t year_1 = -62135596800, year_9999 = 253402300799;
    struct tm tm;

    when = when < year_1 ? year_1 : when > year_9999 ? year_9999 : when;
    gmtime_r(&when, &tm);
    memcpy(text, "???, ?? ??? ???? ??:??:?? GMT", HTTP_DATE_LEN);
    memcpy(text, days[tm.tm_wday], 3);
    put_two(text + 5, tm.tm_mday);
    memcpy(text + 8, months[tm.tm_mon], 3);
    put_two(text + 12, (tm.tm_year + 1900) / 100);
    put_two(text + 14, tm.tm_year % 100 < 0 ? tm.tm_year % 100 + 100 : tm.tm_year % 100);
    put_two(text + 17, tm.tm_hour);
    put_two(text + 20, tm.tm_min);
    put_two(text + 23, tm.tm_sec);
}

static bool skip(struct span *text, struct span word)
{
    if (!span_starts(*text, word))
        return false;
    span_cut(text, word.len);
    return true;
}

/* Exactly `count` digits. */
static bool digits(struct span *text, int count, int *number)
{
    *number = 0;
    while (count-- > 0) {
        if (text->len == 0 || *text->at < '0' || *text->at > '9')
            return false;
        *number = *number * 10 + (*text->at - '0');
        span_cut(text, 1);
    }
    return true;
}

/* asctime writes a day below 10 with a blank before it. */
static bool padded_day(struct span *text, int *day)
{
    return skip(text, SPAN(" ")) ? digits(text, 1, day) : digits(text, 2, day);
}

static bool month(struct span *text, int *number)
{
    for (*number = 0; *number < 12; ++*number)
        if (skip(text, span_of(months[*number], 3)))
            return true;
    return false;
}

static bool clock_time(struct span *text, struct tm *tm)
{
    return digits(text, 2, &tm->tm_hour) && skip(text, SPAN(":")) &&
           digits(text, 2, &tm->tm_min) && skip(text, SPAN(":")) &&
           digits(text, 2, &tm->tm_sec);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool imf_fixdate(struct span text, struct tm *tm)
{
    return digits(&text, 2, &tm->tm_mday) && skip(&text, SPAN(" ")) &&
           month(&text, &tm->tm_mon) && skip(&text, SPAN(" ")) &&
           digits(&text, 4, &tm->tm_year) && skip(&text, SPAN(" ")) && clock_time(&text, tm) &&
           skip(&text, SPAN(" GMT")) && text.len == 0;
}

/* "06-Nov-94 08:49:37 GMT": years 70 to 99 are of the last century. */
static bool rfc850(struct span text, struct tm *tm)
{
    if (!(digits(&text, 2, &tm->tm_mday) && skip(&text, SPAN("-")) &&
          month(&text, &tm->tm_mon) && skip(&text, SPAN("-")) &&
          digits(&text, 2, &tm->tm_year) && skip(&text, SPAN(" ")) && clock_time(&text, tm) &&
          skip(&text, SPAN(" GMT")) && text.len == 0))
        return false;
    tm->tm_year += tm->tm_year < 70 ? 2000 : 1900;
    return true;
}

/* "Nov  6 08:49:37 1994" */
static bool asctime_date(struct span text, struct tm *tm)
{
    return month(&text, &tm->tm_mon) && skip(&text, SPAN(" ")) &&
           padded_day(&text, &tm->tm_mday) && skip(&text, SPAN(" ")) &&
           clock_time(&text, tm) && skip(&text, SPAN(" ")) && digits(&text, 4, &tm->tm_year) &&
           text.len == 0;
}

/* A day that the calendar has, which begins with the year 1; a leap second is the second before it. */
static bool to_time(struct tm *tm, time_t *when)
{
    const struct tm asked = *tm;

    if (asked.tm_year < 1 || asked.tm_hour > 23 || asked.tm_min > 59 || asked.tm_sec > 60)
        return false;
    if (tm->tm_sec == 60)
        tm->tm_sec = 59;
    tm->tm_year -= 1900;
    *when = timegm(tm);
    return tm->tm_mday == asked.tm_mday && tm->tm_mon == asked.tm_mon;
}

/* The name of the day says which form it is; it is not compared with the date. */
bool http_date_parse(struct span text, time_t *when)
{
    struct tm tm = {0};
    size_t comma = span_find(text, ',');

    if (comma == text.len) {
        span_cut(&text, 3);
        return skip(&text, SPAN(" ")) && asctime_date(text, &tm) && to_time(&tm, when);
    }
    span_cut(&text, comma + 1);
    if (!skip(&text, SPAN(" ")))
        return false;
    return (comma == 3 ? imf_fixdate(text, &tm) : rfc850(text, &tm)) && to_time(&tm, when);
}
