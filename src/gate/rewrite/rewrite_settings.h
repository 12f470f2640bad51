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

/* The condition of the "if" that is being read; the caller says where it leads. */
enum rc rewrite_settings_parse_if(struct conf *conf, struct rewrite_code *code);
/* Adds instructions that are ready. */
enum rc rewrite_settings_add(struct conf *conf, struct rewrite_settings *s,
                             const struct rewrite_code *codes, size_t count);
/* When all of a server or a location is read: puts its instructions into the order of the file. */
void rewrite_settings_finish(struct rewrite_settings *s);

/* rewrite_code.variable of "set $args" and "set $limit_rate"; else what the variable's row has in `of`. */
enum { REWRITE_VARIABLE_ARGS, REWRITE_VARIABLE_RATE };

/* The variable of that name, without its '$', as rewrite_code.variable. */
enum rc rewrite_settings_variable(struct conf *conf, struct span name, uintptr_t *variable);

#endif
