#include "gate/rewrite/rewrite.h"

#include "base/scoped.h"
#include "base/test/check.h"
#include "gate/conf/regex.h"

/* What stands for a request: a path, arguments, captures, and one variable that can be set. */
struct asked {
    struct span path, args, variable;
    struct captures captures;
    const struct location *location;
};

enum { URI, ARGS, VARIABLE };

static bool get(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct asked *asked = subject;

    (void)rest;
    *value = of == URI ? asked->path : of == ARGS ? asked->args : asked->variable;
    return true;
}

static bool get_capture(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct asked *asked = subject;

    (void)rest;
    return captures_number(&asked->captures, (unsigned)of, value);
}

static const struct variable rows[] = {
    {"1", get_capture, 1}, {"2", get_capture, 2}, {"uri", get, URI},
    {"args", get, ARGS},   {"v", get, VARIABLE},  {0},
};
static const struct variables known = {.rows = rows};

static void set(void *subject, uintptr_t variable, struct span value)
{
    struct asked *asked = subject;

    (void)variable;
    asked->variable = value;
}

static void enter(void *subject, const struct location *location)
{
    struct asked *asked = subject;

    asked->location = location;
}

static void matched(void *subject)
{
    (void)subject;
}

static void tell(void *subject, bool is_error, const char *what)
{
    (void)subject;
    (void)is_error;
    assert_true(strlen(what) > 0);
}

/* "rewrite PATTERN TEXT THEN", "set TEXT", "break", "return CODE", "if COUNT TEST TEXT [TEXT]", each ended by ';' */
static const struct {
    const char *codes, *path, *args;
    bool escaped;
    enum rewrite_verdict verdict;
    const char *path_after, *args_after, *variable; /* or the Location as path_after */
    bool searches;
} cases[] = {
    {"set a;", "/", "", false, REWRITE_DONE, "/", "", "a", false},
    {"set a; set $v$v;", "/", "", false, REWRITE_DONE, "/", "", "aa", false},
    {"rewrite ^/a /b on;", "/a", "x=1", false, REWRITE_DONE, "/b", "x=1", "", true},
    {"rewrite ^/a /b on; set $uri;", "/a", "", false, REWRITE_DONE, "/b", "", "/b", true},
    {"rewrite ^/n /b last; set x;", "/a", "", false, REWRITE_DONE, "/a", "", "x", false},
    {"rewrite ^/a /b last; set x;", "/a", "", false, REWRITE_DONE, "/b", "", "", true},
    {"rewrite ^/a /b stay; set x;", "/a", "", false, REWRITE_DONE, "/b", "", "", false},
    {"rewrite ^/a /b on; break; set x;", "/a", "", false, REWRITE_DONE, "/b", "", "", false},
    {"rewrite ^/a /b on; rewrite ^/b /c on;", "/a", "", false, REWRITE_DONE, "/c", "", "",
     true},
    {"rewrite ^/(.)(.) /$2$1 last;", "/ab", "", false, REWRITE_DONE, "/ba", "", "", true},
    {"rewrite ^/(.) /x?y=$1 last;", "/a", "o=1", false, REWRITE_DONE, "/x", "y=a&o=1", "",
     true},
    {"rewrite ^/(.) /x?y=$1? last;", "/a", "o=1", false, REWRITE_DONE, "/x", "y=a", "", true},
    {"rewrite ^ /x? last;", "/a", "o=1", false, REWRITE_DONE, "/x", "", "", true},
    {"rewrite ^/(.*) /x?y=$1 last;", "/a&b c", "", true, REWRITE_DONE, "/x", "y=a%26b%20c", "",
     true},
    {"rewrite ^/(.*) /x?y=$1 last;", "/a&b", "", false, REWRITE_DONE, "/x", "y=a&b", "", true},
    {"rewrite ^/(.*) /$1 last;", "/a&b", "", true, REWRITE_DONE, "/a&b", "", "", true},
    {"rewrite ^/(.*) /a?b?$1 last;", "/x", "", false, REWRITE_DONE, "/a", "b?x", "", true},
    {"rewrite ^/(.*)$ $1 last;", "/", "", false, REWRITE_FAILED, "/", "", "", true},
    {"rewrite ^/(.*) http://h/$1 away;", "/a", "x=1", false, REWRITE_REDIRECT,
     "http://h/a?x=1", "x=1", "", false},
    {"rewrite ^/(.*) http://h/?y=$1 away;", "/a", "x=1", false, REWRITE_REDIRECT,
     "http://h/?y=a&x=1", "x=1", "", false},
    {"rewrite ^/(.*) /y/$1? away;", "/a", "x=1", false, REWRITE_REDIRECT, "/y/a", "x=1", "",
     false},
    {"rewrite ^/((?s).*) /y/$1 away;", "/a\r\nb", "", true, REWRITE_REDIRECT, "/y/a%0D%0Ab",
     "", "", false},
    {"rewrite ^ /%41%2f%20%3f%42 away;", "/a", "", false, REWRITE_REDIRECT, "/A/%20?%42", "",
     "", false},
    {"return 404; set x;", "/", "", false, REWRITE_ANSWER, "/", "", "", false},
    {"if 1 true 1; set a; set $v.;", "/", "", false, REWRITE_DONE, "/", "", "a.", false},
    {"if 1 true 0; set a; set $v.;", "/", "", false, REWRITE_DONE, "/", "", ".", false},
    {"if 1 true $args; set a;", "/", "", false, REWRITE_DONE, "/", "", "", false},
    {"if 1 equals $uri /; set a;", "/", "", false, REWRITE_DONE, "/", "", "a", false},
    {"if 1 equals $uri /a; set a;", "/", "", false, REWRITE_DONE, "/", "", "", false},
    {"if 1 !equals $uri /a; set a;", "/", "", false, REWRITE_DONE, "/", "", "a", false},
    {"if 1 matches $uri (.)b; set $1;", "/ab", "", false, REWRITE_DONE, "/ab", "", "a", false},
    {"if 1 !matches $uri b; set x;", "/ab", "", false, REWRITE_DONE, "/ab", "", "", false},
    {"if 2 true 0; set a; return 404; set b;", "/", "", false, REWRITE_DONE, "/", "", "b",
     false},
    {"if 1 true 1; break; set b;", "/", "", false, REWRITE_DONE, "/", "", "", false},
    {"if 1 directory x /; set a;", "/", "", false, REWRITE_DONE, "/", "", "a", false},
    {"if 1 file x /; set a;", "/", "", false, REWRITE_DONE, "/", "", "", false},
    {"if 1 exists x /nonexistent; set a;", "/", "", false, REWRITE_DONE, "/", "", "", false},
    {"break; return 404;", "/", "", false, REWRITE_DONE, "/", "", "", false},
};

