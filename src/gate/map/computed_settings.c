/* The blocks that define variables. */
#include <ctype.h>

#include "gate/conf/slot.h"
#include "gate/map/computed.h"

/* A copy in lower case; at is NULL when there is no memory. */
static struct span lower(struct arena *arena, struct span s)
{
    char *copy = arena_text(arena, s);

    for (size_t i = 0; copy && i < s.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return span_of(copy, copy ? s.len : 0);
}

/* "geo [SOURCE] $NAME { }", "map SOURCE $NAME { }", "split_clients SOURCE $NAME { }" or "set $NAME VALUE;" */
static struct span defined_word(const struct conf_node *node)
{
    struct span first = node->words[0].text;

    if (node->block && span_equal(first, SPAN("geo")) && node->count > 1)
        return node->words[node->count - 1].text;
    if (node->count != 3)
        return (struct span){0};
    if (!node->block)
        return span_equal(first, SPAN("set")) || span_equal(first, SPAN("auth_request_set"))
                   ? node->words[1].text
                   : (struct span){0};
    return span_equal(first, SPAN("map")) || span_equal(first, SPAN("split_clients"))
               ? node->words[2].text
               : (struct span){0};
}

struct span computed_name(const struct conf_node *node, struct arena *arena)
{
    struct span name = defined_word(node);

    if (name.len < 2 || name.at[0] != '$')
        return (struct span){0};
    span_cut(&name, 1);
    return lower(arena, name);
}

struct computed *computed_add(struct computed_list *list, struct span name, struct conf *conf)
{
    struct computed **slot, *made;

    for (size_t i = 0; i < list->count; i++)
        if (span_equal(list->all[i]->name, name))
            return list->all[i];
    if (!(made = arena_take(conf->arena, sizeof *made)) ||
        !(slot = conf_add(conf, (void **)&list->all, &list->count, sizeof *slot)))
        return NULL;
    made->name = name;
    made->index = list->count - 1;
    *slot = made;
    return made;
}

/* "BLOCK [SOURCE] $NAME": begins anew where the name was defined before, for the last definition holds. */
static struct computed *begin(struct conf *conf, struct computed_list *list,
                              enum computed_kind kind)
{
    struct span name = computed_name(conf->node, conf->arena);
    const size_t last = conf_words(conf) - 1;
    struct computed *made;
    struct template source = {0};
    size_t index;

    if (name.len == 0) {
        (void)conf_fail(conf, last, "it begins with '$'", "invalid variable name \"%.*s\"",
                        SPAN_ARG(conf_word(conf, last)));
        return NULL;
    }
    if (variables_have_fixed(conf->variables, name)) {
        (void)conf_fail(conf, last, "gate itself has one of that name",
                        "the duplicate \"%.*s\" variable", SPAN_ARG(name));
        return NULL;
    }
    if ((last > 1 && conf_template(conf, 1, conf_word(conf, 1), &source) != RC_OK) ||
        !(made = computed_add(list, name, conf)))
        return NULL;
    index = made->index;
    *made = (struct computed){.name = name, .index = index, .kind = kind, .source = source};
    return made;
}

/* Calls `read` for each line of the block. */
static enum rc read_lines(struct conf *conf, struct computed *made,
                          enum rc (*read)(struct conf *conf, struct computed *made))
{
    const struct conf_node *block = conf->node;

    for (conf->node = block->children; conf->node; conf->node = conf->node->next)
        (void)(conf->node->block ? conf_fail(conf, 0, NULL, "unexpected \"{\"")
                                 : read(conf, made));
    conf->node = block;
    return RC_OK;
}

/* ---- map ---- */

static enum rc add_expression(struct conf *conf, struct computed *made, struct span key,
                              const struct template *value)
{
    struct map_expression *e;
    struct regex *regex;
    bool nocase;
    enum rc rc;

    span_cut(&key, 1);
    nocase = key.len > 0 && key.at[0] == '*';
    if (nocase)
        span_cut(&key, 1);
    if ((rc = conf_regex(conf, 0, key, nocase, &regex)) != RC_OK)
        return rc;
    e = conf_add(conf, (void **)&made->map.expressions, &made->map.expressions_count,
                 sizeof *e);
    if (!e)
        return RC_MEMORY;
    *e = (struct map_expression){regex, value};
    return RC_OK;
}

static enum rc add_key(struct conf *conf, struct computed *made, const struct template *value)
{
    struct span key = conf_word(conf, 0);

