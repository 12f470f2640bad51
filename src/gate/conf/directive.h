/*
 * Directives by table, and the walk that reads a tree by them. Each room of gate brings one table for its
 * settings; this file knows their form and not one of their names.
 *
 * Inheritance is a copy: an inner context starts as a copy of its outer one's finished settings, so the plain
 * directives of a context are read before its inner contexts, wherever they stand in the file.
 */
#ifndef GATE_CONF_DIRECTIVE_H
#define GATE_CONF_DIRECTIVE_H

#include <stdarg.h>
#include <stdint.h>

#include "base/arena.h"
#include "gate/conf/faults.h"
#include "gate/conf/template.h"
#include "gate/conf/tree.h"

enum conf_context {
    CONF_MAIN = 1,
    CONF_EVENTS = 2,
    CONF_HTTP = 4,
    CONF_SERVER = 8,
    CONF_LOCATION = 16,
    CONF_UPSTREAM = 32,
    CONF_SERVER_IF = 64, /* if, in a server: instructions alone */
    CONF_IF = 128,       /* if, in a location: settings too */
    CONF_LIMIT_EXCEPT = 256,
    CONF_ALL_HTTP = CONF_HTTP | CONF_SERVER | CONF_LOCATION,
};

enum conf_kind {
    CONF_PLAIN,
    CONF_VALUES, /* a block that its setter reads alone, with the plain ones: types, upstream */
    CONF_CONTEXT, /* a block of directives, read after the plain ones */
};

enum {
    CONF_MANY = 255, /* for `most` */
    CONF_TABLES_MAX = 32,
    CONF_ROWS_MAX = 112, /* of one table */
};

/* 1.29.7 as one number. */
#define CONF_VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define CONF_VERSION_LATEST CONF_VERSION(1, 31, 5)

#define CONF_NOWHERE SIZE_MAX /* an offset: the value is checked and dropped */

struct conf;

struct directive {
    const char *name;
    unsigned contexts;   /* bits of enum conf_context */
    uint8_t least, most; /* words behind the name */
    bool repeats;        /* may stand several times in one context */
    enum conf_kind kind;

    /* Reads conf->node into `part`. What is wrong goes to conf_fail; the walk goes on. */
    enum rc (*set)(struct conf *conf, const struct directive *d, void *part);
    size_t offset;        /* in `part`, for the setters of slot.h */
    const void *of;       /* what the setter takes besides: a list of words */
    const char *standard; /* words that hold where it is absent; NULL: none */
    const char *doc;      /* one sentence; a test looks for it in gate.conf(5) */
};

/* Rows of all tables; the last row of each has no name. */
struct conf_language {
    const struct directive *const *tables;
    size_t count;
    bool (*is_missing)(struct span name);    /* a directive of nginx that no table has */
    const char *(*advice)(struct span name); /* what to do instead; NULL: it may come */
};

/* One context that is being read: its settings, by table. A table without a part is not used in it. */
struct conf_level {
    unsigned context; /* one bit */
    void *parts[CONF_TABLES_MAX];
    bool seen[CONF_TABLES_MAX][CONF_ROWS_MAX];
};

struct regex;

/* A regular expression of the configuration, to be closed with it. */
struct conf_regex {
    struct conf_regex *next;
    struct regex *regex;
};

struct conf_folder {
    struct conf_folder *next;
    const char *path;
};

/* What a reader carries from directive to directive. */
struct conf {
    struct arena *arena;
    struct faults *faults;
    const struct conf_language *language;
    const struct variables *variables;
    struct conf_regex **regexes;  /* all that were compiled: the caller closes them */
    struct conf_folder **folders; /* all that the workers write to: the caller makes them */
    const char *prefix;    /* what relative paths start with: absolute, with its final '/' */
    const char *directory; /* the same, of the configuration file: certificates */
    bool as_nginx;
    bool strict;      /* nginx's way also where gate has a better one: "compat" */
    uint32_t version; /* of nginx, whose defaults hold: "compat_version"; see CONF_VERSION */
    void *owner;      /* of the setters of contexts: whoever began the walk */

    struct conf_level *level;
    const struct conf_node *node; /* the directive that is being read */
    bool again;                   /* it stood in this context before */
    bool joined; /* it is found when servers are joined, where nginx names no line */
    bool ended;  /* a setter says that what it finds now stands at the end of its block */
};

/* Reads the nodes of one context into level->parts. */
void conf_walk(struct conf *conf, struct conf_level *level, const struct conf_node *nodes);

/* Reads the standard words of every directive whose table has a part in this level. */
void conf_standards(struct conf *conf, struct conf_level *level);

/* The row with that name, preferably one for the context; NULL where no table has the name. */
const struct directive *conf_find(const struct conf_language *language, struct span name,
                                  unsigned context, size_t *table, size_t *row);

/* "http, server, location": the contexts of which `contexts` has the bits. */
void conf_contexts(unsigned contexts, struct buffer *out);

/* For options_nearest: the i-th name of all tables of the language `of`. */
const char *conf_name_at(size_t i, const void *of);

/* The i-th word of the directive that is being read; 0 is its name. Empty behind the last. */
struct span conf_word(const struct conf *conf, size_t i);
size_t conf_words(const struct conf *conf); /* with the name */

/* Adds an error at word `i`, in nginx's words; `hint` may be NULL. Returns RC_FORMAT. */
enum rc conf_fail(struct conf *conf, size_t i, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "DIRECTIVE" directive PROBLEM: nginx's form for what a setter finds. */
enum rc conf_fail_value(struct conf *conf, size_t i, const char *problem);

void conf_warn(struct conf *conf, size_t i, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

enum rc conf_no_memory(struct conf *conf);

/* Compiles one word, or a part of it; faults are added. The text must last as long as the arena. */
enum rc conf_template(struct conf *conf, size_t i, struct span text, struct template *t);
enum rc conf_regex(struct conf *conf, size_t i, struct span pattern, bool nocase,
                   struct regex **regex);

/* `path` behind `base` unless it is absolute; at is NULL when there is no memory. */
struct span conf_path(struct conf *conf, const char *base, struct span path);

/* "PATH [LEVEL ...]", below the prefix: a folder for temporary files, which is made before there are workers; levels: NULL, or set. */
enum rc conf_set_folder(struct conf *conf, const char **path, uint8_t levels[3]);

/*
 * Room for one member more at the end of *items, which has *count of `size` bytes; NULL, with a fault, when there
 * is no memory. An array that was inherited is to be emptied first: conf->again is false then.
 */
void *conf_add(struct conf *conf, void **items, size_t *count, size_t size);

#endif
