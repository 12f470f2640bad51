/* Tables between two character sets, the first of one byte a character: charset_map. */
#ifndef GATE_TRANSFORM_RECODE_H
#define GATE_TRANSFORM_RECODE_H

#include "base/arena.h"
#include "gate/transform/transform.h"

struct recode_map {
    struct span from, to; /* names */
    bool to_utf8;
    uint8_t there[256], back[256]; /* where `to` is of one byte, too */
    struct recode_text {
        uint8_t len, bytes[4];
    } texts[256]; /* UTF-8 of each byte */
    uint8_t *pages
        [256]; /* by the high byte of a code below 0x10000: 256 bytes each; NULL, and 0 therein: none */
};

/* One that knows ASCII alone. NULL: no memory. */
struct recode_map *recode_map_make(struct span from, struct span to, struct arena *arena);

/* "byte" of `from` is `text` of `to`. RC_FORMAT: it is none; RC_MEMORY */
enum rc recode_map_add(struct recode_map *map, uint8_t byte, struct span text,
                       struct arena *arena);

/*
 * Bytes of one into bytes of the other; `back`: from `to` into `from`. What is not in the table becomes '?'; what UTF-8
 * has and the other has not, "&#8364;". NULL: no memory.
 */
struct transform *transform_recode(const struct recode_map *map, bool back);

#endif