    if (span_equal(key, SPAN("default"))) {
        if (made->map.other)
            return conf_fail(conf, 0, NULL, "duplicate default map parameter");
        made->map.other = value;
        return RC_OK;
    }
    if (key.len > 0 && key.at[0] == '~')
        return add_expression(conf, made, key, value);
    if (key.len > 0 && key.at[0] == '\\')
        span_cut(&key, 1);
    switch (map_add(&made->map, key, value, conf->arena)) {
    case RC_OK:
        return RC_OK;
    case RC_BUSY:
        return conf_fail(conf, 0, NULL, "conflicting parameter \"%.*s\"",
                         SPAN_ARG(lower(conf->arena, key)));
    case RC_FORMAT:
        return conf_fail(conf, 0, NULL, "invalid hostname or wildcard \"%.*s\"",
                         SPAN_ARG(key));
    default:
        return conf_no_memory(conf);
    }
}

static enum rc read_map_line(struct conf *conf, struct computed *made)
{
    struct template *value;
    enum rc rc;

    if (conf_words(conf) == 1 && span_equal(conf_word(conf, 0), SPAN("hostnames"))) {
        made->map.hostnames = true;
        return RC_OK;
    }
    if (conf_words(conf) == 1 && span_equal(conf_word(conf, 0), SPAN("volatile"))) {
        made->is_volatile = true;
        return RC_OK;
    }
    if (conf_words(conf) != 2)
        return conf_fail(conf, 0, "TEXT VALUE;", "invalid number of the map parameters");
    if (!(value = arena_take(conf->arena, sizeof *value)))
        return conf_no_memory(conf);
    if ((rc = conf_template(conf, 1, conf_word(conf, 1), value)) != RC_OK)
        return rc;
    return add_key(conf, made, value);
}

static enum rc set_map(struct conf *conf, const struct directive *d, void *part)
{
    struct computed *made = begin(conf, part, COMPUTED_MAP);

    (void)d;
    return made ? read_lines(conf, made, read_map_line) : RC_FORMAT;
}

/* ---- split_clients ---- */

static enum rc read_share(struct conf *conf, struct computed *made)
{
    struct split_part read = {.value = conf_word(conf, 1)}, *slot;

