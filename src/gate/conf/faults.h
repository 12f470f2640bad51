/*
 * All that is wrong with a configuration, in the order in which nginx would come upon it: so the first error
 * is the one that nginx reports. Owns copies of what it shows, and so outlives the text that was read.
 */
#ifndef GATE_CONF_FAULTS_H
#define GATE_CONF_FAULTS_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/text.h"

/* Where something stands. */
struct fault_place {
    const char *file;      /* NULL: nowhere in particular */
    struct span text;      /* of the whole file, for the line that is shown; may be empty */
    bool command;          /* in the text of -g */
    uint32_t line, column; /* what the caret points at; counted from 1, 0 for none */
    uint32_t width;        /* how many bytes it underlines; 0 counts as 1 */
    uint32_t end_line;     /* the line that nginx names: where the statement ends */
    size_t order;          /* faults with a lower one come first */
};

struct fault_entry {
    struct fault_entry *next;
    bool warning;
    struct fault_place place; /* its text is the one line */
    const char *text;         /* nginx's words */
    const char *hint;         /* what to do; NULL for none */
};

/* Start from {0}. */
struct faults {
    struct arena arena;
    struct fault_entry *first;
    size_t errors, warnings; /* all that came, also those beyond what is kept */
    bool incomplete; /* a file could not be read: what seems to be missing may stand there */
};

/* The same at the same place counts once: a file with a fault may be included often. */
void faults_add(struct faults *f, const struct fault_place *place, bool warning,
                const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void faults_vadd(struct faults *f, const struct fault_place *place, bool warning,
                 const char *hint, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));

/* The first error, or NULL. */
const struct fault_entry *faults_first_error(const struct faults *f);

/* nginx's line without its program and newline: "[emerg] unknown directive "x" in /etc/gate.conf:3". */
void fault_entry_line(const struct fault_entry *e, struct text *out);

/* With place, line, caret and hint, as several lines:
 *
 *     /etc/gate.conf:3:5: error: unknown directive "lisen"
 *         lisen 80;
 *         ^^^^^
 *     did you mean "listen"?
 */
void fault_entry_show(const struct fault_entry *e, struct text *out);

/* All of them, shown, but a first error with neither place nor hint, which its one line tells; of a run that says the same of one file, with the same hint, the others by their lines alone. */
void faults_show(const struct faults *f, struct text *out);

void faults_clear(struct faults *f);

#endif
