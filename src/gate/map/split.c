#include "gate/map/split.h"

enum rc split_parse_share(struct span text, uint32_t *share)
{
    uint32_t value = 0;
    int decimals = -1; /* behind the point: -1 in front of it */

    if (span_equal(text, SPAN("*"))) {
        *share = 0;
        return RC_OK;
    }
    if (text.len < 2 || text.at[text.len - 1] != '%')
        return RC_FORMAT;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (text.at[i] < '0' || text.at[i] > '9' || decimals == 2)
            return RC_FORMAT;
        value = value * 10 + (text.at[i] - '0');
        decimals += decimals >= 0;
        if (value > SPLIT_WHOLE)
            return RC_FORMAT;
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 2; decimals++)
        value *= 10;
    *share = value;
    return value > 0 ? RC_OK : RC_FORMAT;
}

enum rc split_seal(struct split_part *parts, size_t count)
{
    uint32_t sum = 0, end = 0;

    for (size_t i = 0; i < count; i++) {
        sum = parts[i].share > 0 ? sum + parts[i].share : SPLIT_WHOLE;
        if (sum > SPLIT_WHOLE)
            return RC_LIMIT;
        end += (uint32_t)(parts[i].share * (uint64_t)UINT32_MAX / SPLIT_WHOLE);
        parts[i].end = end;
    }
    return RC_OK;
}

const struct split_part *split_find(const struct split_part *parts, size_t count,
                                    struct span text)
{
    const uint32_t hash = split_hash(text);

    for (size_t i = 0; i < count; i++)
        if (parts[i].share == 0 || hash < parts[i].end)
            return &parts[i];
    return NULL;
}

uint32_t split_hash(struct span text)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *at = text.at;
    uint32_t h = (uint32_t)text.len;
    size_t left = text.len;

    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k =
            at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    if (left > 0) {
        for (size_t i = left; i-- > 0;)
            h ^= (uint32_t)at[i] << (8 * i);
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}
