#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>

enum rc units_parse_number(struct span text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    bool wrapped = false; /* the rest must still be digits */

    if (text.len == 0)
        return RC_FORMAT;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return RC_FORMAT;
        wrapped |= __builtin_mul_overflow(value, 10, &value);
        wrapped |= __builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value);
    }
    if (wrapped || value > max)
        return RC_LIMIT;
    *number = value;
    return RC_OK;
}

enum rc units_parse_size(struct span text, uint64_t *bytes)
{
    static const char letters[] = "KMGTPE";
    size_t digits = 0;
    unsigned shift = 0;
    struct span number, unit;
    enum rc rc;

    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    number = span_of(text.at, digits);
    unit = span_of(text.at + digits, text.len - digits);
    if (unit.len > 0) {
        const char *letter = strchr(letters, unit.at[0] & ~0x20);

        if (letter && *letter) {
            shift = 10 * (unsigned)(letter - letters + 1);
            span_cut(&unit, 1);
            if (unit.len == 2 && unit.at[0] == 'i')
                span_cut(&unit, 1);
        }
        if (unit.len > 1 || (unit.len == 1 && (unit.at[0] & ~0x20) != 'B'))
            return RC_FORMAT;
    }
    if ((rc = units_parse_number(number, (uint64_t)INT64_MAX >> shift, bytes)) != RC_OK)
        return rc;
    *bytes <<= shift;
    return RC_OK;
}

char *units_size(char text[16], uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    double value = (double)bytes;

    while (value >= 1024 && unit < 6) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(text, 16, "%" PRIu64 " B", bytes);
    else
        snprintf(text, 16, "%.1f %s", value, names[unit]);
    return text;
}
