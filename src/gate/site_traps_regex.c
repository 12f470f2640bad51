/* Locations with a regular expression that no path reaches. */
#include <ctype.h>

#include "gate/site_traps.h"

enum { LITERAL_MAX = 256 };

/* What every path that the expression matches begins with. */
struct beginning {
    char at[LITERAL_MAX];
    size_t len;
};

bool site_traps_location(const struct conf_node *node, struct location_words *out)
{
    static const char *const signs[] = {"=", "~*", "~", "^~"};
    struct span first = node->count > 1 ? node->words[1].text : (struct span){0};

    if (!span_equal(node->words[0].text, SPAN("location")) || !node->block || node->count < 2)
        return false;
    if (node->count > 2) {
        *out = (struct location_words){first, node->words[2].text, 2};
        return true;
    }
    *out = (struct location_words){.text = first, .word = 1};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (span_starts(first, span_text(signs[i]))) {
            out->sign = span_cut(&out->text, strlen(signs[i]));
            return true;
        }
    return true;
}

static bool is_regex(const struct location_words *l)
{
    return l->sign.len > 0 && l->sign.at[0] == '~';
}

static bool ignores_case(const struct location_words *l)
{
    return l->sign.len == 2;
}

/* One of several at the top: what comes first says nothing. */
static bool has_choice(struct span pattern)
{
    size_t depth = 0;

    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.at[i] == '\\')
            i++;
        else if (pattern.at[i] == '[')
            return span_find(pattern, '|') <
                   pattern.len; /* whose brackets are whose: unknown */
        else if (pattern.at[i] == '(')
            depth++;
        else if (pattern.at[i] == ')' && depth > 0)
            depth--;
        else if (pattern.at[i] == '|' && depth == 0)
            return true;
    }
    return false;
}

/* False where it may match anywhere in a path. */
static bool find_beginning(struct span pattern, struct beginning *out)
{
    out->len = 0;
    if (pattern.len == 0 || pattern.at[0] != '^' || has_choice(pattern))
        return false;
    for (size_t i = 1; i < pattern.len && out->len < LITERAL_MAX; i++) {
        uint8_t c = pattern.at[i], next;

        if (c == '\\' && i + 1 < pattern.len && ispunct(pattern.at[i + 1]))
            c = pattern.at[++i];
        else if (memchr("\\.[](){}*+?|^$", c, 14))
            return true;
        next = i + 1 < pattern.len ? pattern.at[i + 1] : 0;
        if (next == '*' || next == '?' || next == '{')
            return true; /* it need not be there */
        out->at[out->len++] = (char)c;
    }
    return true;
}

static bool begins_alike(struct span a, struct span b, bool nocase)
{
    size_t len = a.len < b.len ? a.len : b.len;

    a.len = b.len = len;
    return nocase ? span_equal_nocase(a, b) : span_equal(a, b);
}

static bool matches_all(struct span pattern)
{
    static const char *const all[] = {"",     ".*",  "/",       "^",      "^/",
                                      ".",    "^.",  "^.*$",    "^(.*)$", "(.*)",
                                      "^/.*", "^.*", "^/(.*)$", "^/.*$",  "^(/.*)$"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (span_equal(pattern, span_text(all[i])))
            return true;
    return false;
}

/* An expression in front of it takes every path, or every path of this one. */
static const struct conf_node *taken_by(const struct conf_node *nodes,
                                        const struct conf_node *until,
                                        const struct location_words *l)
{
    for (; nodes != until; nodes = nodes->next) {
        struct location_words before;

        if (site_traps_location(nodes, &before) && is_regex(&before) &&
            (matches_all(before.text) || (span_equal(before.text, l->text) &&
                                          (ignores_case(&before) || !ignores_case(l)))))
            return nodes;
    }
    return NULL;
}

/* The longest prefix of every such path is a ^~, whatever follows: expressions are not asked. */
static const struct conf_node *barred_by(const struct conf_node *nodes, struct span beginning)
{
    const struct conf_node *longest = NULL;
    size_t len = 0;

    for (; nodes; nodes = nodes->next) {
        struct location_words l;

        if (!site_traps_location(nodes, &l) || is_regex(&l) || span_equal(l.sign, SPAN("=")) ||
            !begins_alike(l.text, beginning, false))
            continue;
        if (l.text.len > beginning.len && l.sign.len == 0)
            return NULL;
        if (l.text.len <= beginning.len && l.text.len >= len) {
            len = l.text.len;
            longest = l.sign.len > 0 ? nodes : NULL;
        }
    }
    return longest;
}

void site_traps_regex(struct conf *conf, const struct conf_node *nodes, struct span outer)
{
    for (const struct conf_node *node = nodes; node; node = node->next) {
        const struct conf_node *by;
        struct location_words l;
        struct beginning start;
        struct span begins;

        if (!site_traps_location(node, &l) || !is_regex(&l))
            continue;
        conf->node = node;
        if ((by = taken_by(nodes, node, &l))) {
            conf_warn(conf, l.word, "expressions are asked in their order",
                      "no path reaches this location: the one of line %u takes them all",
                      by->words[0].line);
            continue;
        }
        if (!find_beginning(l.text, &start))
            continue;
        begins = span_of(start.at, start.len);
        if (!begins_alike(begins, outer, ignores_case(&l)))
            conf_warn(conf, l.word,
                      begins.len > 0 && begins.at[0] != '/' ? "a path begins with '/'" : NULL,
                      "no path reaches this location: all that come here begin with \"%.*s\"",
                      SPAN_ARG(outer));
        else if (!ignores_case(&l) && (by = barred_by(nodes, begins)))
            conf_warn(conf, l.word, "expressions are not asked behind \"^~\"",
                      "no path reaches this location: the one of line %u takes them all",
                      by->words[0].line);
    }
}
