/*
 * The words of a command line, by a table. Long options (--name VALUE, --name=VALUE), one-letter ones
 * (-n VALUE, -nVALUE, several flags together), "--" ends them; options and operands may mix.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

struct option_row {
    const char *name;  /* without its dashes */
    char letter;       /* 0 for none */
    const char *value; /* what --help calls the value; NULL for a flag */
    const char *doc;   /* one sentence; a test looks for the option in the man page */
    size_t offset; /* in the struct to fill: a const char * for a value, a bool for a flag */
};

/*
 * Fills `into` and moves the operands to the front of `words` (which main's argv + 1 may be); *count
 * is then how many there are. The last row of the table has no name.
 *
 * RC_USAGE  an unknown option (the fault suggests the nearest), a value missing or not wanted
 */
enum rc options_parse(const struct option_row *rows, void *into, char **words, int *count,
                      struct fault *why);

/* The rows as --help shows them, on standard output. */
void options_print(const struct option_row *rows);

/*
 * The candidate nearest to a mistyped word, or NULL where none is near; `at(i, of)` gives the i-th
 * candidate, and NULL after the last.
 */
const char *options_nearest(const char *word, const char *(*at)(size_t i, const void *of),
                            const void *of);

#endif
