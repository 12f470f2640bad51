#include "gate/route/location.h"

#include "gate/conf/regex.h"
#include "gate/route/sorted.h"

/* Where a search may end, or go on inside. */
struct end {
    const struct location *location; /* NULL: nothing ends here */
    const struct location_tree *inner;
    bool no_regex; /* ^~ */
};

/* All that has one text. */
struct name {
    struct end exact, prefix;
    bool add_slash;
    size_t
        outer; /* the row of the longest shorter text that begins this one, or SORTED_NONE */
};

struct expression {
    struct expression *next;
    const struct regex *regex;
    struct end end;
};

struct location_set {
    struct sorted names; /* of struct name */
    struct sorted named; /* of struct location */
    struct expression *expressions, **last;
    bool has_slash; /* some name has add_slash */
};

static struct location_set *set_of(struct location_tree *tree, struct arena *arena)
{
    if (!tree->set && (tree->set = arena_take(arena, sizeof *tree->set)))
        tree->set->last = &tree->set->expressions;
    return tree->set;
}

static enum rc add_named(struct location_set *set, struct span text,
                         const struct location *location, struct arena *arena)
{
    struct sorted_row *row = sorted_insert(&set->named, text, arena);

    if (!row)
        return RC_MEMORY;
    if (row->of)
        return RC_BUSY;
    memcpy(&row->of, &location, sizeof location); /* it leaves as const again */
    return RC_OK;
}

static enum rc add_expression(struct location_set *set, const struct regex *regex,
                              const struct end *end, struct arena *arena)
{
    struct expression *e = arena_take(arena, sizeof *e);

    if (!e)
        return RC_MEMORY;
    e->regex = regex;
    e->end = *end;
    *set->last = e;
    set->last = &e->next;
    return RC_OK;
}

static enum rc add_name(struct location_set *set, struct span text, bool exact,
                        const struct end *end, bool add_slash, struct arena *arena)
{
    struct sorted_row *row = sorted_insert(&set->names, text, arena);
    struct name *name;
    struct end *place;

    if (!row || (!row->of && !(row->of = arena_take(arena, sizeof *name))))
        return RC_MEMORY;
    name = row->of;
    place = exact ? &name->exact : &name->prefix;
    if (place->location)
        return RC_BUSY;
    *place = *end;
    name->add_slash = name->add_slash || add_slash;
    set->has_slash = set->has_slash || add_slash;
    return RC_OK;
}

enum rc location_add(struct location_tree *tree, const struct location_pattern *pattern,
                     const struct location *location, const struct location_tree *inner,
                     bool add_slash, struct arena *arena)
{
    struct location_set *set = set_of(tree, arena);
    struct end end = {location, inner, pattern->kind == LOCATION_PREFIX_FIRST};

    if (!set)
        return RC_MEMORY;
    switch (pattern->kind) {
    case LOCATION_NAMED:
        return add_named(set, pattern->text, location, arena);
    case LOCATION_REGEX:
    case LOCATION_REGEX_NOCASE:
        return add_expression(set, pattern->regex, &end, arena);
    case LOCATION_EXACT:
    case LOCATION_PREFIX:
    case LOCATION_PREFIX_FIRST:
        break;
    }
    return add_name(set, pattern->text, pattern->kind == LOCATION_EXACT, &end, add_slash,
                    arena);
}

void location_sort(struct location_tree *tree)
{
    struct sorted *names = tree->set ? &tree->set->names : NULL;

    for (size_t i = 0; names && i < names->count; i++) {
        struct name *name = names->rows[i].of;
        size_t outer = i > 0 ? i - 1 : SORTED_NONE;

        /* what begins this text begins the one before it too, or is that one */
        while (outer != SORTED_NONE &&
               !span_starts(names->rows[i].text, names->rows[outer].text))
            outer = ((const struct name *)names->rows[outer].of)->outer;
        name->outer = outer;
    }
}

/* The proxied path + '/', where there is one. */
static const struct name *find_slash(const struct location_set *set, struct span path)
{
    size_t first = 0, end = set->names.count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        struct span text = set->names.rows[middle].text;
        struct span head = {text.at, text.len < path.len ? text.len : path.len};
        int order = sorted_compare(head, path);

        if (order == 0) /* it begins with path: compare what follows with "/" */
            order =
                sorted_compare(span_of(text.at + path.len, text.len - path.len), SPAN("/"));
        if (order == 0) {
            const struct name *name = set->names.rows[middle].of;

            return name->add_slash ? name : NULL;
        }
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

enum found { FOUND_NOTHING, FOUND_PREFIX, FOUND_FINAL };

/* The exact and prefix locations of one context. */
static enum found find_name(const struct location_set *set, struct span path, struct end *end,
                            bool *add_slash)
{
    size_t at = sorted_floor(&set->names, path);
    const struct name *slash;

    if (at != SORTED_NONE && span_equal(set->names.rows[at].text, path)) {
        const struct name *name = set->names.rows[at].of;

        *end = name->exact.location ? name->exact : name->prefix;
        return name->exact.location ? FOUND_FINAL : FOUND_PREFIX;
    }
    if (set->has_slash && (slash = find_slash(set, path))) {
        *end = slash->exact.location ? slash->exact : slash->prefix;
        *add_slash = true;
        return FOUND_FINAL;
    }
    for (; at != SORTED_NONE;) {
        const struct sorted_row *row = &set->names.rows[at];
        const struct name *name = row->of;

        if (name->prefix.location && span_starts(path, row->text)) {
            *end = name->prefix;
            return FOUND_PREFIX;
        }
        at = name->outer;
    }
    return FOUND_NOTHING;
}

static const struct expression *match(const struct location_set *set, struct span path,
                                      struct captures *captures)
{
    for (const struct expression *e = set->expressions; e; e = e->next) {
        if (regex_match(e->regex, path, captures->at, CAPTURES_MAX, &captures->count)) {
            captures->subject = path;
            captures->regex = e->regex;
            return e;
        }
    }
    return NULL;
}

/* True when nothing further out may overrule what was found. */
static bool search(const struct location_tree *tree, struct span path,
                   struct captures *captures, struct location_found *found)
{
    const struct expression *e;
    struct end end = {0};

    if (!tree->set)
        return false;
    switch (find_name(tree->set, path, &end, &found->add_slash)) {
    case FOUND_FINAL:
        found->location = end.location;
        return true;
    case FOUND_PREFIX:
        found->location = end.location;
        if (search(end.inner, path, captures, found))
            return true;
        break;
    case FOUND_NOTHING:
        break;
    }
    if (end.no_regex || !(e = match(tree->set, path, captures)))
        return false;
    found->location = e->end.location;
    (void)search(e->end.inner, path, captures, found);
    return true;
}

struct location_found location_find(const struct location_tree *tree, struct span path,
                                    struct captures *captures)
{
    struct location_found found = {0};

    (void)search(tree, path, captures, &found);
    return found;
}

const struct location *location_find_named(const struct location_tree *tree, struct span name)
{
    return tree->set ? sorted_find(&tree->set->named, name) : NULL;
}
