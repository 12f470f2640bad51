#include "gate/map/map.h"

#include "gate/conf/regex.h"

/* FNV-1a of the text in lower case. */
static uint32_t hash(struct span text)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (text.at[i] | (text.at[i] >= 'A' && text.at[i] <= 'Z' ? 0x20 : 0))) *
            16777619u;
    return h;
}

/* Where the key is, or the free slot where it would be. */
static struct map_slot *slot_of(const struct map_table *table, struct span key)
{
    size_t at = hash(key) & (table->size - 1);

    while (table->slots[at].key.at && !span_equal_nocase(table->slots[at].key, key))
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

static enum rc grow(struct map_table *table, struct arena *arena)
{
    struct map_table larger = {.count = table->count,
                               .size = table->size ? 2 * table->size : 8};

    larger.slots = arena_take_array(arena, larger.size, sizeof *larger.slots);
    if (!larger.slots)
        return RC_MEMORY;
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i].key.at)
            *slot_of(&larger, table->slots[i].key) = table->slots[i];
    *table = larger;
    return RC_OK;
}

static enum rc add(struct map_table *table, struct span key, const struct template *value,
                   struct arena *arena)
{
    struct map_slot *slot;

    if (!key.at)
        key = SPAN("");
    if (2 * table->count >= table->size && grow(table, arena) != RC_OK)
        return RC_MEMORY;
    slot = slot_of(table, key);
    if (slot->key.at)
        return RC_BUSY;
    *slot = (struct map_slot){key, value};
    table->count++;
    return RC_OK;
}

static const struct template *find(const struct map_table *table, struct span text)
{
    return table->count > 0 ? slot_of(table, text)->value : NULL;
}

static struct span behind(struct span s, size_t count)
{
    return span_of(s.at + count, s.len - count);
}

/* At most one '*', no empty label, no NUL. */
static bool is_well_formed(struct span name, size_t *stars)
{
    *stars = 0;
    for (size_t i = 0; i < name.len; i++) {
        *stars += name.at[i] == '*';
        if (name.at[i] == 0 || (i > 0 && name.at[i] == '.' && name.at[i - 1] == '.'))
            return false;
    }
    return *stars <= 1;
}

static enum rc add_name(struct map *map, struct span name, const struct template *value,
                        struct arena *arena)
{
    size_t stars;

    if (!is_well_formed(name, &stars))
        return RC_FORMAT;
    if (name.len > 1 && name.at[0] == '.' && stars == 0) {
        enum rc rc = add(&map->exact, behind(name, 1), value, arena);
        enum rc tail = add(&map->tails, behind(name, 1), value, arena);

        return rc != RC_OK ? rc : tail;
    }
    if (name.len > 2 && span_starts(name, SPAN("*.")))
        return add(&map->tails, behind(name, 2), value, arena);
    if (name.len > 2 && name.at[name.len - 1] == '*' && name.at[name.len - 2] == '.')
        return add(&map->heads, span_of(name.at, name.len - 2), value, arena);
    return stars > 0 ? RC_FORMAT : add(&map->exact, name, value, arena);
}

enum rc map_add(struct map *map, struct span key, const struct template *value,
                struct arena *arena)
{
    return map->hostnames ? add_name(map, key, value, arena)
                          : add(&map->exact, key, value, arena);
}

/* Longest first: from the first dot on. */
static const struct template *find_tail(const struct map_table *tails, struct span name)
{
    for (size_t i = 1; tails->count > 0 && i + 1 < name.len; i++) {
        const struct template *value;

        if (name.at[i] == '.' && (value = find(tails, behind(name, i + 1))))
            return value;
    }
    return NULL;
}

/* Longest first: up to the last dot. */
static const struct template *find_head(const struct map_table *heads, struct span name)
{
    for (size_t i = name.len; heads->count > 0 && i-- > 1;) {
        const struct template *value;

        if (name.at[i] == '.' && (value = find(heads, span_of(name.at, i))))
            return value;
    }
    return NULL;
}

const struct template *map_find(const struct map *map, struct span text,
                                struct captures *captures)
{
    const struct template *value;

    if (map->hostnames && text.len > 0 && text.at[text.len - 1] == '.')
        text.len--;
    if ((value = find(&map->exact, text)) || (value = find_tail(&map->tails, text)) ||
        (value = find_head(&map->heads, text)))
        return value;
    for (size_t i = 0; text.len > 0 && i < map->expressions_count; i++) {
        const struct map_expression *e = &map->expressions[i];

        if (regex_match(e->regex, text, captures->at, CAPTURES_MAX, &captures->count)) {
            captures->subject = text;
            captures->regex = e->regex;
            return e->value;
        }
    }
    return map->other;
}
