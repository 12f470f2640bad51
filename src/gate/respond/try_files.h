/*
 * try_files: the first of several names that there is on disk, or what stands at the end of the line. Knows no
 * request: what it must know of one is in struct try_files_subject.
 */
#ifndef GATE_RESPOND_TRY_FILES_H
#define GATE_RESPOND_TRY_FILES_H

#include "gate/conf/template.h"
#include "gate/respond/file_cache.h"

struct try_files_name {
    struct template text; /* without the '/' that says it is a directory */
    bool is_directory;
};

struct try_files {
    const struct try_files_name *names; /* in the order in which they are tried */
    size_t count;
    unsigned code;            /* "=404"; 0: `fallback` holds */
    struct template fallback; /* "/path?args" or "@named" */
    const struct conf_node *node;
};

struct try_files_subject {
    void *variables;            /* what templates are evaluated with */
    struct arena *arena;        /* of what is found */
    struct span root;           /* root, or alias */
    struct span path;           /* in the normal form of http/uri.h */
    const struct file_way *way; /* NULL: the plain one */
    bool is_alias;
    size_t
        replaced; /* by an alias: bytes of `path`; SIZE_MAX: all of it (a regular expression) */
};

enum try_files_verdict {
    TRY_FILES_FOUND,    /* `text` is the path to go on with */
    TRY_FILES_ANSWER,   /* with the line's code */
    TRY_FILES_REDIRECT, /* to `text` */
    TRY_FILES_FAILED,   /* no memory, or a name that is too long */
};

/* `log` is given what is wrong with a name that can not even be looked for. */
enum try_files_verdict try_files_look(const struct try_files *t,
                                      const struct try_files_subject *subject,
                                      struct span *text,
                                      void (*log)(void *variables, const char *what));

#endif
