#include "gate/site_traps.h"

/* A block and those around it. */
struct scope {
    const struct scope *outer;
    const struct conf_node *nodes;
};

static bool is_named(const struct conf_node *node, const char *name)
{
    return span_equal(node->words[0].text, span_text(name));
}

static struct span word(const struct conf_node *node, size_t i)
{
    return i < node->count ? node->words[i].text : (struct span){0};
}

static bool has(struct span text, const char *part)
{
    return text.len > 0 && memmem(text.at, text.len, part, strlen(part));
}

static bool ends_in_slash(struct span text)
{
    return text.len > 0 && text.at[text.len - 1] == '/';
}

/* The statement of that name in the innermost block that has one; NULL: none has. */
static const struct conf_node *in_force(const struct scope *scope, const char *name)
{
    for (; scope; scope = scope->outer)
        for (const struct conf_node *node = scope->nodes; node; node = node->next)
            if (is_named(node, name))
                return node;
    return NULL;
}

/* ---- add_header ---- */

static bool adds(const struct conf_node *nodes, struct span field)
{
    for (; nodes; nodes = nodes->next)
        if (is_named(nodes, "add_header") && span_equal_nocase(word(nodes, 1), field))
            return true;
    return false;
}

/* A block with add_header of its own has none of those around it. */
static void tell_hidden_headers(struct conf *conf, const struct scope *scope)
{
    const struct conf_node *own = in_force(&(struct scope){NULL, scope->nodes}, "add_header");
    const struct conf_node *inherit = in_force(scope, "add_header_inherit");
    const struct scope *outer = scope->outer;

    if (!own || (inherit && !span_equal(word(inherit, 1), SPAN("on"))))
        return;
    while (outer && !in_force(&(struct scope){NULL, outer->nodes}, "add_header"))
        outer = outer->outer;
    for (const struct conf_node *node = outer ? outer->nodes : NULL; node; node = node->next) {
        if (!is_named(node, "add_header") || adds(scope->nodes, word(node, 1)))
            continue;
        conf->node = own;
        conf_warn(conf, 0, "repeat it here, or say \"add_header_inherit merge;\"",
                  "\"add_header\" here hides \"add_header %.*s\" of line %u",
                  SPAN_ARG(word(node, 1)), node->words[0].line);
        return;
    }
}

/* ---- if ---- */

static void tell_if(struct conf *conf, const struct conf_node *node)
{
    static const char *const safe[] = {"return", "rewrite", "set", "break"};

    for (const struct conf_node *inner = node->children; inner; inner = inner->next) {
        size_t i = 0;

        while (i < sizeof safe / sizeof *safe && !is_named(inner, safe[i]))
            i++;
        if (i < sizeof safe / sizeof *safe)
            continue;
        conf->node = inner;
        conf_warn(conf, 0, "a \"map\" or a location of its own says it without surprises",
                  "\"%.*s\" inside \"if\" replaces what the location says, and of several "
                  "\"if\" the last one holds",
                  SPAN_ARG(word(inner, 0)));
        return;
    }
}

/* ---- alias ---- */

/* The path's rest is put behind the alias as it is: both end in a slash, or neither does. */
static void tell_alias(struct conf *conf, const struct conf_node *node,
                       const struct location_words *location)
{
    bool prefix = location->sign.len == 0 || span_equal(location->sign, SPAN("^~"));
    struct span path = word(node, 1);

    if (!prefix || path.len == 0 || ends_in_slash(location->text) == ends_in_slash(path))
        return;
    conf->node = node;
    if (ends_in_slash(path))
        conf_warn(conf, 1, "write the location with a '/' at its end",
                  "\"%.*s../x\" reaches files beside \"%.*s\"", SPAN_ARG(location->text),
                  SPAN_ARG(path));
    else
        conf_warn(conf, 1, "write the alias with a '/' at its end",
                  "\"%.*sx\" becomes \"%.*sx\"", SPAN_ARG(location->text), SPAN_ARG(path));
}

/* ---- proxy_pass ---- */

static void tell_lost_arguments(struct conf *conf, const struct conf_node *node)
{
    struct span url = word(node, 1), rest = url;
    const uint8_t *colon = url.len > 0 ? memmem(url.at, url.len, "://", 3) : NULL;
    bool has_path, has_uri = has(url, "$uri") || has(url, "$document_uri");

    if (colon)
        span_cut(&rest, (uint64_t)(colon - url.at) + 3);
    has_path = span_find(rest, '/') < rest.len;
    if (span_find(url, '$') == url.len || (!has_path && !has_uri) || has(url, "$args") ||
        has(url, "$query_string") || has(url, "$request_uri") || has(url, "$is_args"))
        return;
    conf->node = node;
    conf_warn(conf, 1, "\"$is_args$args\" at its end passes them on",
              "with variables in \"proxy_pass\" the request's arguments are left out");
}

static bool is_of_this_machine(struct span host)
{
    return span_starts(host, SPAN("127.")) || span_starts(host, SPAN("localhost")) ||
           span_starts(host, SPAN("[::1]")) || span_starts(host, SPAN("unix:"));
}

static void tell_unverified(struct conf *conf, const struct conf_node *node,
                            const struct scope *scope)
{
    const struct conf_node *verify = in_force(scope, "proxy_ssl_verify");
    struct span url = word(node, 1), scheme = span_cut(&url, 8);

    if (!span_equal_nocase(scheme, SPAN("https://")) || is_of_this_machine(url) ||
        (verify && span_equal_nocase(word(verify, 1), SPAN("on"))))
        return;
    conf->node = node;
    conf_warn(conf, 1,
              "\"proxy_ssl_verify on;\" with \"proxy_ssl_trusted_certificate\" and "
              "\"proxy_ssl_server_name on;\"",
              "nobody checks that it is \"%.*s\" that answers", SPAN_ARG(url));
}

/* ---- the walk ---- */

static void tell_block(struct conf *conf, const struct conf_node *nodes,
                       const struct scope *outer, const struct location_words *location)
{
    const struct scope scope = {outer, nodes};
    bool prefix =
        !location || location->sign.len == 0 || span_equal(location->sign, SPAN("^~"));

    tell_hidden_headers(conf, &scope);
    site_traps_regex(conf, nodes, location && prefix ? location->text : SPAN("/"));
    for (const struct conf_node *node = nodes; node; node = node->next) {
        struct location_words inner;

        site_traps_words(conf, node);
        if (is_named(node, "alias") && location)
            tell_alias(conf, node, location);
        if (is_named(node, "proxy_pass")) {
            tell_lost_arguments(conf, node);
            tell_unverified(conf, node, &scope);
        }
        if (!node->block)
            continue;
        if (is_named(node, "if") && location)
            tell_if(conf, node);
        if (site_traps_location(node, &inner))
            tell_block(conf, node->children, &scope, &inner);
        else if (is_named(node, "http") || is_named(node, "server") || is_named(node, "if") ||
                 is_named(node, "limit_except"))
            tell_block(conf, node->children, &scope, location);
    }
}

void site_traps_tell(struct conf *conf, const struct conf_node *nodes)
{
    tell_block(conf, nodes, NULL, NULL);
    conf->node = NULL;
}
