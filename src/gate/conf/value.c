#include "gate/conf/value.h"

#include "base/units.h"

#define VALUE_MAX ((uint64_t)INT64_MAX)

/* By rank: a unit may only be followed by one of a higher rank. */
enum { YEAR = 1, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND, LAST };

static const struct {
    char letter;
    int rank;
    uint64_t seconds;
} units[] = {
    {'y', YEAR, 365 * 86400}, {'M', MONTH, 30 * 86400}, {'w', WEEK, 7 * 86400},
    {'d', DAY, 86400},        {'h', HOUR, 3600},        {'m', MINUTE, 60},
    {'s', SECOND, 1},
};

enum rc value_parse_size(struct span text, bool giga, uint64_t *bytes)
{
    unsigned shift = 0;

    if (text.len > 0) {
        switch (text.at[text.len - 1]) {
        case 'k':
        case 'K':
            shift = 10;
            break;
        case 'm':
        case 'M':
            shift = 20;
            break;
        case 'g':
        case 'G':
            shift = giga ? 30 : 0;
            break;
        default:
            break;
        }
    }
    text.len -= shift > 0 ? 1 : 0;
    if (units_parse_number(text, VALUE_MAX >> shift, bytes) != RC_OK)
        return RC_FORMAT;
    *bytes <<= shift;
    return RC_OK;
}

/* Cuts the unit off; its rank, and how many of the parsed unit (seconds or milliseconds) it is. */
static int cut_unit(struct span *text, bool in_seconds, uint64_t *scale)
{
    uint8_t letter = span_cut(text, 1).at[0];

    if (letter == ' ') { /* behind a bare number: only blanks may follow */
        *scale = in_seconds ? 1 : 1000;
        return LAST;
    }
    if (letter == 'm' && text->len > 0 && text->at[0] == 's') {
        span_cut(text, 1);
        *scale = 1;
        return in_seconds ? 0 : MILLISECOND;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if ((uint8_t)units[i].letter == letter) {
            *scale = units[i].seconds * (in_seconds ? 1 : 1000);
            return units[i].rank;
        }
    }
    return 0;
}

/* Cuts the digits off; false where they make too large a number. */
static bool cut_number(struct span *text, uint64_t *number)
{
    size_t digits = 0;

    while (digits < text->len && text->at[digits] >= '0' && text->at[digits] <= '9')
        digits++;
    if (digits == 0) {
        *number = 0;
        return true;
    }
    return units_parse_number(span_cut(text, digits), VALUE_MAX, number) == RC_OK;
}

static enum rc parse_time(struct span text, bool in_seconds, uint64_t *time)
{
    int before = in_seconds ? 0 : MONTH;
    uint64_t total = 0, number, scale;
    bool any = false;

    while (text.len > 0) {
        size_t len = text.len;
        int rank = LAST;

        if (!cut_number(&text, &number))
            return RC_FORMAT;
        any = any || text.len < len;
        scale = in_seconds ? 1 : 1000;
        if (text.len > 0 && ((rank = cut_unit(&text, in_seconds, &scale)) <= before ||
                             (rank == LAST && before >= SECOND)))
            return RC_FORMAT;
        before = rank;
        if (__builtin_mul_overflow(number, scale, &number) ||
            __builtin_add_overflow(total, number, &total) || total > VALUE_MAX)
            return RC_FORMAT;
        while (text.len > 0 && text.at[0] == ' ')
            span_cut(&text, 1);
    }
    if (!any)
        return RC_FORMAT;
    *time = total;
    return RC_OK;
}

enum rc value_parse_milliseconds(struct span text, uint64_t *ms)
{
    return parse_time(text, false, ms);
}

enum rc value_parse_seconds(struct span text, uint64_t *seconds)
{
    return parse_time(text, true, seconds);
}
