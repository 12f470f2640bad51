#include "gate/respond/error_page.h"

#include "base/units.h"
#include "gate/respond/status.h"

enum { STATUS_LEAST = 300, STATUS_MOST = 599, ANSWER_MOST = 999 };

const struct error_page *error_page_find(const struct error_page *pages, size_t count,
                                         unsigned status)
{
    for (size_t i = 0; i < count; i++)
        if (pages[i].status == status)
            return &pages[i];
    return NULL;
}

static enum rc invalid(struct conf *conf, size_t i)
{
    return conf_fail(conf, i, NULL, "invalid value \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
}

/* "=" or "=200" in front of the last word; *statuses is where the statuses end. */
static enum rc parse_answer(struct conf *conf, int *answer, size_t *statuses)
{
    size_t at = conf_words(conf) - 2;
    struct span word = conf_word(conf, at);
    uint64_t number;

    *statuses = at + 1;
    *answer = ERROR_PAGE_KEEPS;
    if (!span_starts(word, SPAN("=")))
        return RC_OK;
    *statuses = at;
    *answer = ERROR_PAGE_TAKES;
    if (at == 1)
        return invalid(conf, at);
    span_cut(&word, 1);
    if (word.len == 0)
        return RC_OK;
    if (units_parse_number(word, ANSWER_MOST, &number) != RC_OK)
        return invalid(conf, at);
    if (number > 0 && number < 200) {
        conf_warn(conf, at, NULL, "no answer ends with status %d, it keeps its own",
                  (int)number);
        *answer = ERROR_PAGE_KEEPS;
    } else {
        *answer = (int)number;
    }
    return RC_OK;
}

static enum rc parse_status(struct conf *conf, size_t i, unsigned *status)
{
    uint64_t number;

    if (units_parse_number(conf_word(conf, i), UINT32_MAX, &number) != RC_OK ||
        number == STATUS_CLIENT_CLOSED)
        return invalid(conf, i);
    if (number < STATUS_LEAST || number > STATUS_MOST)
        return conf_fail(conf, i, NULL, "value \"%.*s\" must be between 300 and 599",
                         SPAN_ARG(conf_word(conf, i)));
    *status = (unsigned)number;
    return RC_OK;
}

enum rc error_page_parse(struct conf *conf, const struct error_page **pages, size_t *count)
{
    struct error_page made = {.node = conf->node}, *all = NULL, *page;
    size_t last = conf_words(conf) - 1, statuses = 0;
    enum rc rc;

    if ((rc = parse_answer(conf, &made.answer, &statuses)) != RC_OK ||
        (rc = conf_template(conf, last, conf_word(conf, last), &made.to)) != RC_OK)
        return rc;
    for (size_t i = 1; i < statuses; i++) {
        if ((rc = parse_status(conf, i, &made.status)) != RC_OK)
            return rc;
        memcpy(&all, pages, sizeof all);
        if (!(page = conf_add(conf, (void **)&all, count, sizeof *page)))
            return RC_MEMORY;
        *page = made;
        *pages = all;
    }
    return RC_OK;
}
