/*
 * The words of nginx's configuration language, byte for byte as nginx reads them. Knows no directive,
 * no file and no HTTP: bytes in, tokens out.
 *
 *   A word ends at a blank, ';' or '{'. '#' at the start of a word begins a comment. A quote is special at
 *   the start of a word only; behind its end stands a blank, ';', '{' or ')'. '\' takes the next byte as it is;
 *   of the pair, \" \' and \\ lose the backslash, \t \r and \n become control bytes, others stay two bytes.
 *   "${" opens no block. '}' closes one only where a word could start and no word is pending.
 */
#ifndef GATE_CONF_LEXER_H
#define GATE_CONF_LEXER_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/span.h"

enum lexer_kind {
    LEXER_WORD,
    LEXER_OPEN,  /* { behind words */
    LEXER_CLOSE, /* } */
    LEXER_END,   /* ; behind words */
};

struct lexer_token {
    enum lexer_kind kind;
    struct span text; /* of a word: a view of the input, or of the arena where escapes went */
    uint32_t line, column; /* where it begins, counted from 1; a column is a byte */
    size_t begin; /* the same, from the start of the text; it ends at the lexer's `at` */
};

/* Start from {.in = the whole text, .line = 1}. */
struct lexer {
    struct span in;
    size_t at;
    uint32_t line;
    size_t line_at; /* where the current line begins */
    bool strict;    /* nginx's limit: no word or comment of 4096 bytes */
    bool command;   /* the text of -g: one statement's end is worded otherwise */
    bool after_quote;
    uint32_t quote_line; /* of a quote that the text does not close; 0: none */
    uint32_t pending;    /* words since the last ';', '{' or '}' */
};

/*
 * RC_OK      *token is filled
 * RC_END     the text is over, between two statements
 * RC_FORMAT  nginx's text is in `why`, and the place in `line` and `column` of *token
 */
enum rc lexer_next(struct lexer *l, struct arena *arena, struct lexer_token *token,
                   struct fault *why);

#endif
