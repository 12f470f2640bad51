/* The rewrite module's directives. */
#ifndef GATE_REWRITE_REWRITE_SETTINGS_H
#define GATE_REWRITE_REWRITE_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/rewrite/rewrite.h"

struct rewrite_settings {
    const struct rewrite_code *codes; /* not inherited; in the order of the file */
    size_t count;
    bool log;                /* rewrite_log */
    bool uninitialized_warn; /* uninitialized_variable_warn */
};

/* Their directives: parts are struct rewrite_settings. */
extern const struct directive rewrite_directives[];

/* What an inner context does not take over from its outer one; before its directives are read. */
void rewrite_settings_enter(struct rewrite_settings *s);

enum { REWRITE_VARIABLE_ARGS = 0 }; /* rewrite_code.variable of "set $args" */

#endif
