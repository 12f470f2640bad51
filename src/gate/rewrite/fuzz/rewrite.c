/*
 * A path, its arguments, and instructions, one a line: "PATTERN REPLACEMENT" is a rewrite, "REPLACEMENT" alone a set. What comes
 * of them is a path that is not empty, and a Location of a redirect that has bytes.
 */
#include <stdlib.h>

#include "gate/conf/regex.h"
#include "gate/rewrite/rewrite.h"

enum { CODES = 6, ROOM = 4096 };

struct asked {
    struct span path, args;
    struct captures captures;
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool get(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct asked *asked = subject;

    (void)rest;
    *value = of ? asked->args : asked->path;
    return true;
}

static bool get_capture(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)rest;
    return captures_number(&((const struct asked *)subject)->captures, (unsigned)of, value);
}

static const struct variable rows[] = {
    {"1", get_capture, 1}, {"2", get_capture, 2}, {"uri", get, 0}, {"args", get, 1}, {0}};
static const struct variables known = {.rows = rows};

static void set(void *subject, uintptr_t variable, struct span value)
{
    (void)subject, (void)variable, (void)value;
}

static void enter(void *subject, const struct location *location)
{
    (void)subject, (void)location;
}

static void matched(void *subject)
{
    (void)subject;
}

static void tell(void *subject, bool is_error, const char *what)
{
    (void)subject, (void)is_error;
    if (!what[0])
        abort();
}

static struct span cut(struct span *rest, uint8_t at)
{
    struct span part = span_cut(rest, span_find(*rest, at));

    span_cut(rest, 1);
    return part;
}

/* As rewrite_settings.c does. False: it would be refused. */
static bool compile(struct span line, size_t number, struct rewrite_code *code,
                    struct regex **regex, struct arena *arena)
{
    struct span pattern = cut(&line, ' '), text = line;

    *code = (struct rewrite_code){.kind = line.len > 0 ? REWRITE_PATH : REWRITE_SET,
                                  .then = (enum rewrite_then)(number % 4),
                                  .pattern = pattern,
                                  .status = 302};
    if (code->kind == REWRITE_SET)
        return template_compile(&code->text, pattern, &known, arena, NULL) == RC_OK;
    if (text.at[text.len - 1] == '?') {
        code->drops_args = true;
        text.len--;
    }
    code->has_args = span_find(text, '?') < text.len;
    if (pattern.len > 64 || regex_open(regex, pattern, false, NULL) != RC_OK)
        return false;
    code->regex = *regex;
    return template_compile(&code->text, text, &known, arena, NULL) == RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct span rest = span_of(at, len);
    struct asked asked = {.path = cut(&rest, '\n'), .args = cut(&rest, '\n')};
    struct rewrite_code codes[CODES];
    struct regex *regexes[CODES] = {0};
    struct arena arena = {0};
    uint8_t room[ROOM];
    struct rewrite_turn turn = {.subject = &asked,
                                .arena = &arena,
                                .scratch = buffer_over(room, sizeof room),
                                .path = &asked.path,
                                .args = &asked.args,
                                .captures = &asked.captures,
                                .is_escaped = len % 2,
                                .log = true,
                                .set = set,
                                .enter = enter,
                                .matched = matched,
                                .tell = tell};
    size_t count = 0;

    while (count < CODES && rest.len > 0) {
        struct span line = cut(&rest, '\n');

        if (line.len == 0 || !compile(line, count, &codes[count], &regexes[count], &arena))
            break;
        count++;
    }
    switch (rewrite_run(codes, count, &turn)) {
    case REWRITE_DONE:
        if (turn.rewritten && asked.path.len == 0)
            abort();
        break;
    case REWRITE_REDIRECT:
        if (!turn.answer || turn.location.len > ROOM)
            abort();
        break;
    case REWRITE_ANSWER:
        abort();
    case REWRITE_FAILED:
        break;
    }
    for (size_t i = 0; i < CODES; i++)
        regex_close(regexes[i]);
    arena_clear(&arena);
    return 0;
}
