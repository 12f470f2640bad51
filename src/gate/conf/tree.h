/*
 * The statements of a configuration as a tree, with every include in its place: "WORD ... ;" and
 * "WORD ... { ... }". Knows one directive, include, and no HTTP.
 */
#ifndef GATE_CONF_TREE_H
#define GATE_CONF_TREE_H

#include "base/arena.h"
#include "base/text.h"
#include "gate/conf/faults.h"

/* One file, once, however often it is included. */
struct conf_file {
    struct conf_file *next; /* in the order of their first inclusion */
    const char *name;
    struct span text;
    bool command; /* the text of -g */
    bool open;    /* being read: including it now would never end */
};

struct conf_word {
    struct span text; /* as it is meant: without quotes and escapes */
    uint32_t line, column;
};

struct conf_node {
    struct conf_node *next;
    const struct conf_file *file;
    const struct conf_word *words; /* one or more */
    size_t count;
    bool block;
    struct conf_node *children; /* of a block */
    uint32_t end_line;          /* of its ';', or its '{' */
    uint32_t close_line;        /* of its '}' */
    size_t order, close_order;  /* for fault_place.order */
};

/* Does one of these statements, not of those inside them, begin with that name? */
bool conf_nodes_have(const struct conf_node *nodes, struct span name);

/* Start from {.arena, .faults, .directory, .strict}. */
struct conf_tree {
    struct arena *arena; /* of all that the nodes are made of */
    struct faults *faults;
    const char *directory; /* that relative includes are taken from: with its final '/' */
    bool strict;           /* nginx's limit on the length of a word */

    struct conf_node *first; /* what was read, in order */
    struct conf_file *files;
    const struct conf_node *unclosed; /* the innermost block that the file leaves open */
    uint32_t begun;                   /* the line of the statement that is being read */
    struct conf_node **end;           /* where the next statement goes */
    size_t order, bytes, depth;
};

/*
 * Appends the statements of a file, or of a text. What is wrong is added to the faults; the
 * statements in front of it are kept all the same, so that they can be checked too.
 */
void conf_tree_read(struct conf_tree *tree, const char *path);
void conf_tree_read_text(struct conf_tree *tree, const char *name, const char *text);
void conf_tree_read_command(struct conf_tree *tree, const char *text); /* -g: no blocks */

/* "# configuration file PATH:", the text, and an empty line, for each file once: nginx -T. */
void conf_tree_dump(const struct conf_tree *tree, struct text *out);

/* Where a word of a node stands. */
struct fault_place conf_place(const struct conf_node *node, size_t word);

#endif