static struct span word(struct span *text)
{
    struct span word = span_cut(text, span_find(*text, ' '));

    span_cut(text, 1);
    return word;
}

static void compile_text(struct span text, struct template *t, struct arena *arena)
{
    assert_int_equal(template_compile(t, text, &known, arena, NULL), RC_OK);
}

static void compile_rewrite(struct span text, struct rewrite_code *code, struct arena *arena)
{
    static const char *const thens[] = {"on", "last", "stay", "away"};
    struct regex *regex = NULL;
    struct span replacement;

    code->kind = REWRITE_PATH;
    code->pattern = word(&text);
    assert_int_equal(regex_open(&regex, code->pattern, false, NULL), RC_OK);
    code->regex = regex;
    replacement = word(&text);
    if (replacement.at[replacement.len - 1] == '?') {
        code->drops_args = true;
        replacement.len--;
    }
    code->has_args = span_find(replacement, '?') < replacement.len;
    compile_text(replacement, &code->text, arena);
    while (!span_equal(text, span_text(thens[code->then])))
        code->then++;
    code->status = 302;
}

static void compile_if(struct span text, struct rewrite_code *code, struct arena *arena)
{
    static const char *const tests[] = {"true",      "equals", "matches",   "file",
                                        "directory", "exists", "executable"};
    struct regex *regex = NULL;
    struct span name;

    code->kind = REWRITE_IF;
    code->skip = word(&text).at[0] - (size_t)'0';
    name = word(&text);
    code->negative = name.at[0] == '!';
    if (code->negative)
        span_cut(&name, 1);
    while (!span_equal(name, span_text(tests[code->test])))
        code->test++;
    compile_text(word(&text), &code->operand, arena);
    if (code->test == REWRITE_MATCHES) {
        assert_int_equal(regex_open(&regex, text, false, NULL), RC_OK);
        code->regex = regex;
    } else {
        compile_text(text, &code->text, arena);
    }
}

static void compile(struct span text, struct rewrite_code *code, struct arena *arena)
{
    struct span name = word(&text);

    if (span_equal(name, SPAN("rewrite"))) {
        compile_rewrite(text, code, arena);
    } else if (span_equal(name, SPAN("if"))) {
        compile_if(text, code, arena);
    } else if (span_equal(name, SPAN("set"))) {
        code->kind = REWRITE_SET;
        compile_text(text, &code->text, arena);
    } else {
        code->kind = span_equal(name, SPAN("break")) ? REWRITE_BREAK : REWRITE_RETURN;
    }
}

static void instructions_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SCOPED(arena) arena = {0};
        struct asked asked = {.path = span_text(cases[i].path),
                              .args = span_text(cases[i].args)};
        struct rewrite_code codes[4] = {0};
        struct span rest = span_text(cases[i].codes);
        uint8_t room[256];
        struct rewrite_turn turn = {
            .subject = &asked,
            .arena = &arena,
            .scratch = buffer_over(room, sizeof room),
            .path = &asked.path,
            .args = &asked.args,
            .captures = &asked.captures,
            .is_escaped = cases[i].escaped,
            .log = true,
            .set = set,
            .enter = enter,
            .matched = matched,
            .tell = tell,
        };
        size_t count = 0;

        while (rest.len > 0) {
            compile(span_cut(&rest, span_find(rest, ';')), &codes[count++], &arena);
            span_cut(&rest, 2);
        }
        check(cases[i].codes, rewrite_run(codes, count, &turn) == cases[i].verdict);
        check(cases[i].codes,
              span_equal(cases[i].verdict == REWRITE_REDIRECT ? turn.location : asked.path,
                         span_text(cases[i].path_after)));
        check(cases[i].codes, span_equal(asked.args, span_text(cases[i].args_after)));
        check(cases[i].codes, span_equal(asked.variable, span_text(cases[i].variable)));
        check(cases[i].codes, turn.searches == cases[i].searches);
        for (size_t c = 0; c < count; c++)
            regex_close((struct regex *)(uintptr_t)codes[c].regex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
