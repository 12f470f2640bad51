/*
 * Configurations that are right in form and seldom mean what was meant: found in the statements alone, and told
 * as warnings. Not asked when gate is called as nginx.
 */
#ifndef GATE_SITE_TRAPS_H
#define GATE_SITE_TRAPS_H

#include "gate/conf/directive.h"

/* Looks through the statements of a whole configuration. */
void site_traps_tell(struct conf *conf, const struct conf_node *nodes);

/* ---- site_traps_regex.c ---- */

/* The same for the regular expressions among the locations `nodes`, inside a location of the prefix `outer`. */
void site_traps_regex(struct conf *conf, const struct conf_node *nodes, struct span outer);

/* How a location is written. */
struct location_words {
    struct span sign; /* "=", "~", "~*", "^~" or empty */
    struct span text;
    size_t word; /* which word of the node has the text */
};

/* False where the node is no location. */
bool site_traps_location(const struct conf_node *node, struct location_words *out);

/* Of one statement, wherever it stands. */
void site_traps_words(struct conf *conf, const struct conf_node *node);

#endif
