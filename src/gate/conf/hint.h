/* What a person most likely meant, or may write instead, where who refuses a configuration says no more than nginx does. */
#ifndef GATE_CONF_HINT_H
#define GATE_CONF_HINT_H

#include "gate/conf/directive.h"
#include "gate/conf/lexer.h"

enum { HINT_MAX = 480 };

/* For a statement whose word `i` is refused with `text`. NULL, or a text that may be in `room`. */
const char *hint_for_value(const struct conf *conf, const char *text, char room[HINT_MAX]);

/* For the name of a directive that is none. */
const char *hint_for_name(struct span name);

/* "it takes 2 words, not 1: ..." */
const char *hint_for_count(const struct conf *conf, const struct directive *d,
                           char room[HINT_MAX]);

/*
 * For a text that cannot be read on from where `l` stands. `unclosed`: the innermost block that the file leaves open; `begun`: the
 * line of the first word of the statement that is being read. NULL and 0: none.
 */
const char *hint_for_syntax(const struct lexer *l, const char *text,
                            const struct conf_node *unclosed, uint32_t begun,
                            char room[HINT_MAX]);

#endif
