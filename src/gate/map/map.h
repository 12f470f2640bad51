/*
 * From a text to a value: whole texts in any case of letters, host names with a star, expressions in their
 * order. Filled while the configuration is read, searched afterwards; knows no request.
 */
#ifndef GATE_MAP_MAP_H
#define GATE_MAP_MAP_H

#include "base/arena.h"
#include "base/fault.h"
#include "gate/conf/template.h"
#include "gate/route/location.h"

struct map_slot {
    struct span key; /* at is NULL: free */
    const struct template *value;
};

/* Texts by hash: size is 0 or a power of two, at most half full. */
struct map_table {
    struct map_slot *slots;
    size_t count, size;
};

struct map_expression {
    const struct regex *regex;
    const struct template *value;
};

/* {0} is empty. */
struct map {
    struct map_table exact;
    struct map_table tails; /* "x.y" of "*.x.y" */
    struct map_table heads; /* "x.y" of "x.y.*" */
    struct map_expression *expressions;
    size_t expressions_count;
    bool hostnames; /* stars have a meaning, and a final dot of the text has none */
    const struct template *other; /* where nothing fits; NULL: nothing */
};

/*
 * Key and value must outlive the map. Stars count as such where map->hostnames is set by then.
 * RC_BUSY    it has that key; RC_FORMAT  a star in the wrong place, or two dots in a row; RC_MEMORY
 */
enum rc map_add(struct map *map, struct span key, const struct template *value,
                struct arena *arena);

/*
 * The value for a text; NULL where nothing fits and there is no other. *captures is written when an
 * expression matched, and looks into `text`.
 */
const struct template *map_find(const struct map *map, struct span text,
                                struct captures *captures);

#endif
