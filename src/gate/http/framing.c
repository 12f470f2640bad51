#include "gate/http/framing.h"

bool framing_length(struct span value, uint64_t *length)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned)value.at[i] - '0';

        if (digit > 9 || sum > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *length = sum;
    return value.len > 0;
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] <= 0x20 || s.at[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", s.at[i]))
            return false;
    }
    return s.len > 0;
}

/* The name of a coding, without its parameters. */
static struct span coding_name(struct span coding)
{
    return field_trim(span_of(coding.at, span_find(coding, ';')));
}

enum framing_coding framing_coding(struct span value)
{
    struct span coding;
    bool chunked = false, any = false;

    if (span_equal_nocase(value, SPAN("chunked")))
        return CODING_CHUNKED;
    for (; field_list_next(&value, &coding); any = true) {
        /* nothing may follow chunked, and it has no parameters */
        if (chunked || !is_token(coding_name(coding)))
            return CODING_MALFORMED;
        chunked = span_equal_nocase(coding_name(coding), SPAN("chunked"));
        if (chunked && (!any || coding.len > strlen("chunked")))
            return CODING_MALFORMED;
    }
    return any ? CODING_UNKNOWN : CODING_MALFORMED;
}

static void connection_add(struct framing_connection *connection, struct span options)
{
    struct span option;

    while (field_list_next(&options, &option)) {
        if (span_equal_nocase(option, SPAN("keep-alive")))
            connection->keep_alive = true;
        else if (span_equal_nocase(option, SPAN("close")))
            connection->close = true;
        else if (span_equal_nocase(option, SPAN("upgrade")))
            connection->upgrade = true;
        else
            connection->other = true;
    }
}

struct framing_connection framing_connection(const struct head *head)
{
    struct framing_connection connection = {0};

    if (!head_has(head, FIELD_CONNECTION))
        return connection;
    for (uint32_t i = head->first[FIELD_CONNECTION] - 1u; i < head->count; i++) {
        if (head->fields[i].id == FIELD_CONNECTION)
            connection_add(&connection, field_value(head, &head->fields[i]));
    }
    return connection;
}