    if (conf_words(conf) != 2)
        return conf_fail(conf, 0, "SHARE% VALUE;",
                         "invalid number of the split_clients parameters");
    if (split_parse_share(conf_word(conf, 0), &read.share) != RC_OK)
        return conf_fail(conf, 0, "such as 12.5%, or * for the rest",
                         "invalid percent value \"%.*s\"", SPAN_ARG(conf_word(conf, 0)));
    if (!(slot = conf_add(conf, (void **)&made->parts, &made->parts_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = read;
    return RC_OK;
}

static enum rc set_split_clients(struct conf *conf, const struct directive *d, void *part)
{
    struct computed *made = begin(conf, part, COMPUTED_SPLIT);
    enum rc rc;

    (void)d;
    if (!made || (rc = read_lines(conf, made, read_share)) != RC_OK)
        return RC_FORMAT;
    conf->ended = true;
    if (split_seal(made->parts, made->parts_count) != RC_OK)
        return conf_fail(conf, 0, NULL, "percent total is greater than 100%%");
    return RC_OK;
}

/* ---- geo ---- */

/* "NETWORK" or "FIRST-LAST", as the block has them. */
static enum rc parse_entry(struct conf *conf, struct computed *made, size_t word,
                           struct geo_entry *entry)
{
    struct span text = conf_word(conf, word);
    struct cidr cidr;
    bool loose;

    if (made->geo.ranges)
        return geo_parse_range(text, entry) == RC_OK
                   ? RC_OK
                   : conf_fail(conf, word, NULL, "invalid range \"%.*s\"", SPAN_ARG(text));
    if (cidr_parse(text, &cidr, &loose) != RC_OK)
        return conf_fail(conf, word, NULL, "invalid network \"%.*s\"", SPAN_ARG(text));
    if (loose)
        conf_warn(conf, word, NULL, "low address bits of %.*s are meaningless",
                  SPAN_ARG(text));
    *entry = geo_entry_of(&cidr);
    return RC_OK;
}

static bool is_same(const struct geo_entry *a, const struct geo_entry *b)
{
    return memcmp(&a->first, &b->first, sizeof a->first) == 0 &&
           memcmp(&a->last, &b->last, sizeof a->last) == 0;
}

/* Takes out the entries with those very addresses. */
static size_t remove_entry(struct computed *made, const struct geo_entry *entry)
{
    size_t kept = 0, before = made->networks_count;

    for (size_t i = 0; i < before; i++)
        if (!is_same(&made->networks[i], entry))
            made->networks[kept++] = made->networks[i];
    made->networks_count = kept;
    return before - kept;
}

static enum rc read_geo_word(struct conf *conf, struct computed *made)
{
    struct span word = conf_word(conf, 0);

    if (span_equal(word, SPAN("ranges"))) {
        if (made->networks_count > 0)
            return conf_fail(conf, 0, NULL,
                             "the \"ranges\" directive must be the first directive inside "
                             "\"geo\" block");
        made->geo.ranges = true;
    } else if (span_equal(word, SPAN("proxy_recursive"))) {
        made->proxies_recursive = true;
    } else if (span_equal(word, SPAN("volatile"))) {
        made->is_volatile = true;
    } else {
        return conf_fail(conf, 0, "NETWORK VALUE;", "invalid number of the geo parameters");
    }
    return RC_OK;
}

static enum rc add_proxy(struct conf *conf, struct computed *made)
{
    struct cidr *blocks = NULL, *block, read;
    bool loose;

    if (cidr_parse(conf_word(conf, 1), &read, &loose) != RC_OK)
        return conf_fail(conf, 1, NULL, "invalid network \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 1)));
    if (loose)
        conf_warn(conf, 1, NULL, "low address bits of %.*s are meaningless",
                  SPAN_ARG(conf_word(conf, 1)));
    if (made->proxies.count > 0)
        memcpy(&blocks, &made->proxies.blocks, sizeof blocks);
    block = conf_add(conf, (void **)&blocks, &made->proxies.count, sizeof *block);
    if (!block)
        return RC_MEMORY;
    *block = read;
    made->proxies.blocks = blocks;
    return RC_OK;
}

static enum rc read_geo_line(struct conf *conf, struct computed *made)
{
    struct span word = conf_word(conf, 0);
    bool removes = span_equal(word, SPAN("delete"));
    struct geo_entry entry, *slot;
    enum rc rc;

    if (conf_words(conf) == 1)
        return read_geo_word(conf, made);
    if (conf_words(conf) != 2)
        return conf_fail(conf, 0, "NETWORK VALUE;", "invalid number of the geo parameters");
    if (span_equal(word, SPAN("proxy")))
        return add_proxy(conf, made);
    if (span_equal(word, SPAN("default"))) {
        made->geo.other = conf_word(conf, 1);
        return RC_OK;
    }
    if ((rc = parse_entry(conf, made, removes ? 1 : 0, &entry)) != RC_OK)
        return rc;
    if (removes) {
        if (remove_entry(made, &entry) == 0 && !made->geo.ranges)
            conf_warn(conf, 1, NULL, "no network \"%.*s\" to delete",
                      SPAN_ARG(conf_word(conf, 1)));
        return RC_OK;
    }
    slot = conf_add(conf, (void **)&made->networks, &made->networks_count, sizeof *slot);
    if (!slot)
        return RC_MEMORY;
    *slot = entry;
    slot->value = conf_word(conf, 1);
    return RC_OK;
}

static enum rc set_geo(struct conf *conf, const struct directive *d, void *part)
{
    struct computed *made = begin(conf, part, COMPUTED_GEO);

    (void)d;
    if (!made || read_lines(conf, made, read_geo_line) != RC_OK)
        return RC_FORMAT;
    return geo_build(&made->geo, made->networks, made->networks_count, conf->arena) == RC_OK
               ? RC_OK
               : conf_no_memory(conf);
}

const struct directive computed_directives[] = {
    {"geo", CONF_HTTP, 1, 2, true, CONF_VALUES, set_geo,
     .doc =
         "Defines a variable by the client's address, or that in another variable: networks, "
         "the longest of which holds, or with ranges FIRST-LAST; default, delete, volatile. "
         "proxy NETWORK trusts X-Forwarded-For of those, with proxy_recursive back to the "
         "first "
         "that is not trusted."},
    {"map", CONF_HTTP, 2, 2, true, CONF_VALUES, set_map,
     .doc = "Defines a variable by another text: whole texts, hostnames with a star, "
            "expressions (~ and ~*) whose captures its values may use, default, volatile."},
    {"split_clients", CONF_HTTP, 2, 2, true, CONF_VALUES, set_split_clients,
     .doc = "Defines a variable that has each value for a share of all texts, in percent, and "
            "* for the rest."},
    {"map_hash_max_size", CONF_HTTP, 1, 1, .set = conf_set_number, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"map_hash_bucket_size", CONF_HTTP, 1, 1, .set = conf_set_number, .offset = CONF_NOWHERE,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {0},
};
