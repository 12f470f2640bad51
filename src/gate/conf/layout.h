/*
 * A configuration as it should look: the same words and comments, each statement on a line of its own, four blanks
 * for each block. A statement that goes over several lines keeps its lines; of several empty lines one stays.
 */
#ifndef GATE_CONF_LAYOUT_H
#define GATE_CONF_LAYOUT_H

#include "base/text.h"
#include "gate/conf/lexer.h"

/*
 * Adds `text`, laid out, to `out`.
 * RC_FORMAT  nginx's text is in `why`, the place in *at
 * RC_MEMORY
 */
enum rc layout_write(struct span text, struct text *out, struct lexer_token *at,
                     struct fault *why);

#endif
