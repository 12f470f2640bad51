#include "gate/conf/lexer.h"

enum { STRICT_MAX = 4096 };

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void advance(struct lexer *l)
{
    if (l->in.at[l->at++] == '\n') {
        l->line++;
        l->line_at = l->at;
    }
}

static void place(const struct lexer *l, struct lexer_token *token)
{
    token->line = l->line;
    token->column = (uint32_t)(l->at - l->line_at) + 1;
    token->begin = l->at;
}

static enum rc unexpected(struct lexer *l, struct lexer_token *token, struct fault *why)
{
    place(l, token);
    return fail(why, RC_FORMAT, "unexpected \"%c\"", l->in.at[l->at]);
}

static enum rc unexpected_end(struct lexer *l, struct lexer_token *token, struct fault *why)
{
    place(l, token);
    if (l->command)
        return fail(why, RC_FORMAT, "unexpected end of parameter, expecting \";\"");
    return fail(why, RC_FORMAT, "unexpected end of file, expecting \";\" or \"}\"");
}

/* The fault stands where the word or comment began: at `start`, which *token already names. */
static enum rc too_long(const struct lexer *l, size_t start, uint8_t quote, struct fault *why)
{
    if (quote)
        return fail(why, RC_FORMAT,
                    "too long parameter, probably missing terminating \"%c\" character",
                    quote);
    return fail(why, RC_FORMAT, "too long parameter \"%.10s...\" started",
                (const char *)l->in.at + start);
}

/* Blanks and comments. */
static enum rc skip(struct lexer *l, struct lexer_token *token, struct fault *why)
{
    while (l->at < l->in.len) {
        size_t start = l->at;

        place(l, token);
        if (is_blank(l->in.at[l->at])) {
            advance(l);
            continue;
        }
        if (l->in.at[l->at] != '#')
            break;
        for (; l->at < l->in.len; l->at++) {
            if (l->strict && l->at - start >= STRICT_MAX)
                return too_long(l, start, 0, why);
            if (l->in.at[l->at] == '\n')
                break;
        }
    }
    return RC_OK;
}

static bool ends_word(uint8_t c, uint8_t quote)
{
    return quote ? c == quote : is_blank(c) || c == ';' || c == '{';
}

/* What a backslash and `c` stand for; 0 where both bytes stay. */
static uint8_t unescaped(uint8_t c)
{
    switch (c) {
    case '"':
    case '\'':
    case '\\':
        return c;
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default:
        return 0;
    }
}

/* Takes the escapes out; a view stays a view where there are none. */
static enum rc unescape(struct span *word, struct arena *arena, struct fault *why)
{
    uint8_t *to, *end;

    if (span_find(*word, '\\') == word->len)
        return RC_OK;
    to = end = arena_take(arena, word->len + 1);
    if (!to)
        return fail(why, RC_MEMORY, "no memory for a word of the configuration");
    for (size_t i = 0; i < word->len; i++) {
        uint8_t c = word->at[i], next = i + 1 < word->len ? word->at[i + 1] : 0;

        if (c == '\\' && unescaped(next)) {
            c = unescaped(next);
            i++;
        }
        *end++ = c;
    }
    *word = span_of(to, (size_t)(end - to));
    return RC_OK;
}

static enum rc read_word(struct lexer *l, struct arena *arena, struct lexer_token *token,
                         struct fault *why)
{
    uint8_t quote = l->in.at[l->at] == '"' || l->in.at[l->at] == '\'' ? l->in.at[l->at] : 0;
    uint32_t line = l->line;
    bool escaped = false, variable = false; /* behind a '\'; behind a '$' */
    size_t start;

    place(l, token);
    if (quote)
        l->at++;
    start = l->at;
    for (;; advance(l)) {
        uint8_t c;

        if (l->at >= l->in.len) {
            l->quote_line = quote ? line : 0;
            return unexpected_end(l, token, why);
        }
        if (l->strict && l->at - start >= STRICT_MAX)
            return too_long(l, start, quote, why);
        c = l->in.at[l->at];
        if (escaped) {
            escaped = false;
            continue;
        }
        if (c == '{' && variable)
            continue;
        if (ends_word(c, quote))
            break;
        variable = c == '$';
        escaped = c == '\\';
    }
    if (l->strict && quote && l->at + 1 - start >= STRICT_MAX)
        return too_long(l, start, 0, why); /* with its last quote */
    token->kind = LEXER_WORD;
    token->text = span_of(l->in.at + start, l->at - start);
    l->pending++;
    l->after_quote = quote != 0;
    if (quote)
        l->at++;
    return unescape(&token->text, arena, why);
}

static enum rc read_sign(struct lexer *l, enum lexer_kind kind, struct lexer_token *token,
                         struct fault *why)
{
    if ((kind == LEXER_CLOSE) != (l->pending == 0))
        return unexpected(l, token, why);
    place(l, token);
    token->kind = kind;
    token->text = span_of(l->in.at + l->at, 1);
    l->at++;
    l->pending = 0;
    return RC_OK;
}

enum rc lexer_next(struct lexer *l, struct arena *arena, struct lexer_token *token,
                   struct fault *why)
{
    enum rc rc;

    if (l->after_quote && l->at < l->in.len) {
        uint8_t c = l->in.at[l->at];

        if (!is_blank(c) && c != ';' && c != '{' && c != ')')
            return unexpected(l, token, why);
    }
    l->after_quote = false;
    if ((rc = skip(l, token, why)) != RC_OK)
        return rc;
    if (l->at >= l->in.len) {
        place(l, token);
        return l->pending > 0 ? unexpected_end(l, token, why) : RC_END;
    }
    switch (l->in.at[l->at]) {
    case ';':
        return read_sign(l, LEXER_END, token, why);
    case '{':
        return read_sign(l, LEXER_OPEN, token, why);
    case '}':
        return read_sign(l, LEXER_CLOSE, token, why);
    default:
        return read_word(l, arena, token, why);
    }
}
