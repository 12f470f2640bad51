#include "gate/conf/slot.h"

#include "base/units.h"
#include "gate/conf/value.h"

static void put(const struct directive *d, void *part, const void *value, size_t size)
{
    if (d->offset != CONF_NOWHERE)
        memcpy((uint8_t *)part + d->offset, value, size);
}

static void put_number(const struct directive *d, void *part, uint64_t number)
{
    put(d, part, &number, sizeof number);
}

enum rc conf_set_flag(struct conf *conf, const struct directive *d, void *part)
{
    struct span word = conf_word(conf, 1);
    bool on = span_equal_nocase(word, SPAN("on"));

    if (!on && !span_equal_nocase(word, SPAN("off")))
        return conf_fail(
            conf, 1, NULL,
            "invalid value \"%.*s\" in \"%s\" directive, it must be \"on\" or \"off\"",
            SPAN_ARG(word), d->name);
    put(d, part, &on, sizeof on);
    return RC_OK;
}

enum rc conf_set_number(struct conf *conf, const struct directive *d, void *part)
{
    uint64_t number;

    if (units_parse_number(conf_word(conf, 1), INT64_MAX, &number) != RC_OK)
        return conf_fail_value(conf, 1, "invalid number");
    put_number(d, part, number);
    return RC_OK;
}

static enum rc set_size(struct conf *conf, const struct directive *d, void *part, bool giga)
{
    uint64_t size;

    if (value_parse_size(conf_word(conf, 1), giga, &size) != RC_OK)
        return conf_fail(conf, 1,
                         giga ? "bytes, or with k, m or g behind the number: 512k, 10m, 1g"
                              : "bytes, or with k or m behind the number: 512k, 10m",
                         "\"%s\" directive invalid value", d->name);
    put_number(d, part, size);
    return RC_OK;
}

enum rc conf_set_size(struct conf *conf, const struct directive *d, void *part)
{
    return set_size(conf, d, part, false);
}

enum rc conf_set_offset(struct conf *conf, const struct directive *d, void *part)
{
    return set_size(conf, d, part, true);
}

enum rc conf_set_milliseconds(struct conf *conf, const struct directive *d, void *part)
{
    uint64_t ms;

    if (value_parse_milliseconds(conf_word(conf, 1), &ms) != RC_OK)
        return conf_fail(conf, 1, "a time such as 500ms, 30s, 5m or \"1h 30m\"",
                         "\"%s\" directive invalid value", d->name);
    put_number(d, part, ms);
    return RC_OK;
}

static enum rc set_seconds(struct conf *conf, const struct directive *d, void *part,
                           uint64_t scale)
{
    uint64_t seconds;

    if (value_parse_seconds(conf_word(conf, 1), &seconds) != RC_OK ||
        seconds > INT64_MAX / scale)
        return conf_fail(conf, 1, "a time such as 30s, 5m or \"1h 30m\"",
                         "\"%s\" directive invalid value", d->name);
    put_number(d, part, seconds * scale);
    return RC_OK;
}

enum rc conf_set_seconds(struct conf *conf, const struct directive *d, void *part)
{
    return set_seconds(conf, d, part, 1);
}

enum rc conf_set_seconds_ms(struct conf *conf, const struct directive *d, void *part)
{
    return set_seconds(conf, d, part, 1000);
}

enum rc conf_set_text(struct conf *conf, const struct directive *d, void *part)
{
    struct span word = conf_word(conf, 1);

    put(d, part, &word, sizeof word);
    return RC_OK;
}

enum rc conf_set_template(struct conf *conf, const struct directive *d, void *part)
{
    struct template t;
    enum rc rc = conf_template(conf, 1, conf_word(conf, 1), &t);

    if (rc == RC_OK)
        put(d, part, &t, sizeof t);
    return rc;
}

enum rc conf_set_predicates(struct conf *conf, const struct directive *d, void *part)
{
    const size_t count = conf_words(conf) - 1;
    struct template *all = arena_take_array(conf->arena, count, sizeof *all);
    const struct predicates made = {all, count};
    enum rc rc;

    if (!all)
        return conf_no_memory(conf);
    for (size_t i = 0; i < count; i++)
        if ((rc = conf_template(conf, i + 1, conf_word(conf, i + 1), &all[i])) != RC_OK)
            return rc;
    put(d, part, &made, sizeof made);
    return RC_OK;
}

static const struct conf_choice *find_choice(const struct conf_choice *list, struct span word)
{
    while (list->name && !span_equal_nocase(span_text(list->name), word))
        list++;
    return list->name ? list : NULL;
}

/* "one of: on, off, always" */
static enum rc no_choice(struct conf *conf, const struct directive *d, size_t i)
{
    char room[200];
    struct buffer hint = buffer_over(room, sizeof room - 1);

    for (const struct conf_choice *c = d->of; c->name; c++) {
        buffer_add_text(&hint, c == d->of ? "one of: " : ", ");
        buffer_add_text(&hint, c->name);
    }
    room[hint.len] = '\0';
    return conf_fail(conf, i, room, "invalid value \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
}

enum rc conf_set_choice(struct conf *conf, const struct directive *d, void *part)
{
    const struct conf_choice *choice = find_choice(d->of, conf_word(conf, 1));

    if (!choice)
        return no_choice(conf, d, 1);
    put(d, part, &choice->value, sizeof choice->value);
    return RC_OK;
}

enum rc conf_set_choices(struct conf *conf, const struct directive *d, void *part)
{
    unsigned bits = 0;

    if (conf->again && d->offset != CONF_NOWHERE)
        memcpy(&bits, (char *)part + d->offset, sizeof bits);
    for (size_t i = 1; i < conf_words(conf); i++) {
        const struct conf_choice *choice = find_choice(d->of, conf_word(conf, i));

        if (!choice)
            return no_choice(conf, d, i);
        if (choice->value != 0 && (bits & choice->value) == choice->value)
            conf_warn(conf, i, NULL, "duplicate value \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
        bits |= choice->value;
    }
    put(d, part, &bits, sizeof bits);
    return RC_OK;
}

enum rc conf_set_buffers(struct conf *conf, const struct directive *d, void *part)
{
    uint64_t values[2];

    if (units_parse_number(conf_word(conf, 1), INT32_MAX, &values[0]) != RC_OK ||
        values[0] == 0)
        return conf_fail_value(conf, 1, "invalid value");
    if (value_parse_size(conf_word(conf, 2), false, &values[1]) != RC_OK || values[1] == 0)
        return conf_fail_value(conf, 2, "invalid value");
    put(d, part, values, sizeof values);
    return RC_OK;
}

enum rc conf_accept(struct conf *conf, const struct directive *d, void *part)
{
    (void)conf, (void)d, (void)part;
    return RC_OK;
}
