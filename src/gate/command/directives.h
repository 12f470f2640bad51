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

/*
 * All of them as JSON: an array of objects with "name", "status" ("nginx": as nginx has it; "accepted": of no effect;
 * "own": gate's alone; "missing": nginx has it, and gate refuses it by name) and, but for the missing, "contexts", "doc" and
 * "standard", which may be null. `names` gives nginx's.
 */
void directives_write_json(const struct conf_language *language,
                           const char *(*names)(size_t i), struct text *out);

#endif
