/* Shares of all clients: a text is hashed (MurmurHash2, as nginx does, so that both give it the same share). */
#ifndef GATE_MAP_SPLIT_H
#define GATE_MAP_SPLIT_H

#include "base/rc.h"
#include "base/span.h"

enum { SPLIT_WHOLE = 10000 /* hundredths of a percent */ };

struct split_part {
    uint32_t share; /* in hundredths of a percent; 0: "*", all the rest */
    uint32_t end;   /* hashes below this are the part's, or an earlier one's: see split_seal */
    struct span value;
};

/* "12%", "0.5%", "33.33%", "*". RC_FORMAT: none of these, or 0. */
enum rc split_parse_share(struct span text, uint32_t *share);

/* Sets the parts' ends. RC_LIMIT: they are more than the whole. */
enum rc split_seal(struct split_part *parts, size_t count);

/* The part that the text falls into; NULL where it is in none. */
const struct split_part *split_find(const struct split_part *parts, size_t count,
                                    struct span text);

/* MurmurHash2 by Austin Appleby, 32 bits, seed 0. */
uint32_t split_hash(struct span text);

#endif
