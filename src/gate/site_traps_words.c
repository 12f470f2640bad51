/* Traps of single statements: what is accepted, and does not mean what it looks like. */
#include "gate/site_traps.h"

static struct span word(const struct conf_node *node, size_t i)
{
    return i < node->count ? node->words[i].text : (struct span){0};
}

static bool is_named(const struct conf_node *node, const char *name)
{
    return span_equal(word(node, 0), span_text(name));
}

static bool ends_in(struct span text, char c)
{
    return text.len > 1 && text.at[text.len - 1] == (uint8_t)c;
}

/* "access_log on", "error_log off": files of that name. */
static void tell_log(struct conf *conf, const struct conf_node *node)
{
    bool access = is_named(node, "access_log"), error = is_named(node, "error_log");
    struct span target = word(node, 1);
    bool odd = span_equal(target, SPAN("on")) || (error && span_equal(target, SPAN("off")));

    if ((access || error) && odd)
        conf_warn(conf, 1,
                  access ? "name the file, or leave the line out"
                         : "\"error_log /dev/null crit;\" keeps nothing",
                  "this logs to a file called \"%.*s\"", SPAN_ARG(target));
}

static void tell_field(struct conf *conf, const struct conf_node *node)
{
    if ((is_named(node, "proxy_set_header") || is_named(node, "add_header")) &&
        ends_in(word(node, 1), ':'))
        conf_warn(conf, 1, "leave the ':' out",
                  "\"%.*s\" is not the name of a field: it is sent with two colons",
                  SPAN_ARG(word(node, 1)));
}

static void tell_comma(struct conf *conf, const struct conf_node *node)
{
    for (size_t i = 1; is_named(node, "server_name") && i < node->count; i++)
        if (ends_in(word(node, i), ',') && word(node, i).at[0] != '~') {
            conf_warn(conf, i, "names stand apart by blanks alone",
                      "no client asks for \"%.*s\"", SPAN_ARG(word(node, i)));
            return;
        }
}

static void tell_location(struct conf *conf, const struct conf_node *node)
{
    struct location_words location;

    if (!is_named(node, "location") || !site_traps_location(node, &location) ||
        span_starts(location.sign, SPAN("~")) || location.text.len == 0 ||
        memchr("/@$", location.text.at[0], 3))
        return;
    conf_warn(conf, node->count - 1, "paths begin with a '/'",
              "no request ever gets to location \"%.*s\"", SPAN_ARG(location.text));
}

static bool is_directive(const struct conf *conf, struct span name)
{
    const char *known;

    for (size_t i = 0; conf->language && (known = conf_name_at(i, conf->language)); i++)
        if (span_equal(span_text(known), name))
            return true;
    return false;
}

/* A ';' is missing, and the directive takes as many words as there are. */
static void tell_swallowed(struct conf *conf, const struct conf_node *node)
{
    for (size_t i = 1; i + 1 < node->count; i++)
        if (node->words[i].line > node->words[i - 1].line &&
            is_directive(conf, node->words[i].text)) {
            conf_warn(conf, i, "is a ';' missing at the end of the line before?",
                      "\"%.*s\" is a word of \"%.*s\" here", SPAN_ARG(word(node, i)),
                      SPAN_ARG(word(node, 0)));
            return;
        }
}

void site_traps_words(struct conf *conf, const struct conf_node *node)
{
    conf->node = node;
    tell_log(conf, node);
    tell_field(conf, node);
    tell_comma(conf, node);
    tell_location(conf, node);
    tell_swallowed(conf, node);
}
