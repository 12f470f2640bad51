#include "gate/compress/gzip_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"

#define AT(member) .offset = offsetof(struct gzip_settings, member)
#define DROPPED .offset = CONF_NOWHERE
#define PLACE CONF_ALL_HTTP

enum { LEVEL_MAX = 9 };

static const struct conf_choice versions[] = {{"1.0", 10}, {"1.1", 11}, {0}};
static const struct conf_choice proxied[] = {
    {"off", GZIP_PROXIED_OFF},           {"expired", GZIP_PROXIED_EXPIRED},
    {"no-cache", GZIP_PROXIED_NO_CACHE}, {"no-store", GZIP_PROXIED_NO_STORE},
    {"private", GZIP_PROXIED_PRIVATE},   {"no_last_modified", GZIP_PROXIED_NO_LAST_MODIFIED},
    {"no_etag", GZIP_PROXIED_NO_ETAG},   {"auth", GZIP_PROXIED_AUTH},
    {"any", GZIP_PROXIED_ANY},           {0}};

void gzip_settings_enter(struct gzip_settings *s)
{
    s->own_disable = false;
}

static enum rc set_level(struct conf *conf, const struct directive *d, void *part)
{
    struct gzip_settings *s = part;
    enum rc rc = conf_set_number(conf, d, part);

    if (rc == RC_OK && (s->level < 1 || s->level > LEVEL_MAX))
        return conf_fail(conf, 1, NULL, "value must be between 1 and 9");
    return rc;
}

static enum rc set_disable(struct conf *conf, const struct directive *d, void *part)
{
    struct gzip_settings *s = part;
    const struct regex **list = NULL, **slot;
    struct regex *regex;
    enum rc rc;

    (void)d;
    if (s->own_disable) {
        memcpy(&list, &s->disable, sizeof list);
    } else {
        s->disable_count = 0;
        s->disable_msie6 = false;
    }
    s->own_disable = true;
    for (size_t i = 1; i < conf_words(conf); i++) {
        if (span_equal(conf_word(conf, i), SPAN("msie6"))) {
            s->disable_msie6 = true;
            continue;
        }
        if ((rc = conf_regex(conf, i, conf_word(conf, i), true, &regex)) != RC_OK)
            return rc;
        if (!(slot = conf_add(conf, (void **)&list, &s->disable_count, sizeof *slot)))
            return RC_MEMORY;
        *slot = regex;
        s->disable = list;
    }
    return RC_OK;
}

const struct directive gzip_directives[] = {
    {"gzip", PLACE | CONF_IF, 1, 1, .set = conf_set_flag, AT(on), .standard = "off",
     .doc = "Compresses answers for clients that take gzip."},
    {"gzip_types", PLACE, 1, CONF_MANY, true, .set = type_list_set, AT(types),
     .doc = "The content types that are compressed besides text/html; * for all."},
    {"gzip_min_length", PLACE, 1, 1, .set = conf_set_size, AT(min_length), .standard = "20",
     .doc = "Answers that are known to be shorter are sent as they are."},
    {"gzip_comp_level", PLACE, 1, 1, .set = set_level, AT(level), .standard = "1",
     .doc = "From 1, the fastest, to 9, the smallest."},
    {"gzip_proxied", PLACE, 1, CONF_MANY, true, .set = conf_set_choices, .of = proxied,
     AT(proxied), .standard = "off",
     .doc = "Which answers to proxies, whose requests have Via, are compressed: off, any, "
            "auth, or by fields of the answer: expired, no-cache, no-store, private, "
            "no_last_modified, no_etag."},
    {"gzip_vary", PLACE, 1, 1, .set = conf_set_flag, AT(vary), .standard = "off",
     .doc = "Adds Vary: Accept-Encoding to answers that may be compressed."},
    {"gzip_http_version", PLACE, 1, 1, .set = conf_set_choice, .of = versions,
     AT(http_version), .standard = "1.1",
     .doc = "The lowest version of HTTP whose requests get compressed answers."},
    {"gzip_disable", PLACE, 1, CONF_MANY, true, .set = set_disable,
     .doc = "Clients whose User-Agent fits one of these expressions get no compressed "
            "answers; msie6 stands for the old ones of Microsoft."},
    {"gzip_buffers", PLACE, 2, 2, .set = conf_set_buffers, DROPPED,
     .doc = "Accepted, of no effect: what is compressed is sent at once."},
    {"gzip_window", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: the library chooses its window."},
    {"gzip_hash", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: the library chooses its tables."},
    {"gzip_no_buffer", PLACE, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: what is compressed is sent at once."},
    {"postpone_gzipping", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: what is there is compressed at once."},
    {0},
};
