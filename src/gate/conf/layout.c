#include "gate/conf/layout.h"

enum { INDENT = 4 };

/* What is being written. */
struct layout {
    struct text *out;
    size_t depth;       /* of blocks */
    size_t words;       /* of this statement, so far */
    unsigned newlines;  /* since the last word, sign or comment */
    bool opened;        /* nothing yet behind a '{' */
    bool after_comment; /* the line is over */
};

/* `apart`: an empty line that stood in front of it stays. */
static void begin_line(struct layout *l, size_t indent, bool apart)
{
    if (l->out->len > 0)
        text_add_char(l->out, '\n');
    if (apart && l->newlines > 1 && !l->opened && l->out->len > 0)
        text_add_char(l->out, '\n');
    text_printf(l->out, "%*s", (int)(indent * INDENT), "");
    l->newlines = 0;
    l->opened = l->after_comment = false;
}

/* A comment stays on the line of what it follows. */
static void add_comment(struct layout *l, struct span comment)
{
    while (comment.len > 0 && comment.at[comment.len - 1] <= ' ')
        comment.len--;
    if (l->newlines == 0 && l->out->len > 0 && !l->after_comment) {
        text_add_char(l->out, ' ');
        l->opened = false;
    } else {
        begin_line(l, l->depth + (l->words > 0), l->words == 0);
    }
    text_add(l->out, comment);
    l->after_comment = true;
}

/* Blanks and comments in front of a word or sign. */
static void add_gap(struct layout *l, struct span gap)
{
    while (gap.len > 0) {
        if (gap.at[0] == '#') {
            add_comment(l, span_cut(&gap, span_find(gap, '\n')));
            continue;
        }
        l->newlines += span_cut(&gap, 1).at[0] == '\n';
    }
}

static void add_word(struct layout *l, struct span word, bool adjoins)
{
    if (l->words == 0)
        begin_line(l, l->depth, true);
    else if (l->newlines > 0 || l->after_comment)
        begin_line(l, l->depth + 1, false);
    else if (!adjoins)
        text_add_char(l->out, ' ');
    text_add(l->out, word);
    l->words++;
}

/* ';' or '{', behind the words. */
static void add_end(struct layout *l, bool opens)
{
    if (l->after_comment)
        begin_line(l, l->depth + 1, false);
    else if (opens)
        text_add_char(l->out, ' ');
    l->newlines = 0;
    text_add_char(l->out, opens ? '{' : ';');
    l->words = 0;
    l->opened = opens;
    l->depth += opens;
}

static void add_close(struct layout *l)
{
    l->depth--;
    if (l->opened)
        text_add_char(l->out, ' ');
    else
        begin_line(l, l->depth, false);
    l->newlines = 0;
    l->opened = false;
    text_add_char(l->out, '}');
}

static void add_token(struct layout *l, struct span text, const struct lexer_token *token,
                      size_t end, bool adjoins)
{
    switch (token->kind) {
    case LEXER_WORD:
        add_word(l, span_of(text.at + token->begin, end - token->begin), adjoins);
        break;
    case LEXER_OPEN:
    case LEXER_END:
        add_end(l, token->kind == LEXER_OPEN);
        break;
    case LEXER_CLOSE:
        add_close(l);
        break;
    }
}

enum rc layout_write(struct span text, struct text *out, struct lexer_token *at,
                     struct fault *why)
{
    struct lexer lexer = {.in = text, .line = 1};
    struct layout l = {.out = out};
    struct arena arena = {0};
    size_t end = 0;
    enum rc rc;

    while ((rc = lexer_next(&lexer, &arena, at, why)) == RC_OK) {
        if (at->kind == LEXER_CLOSE && l.depth == 0) {
            rc = fail(why, RC_FORMAT, "unexpected \"}\"");
            break;
        }
        add_gap(&l, span_of(text.at + end, at->begin - end));
        add_token(&l, text, at, lexer.at, at->begin == end);
        end = lexer.at;
    }
    arena_clear(&arena);
    if (rc == RC_END && l.depth > 0)
        rc = fail(why, RC_FORMAT, "unexpected end of file, expecting \"}\"");
    if (rc != RC_END)
        return rc;
    if (end < text.len)
        add_gap(&l, span_of(text.at + end, text.len - end));
    if (out->len > 0)
        text_add_char(out, '\n');
    return text_ok(out) ? RC_OK : fail(why, RC_MEMORY, "no memory for the text");
}
