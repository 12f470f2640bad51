/* "gate directives": what the configuration's language has, from the tables that read it. */
#ifndef GATE_COMMAND_DIRECTIVES_H
#define GATE_COMMAND_DIRECTIVES_H

#include "base/text.h"
#include "gate/conf/directive.h"

/* Every directive once, by name, with its sentence. */
void directives_list(const struct conf_language *language, struct text *out);

/*
 * All that is known of one: what stands behind it, its contexts, what holds without it, its sentence.
 * RC_NOT_FOUND  the fault says whether nginx has it, or which name was meant
 */
enum rc directives_show(const struct conf_language *language, const char *name,
                        struct text *out, struct fault *why);

#endif
