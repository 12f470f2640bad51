/*
 * The rewrite module's instructions: set, rewrite, break, return and if, in their order in a server or a
 * location. Compiled once, run against a few views into a request (struct rewrite_turn); knows no request.
 */
#ifndef GATE_REWRITE_REWRITE_H
#define GATE_REWRITE_REWRITE_H

#include "gate/conf/template.h"
#include "gate/route/location.h"

enum rewrite_kind { REWRITE_SET, REWRITE_PATH, REWRITE_BREAK, REWRITE_RETURN, REWRITE_IF };

/* What comes behind a rewrite that matched. */
enum rewrite_then {
    REWRITE_GO_ON, /* the next instruction */
    REWRITE_LAST,  /* none: the location of the new path is looked for */
    REWRITE_STAY,  /* none: the location stays */
    REWRITE_AWAY,  /* none: the client is redirected */
};

/* What an "if" asks. */
enum rewrite_test {
    REWRITE_IS_TRUE, /* neither empty nor "0" */
    REWRITE_EQUALS,
    REWRITE_MATCHES,
    REWRITE_IS_FILE,
    REWRITE_IS_DIRECTORY,
    REWRITE_EXISTS,
    REWRITE_IS_EXECUTABLE,
};

struct conf_node; /* conf/tree.h */
struct stat;

struct rewrite_code {
    enum rewrite_kind kind;
    const struct conf_node *node; /* the directive in the configuration */
    size_t order;                 /* its own */

    struct template text; /* what is set, the replacement, or the text of the answer */

    uintptr_t variable; /* set: handed to turn->set */

    /* rewrite */
    const struct regex *regex;
    struct span pattern; /* as written */
    enum rewrite_then then;
    bool drops_args; /* the replacement ends with '?', which its text does not have */
    bool has_args;   /* there is a '?' in its text */

    /* if: its instructions are the next ones */
    enum rewrite_test test;
    bool negative;
    struct
        template operand; /* a variable; `text` is what it is compared with, or a file's path */
    const struct location *enters; /* whose settings hold where it is true; NULL: none's */
    size_t end, skip; /* where it ends in the configuration; instructions of its own */

    /* return, and the redirect of a rewrite */
    unsigned status;
    bool is_redirect; /* the text is a Location */
};

struct rewrite_turn {
    void *subject;            /* what templates are evaluated with */
    struct arena *arena;      /* of all that is made */
    struct buffer scratch;    /* room for one text */
    struct span *path, *args; /* the request's: instructions see what those before them did */
    struct captures *captures;
    bool
        is_escaped; /* the target had '%' or '+': captures are escaped where they go on the wire */
    bool log;       /* rewrite_log */
    void (*set)(void *subject, uintptr_t variable, struct span value);
    void (*enter)(void *subject, const struct location *location);
    void (*matched)(void *subject); /* before captures are overwritten */
    void (*tell)(void *subject, bool is_error, const char *what);
    int (*look)(void *subject, const char *path,
                struct stat *found); /* as stat(2); NULL: that */
    /* NULL, or told of each instruction once it was run; `held`: it matched, or its condition holds */
    void (*ran)(void *subject, const struct rewrite_code *code, bool held);

    /* what came of it */
    bool rewritten; /* some rewrite matched */
    bool searches;  /* the location of the new path is to be looked for */
    bool left; /* "rewrite ... break": the path need not begin with the location's prefix */
    const struct rewrite_code *answer;
    struct span location; /* of a redirect */
};

enum rewrite_verdict {
    REWRITE_DONE,
    REWRITE_ANSWER,   /* turn->answer is the return that was reached */
    REWRITE_REDIRECT, /* to turn->location with turn->answer->status */
    REWRITE_FAILED,   /* answer 500; it has been told */
};

/* Runs the instructions in their order. Start from a turn whose lower half is {0}. */
enum rewrite_verdict rewrite_run(const struct rewrite_code *codes, size_t count,
                                 struct rewrite_turn *turn);

#endif
