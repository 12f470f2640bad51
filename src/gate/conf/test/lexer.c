#include <stdio.h>

#include "base/buffer.h"
#include "base/test/check.h"
#include "gate/conf/lexer.h"

/* All tokens, each in [ ], a sign as itself; and the error, if one ends them. */
static void read_all(const char *in, size_t len, bool strict, bool command, char *out,
                     size_t size)
{
    struct lexer l = {.in = span_of(in, len), .line = 1, .strict = strict, .command = command};
    struct lexer_token token = {0};
    struct arena arena = {0};
    struct fault why = {0};
    struct buffer b = buffer_over(out, size - 1);
    enum rc rc;

    while ((rc = lexer_next(&l, &arena, &token, &why)) == RC_OK) {
        if (token.kind == LEXER_WORD)
            buffer_add_text(&b, "[");
        buffer_add(&b, token.text);
        if (token.kind == LEXER_WORD)
            buffer_add_text(&b, "]");
    }
    if (rc != RC_END) {
        char place[32];

        snprintf(place, sizeof place, " at %u:%u", token.line, token.column);
        buffer_add_text(&b, why.text);
        buffer_add_text(&b, place);
    }
    out[b.len] = '\0';
    arena_clear(&arena);
}

static const struct {
    const char *in, *out;
} cases[] = {
    {"", ""},
    {" \t\r\n", ""},
    {"a b;\r\nc;", "[a][b];[c];"},
    {"a{b;}c;", "[a]{[b];}[c];"},
    {"\xef\xbb\xbfuser x;", "[\xef\xbb\xbfuser][x];"},
    /* a closing brace is one only where a word could start */
    {"a b};", "[a][b}];"},
    {"a }b;", "[a]unexpected \"}\" at 1:3"},
    {"a }", "[a]unexpected \"}\" at 1:3"},
    {"}", "}"},
    {";", "unexpected \";\" at 1:1"},
    {"\n {", "unexpected \"{\" at 2:2"},
    {"a;;", "[a];unexpected \";\" at 1:3"},
    /* comments */
    {"# x\na#b #c;\n;", "[a#b];"},
    {"# no end", ""},
    {"a # ; {\n;", "[a];"},
    {"\"#\" '#';", "[#][#];"},
    /* quotes */
    {"\"a b\" 'c;{}d';", "[a b][c;{}d];"},
    {"a\"b c\"d;", "[a\"b][c\"d];"},
    {"\"a'b\" 'c\"d';", "[a'b][c\"d];"},
    {"\"a\nb\";", "[a\nb];"},
    {"\"\" '';", "[][];"},
    {"\"a\"b;", "[a]unexpected \"b\" at 1:4"},
    {"\"a\"}", "[a]unexpected \"}\" at 1:4"},
    {"\"a\";", "[a];"},
    {"\"a\"{", "[a]{"},
    {"if ($a = \"b\") {", "[if][($a][=][b][)]{"},
    {"\"a\"", "[a]unexpected end of file, expecting \";\" or \"}\" at 1:4"},
    {"\"a", "unexpected end of file, expecting \";\" or \"}\" at 1:3"},
    /* backslashes */
    {"a\\tb;", "[a\tb];"},
    {"\\x \\. \\d;", "[\\x][\\.][\\d];"},
    {"a\\;b;", "[a\\;b];"},
    {"a\\ b;", "[a\\ b];"},
    {"a\\{b;", "[a\\{b];"},
    {"'\\\\' '\\'' \"\\\"\" '\\\"';", "[\\]['][\"][\"];"},
    {"\\\"a b;", "[\"a][b];"},
    {"\"\\r\\n\";", "[\r\n];"},
    {"a\\", "unexpected end of file, expecting \";\" or \"}\" at 1:3"},
    /* variables */
    {"${a}b;", "[${a}b];"},
    {"a${b}{", "[a${b}]{"},
    {"a$ {", "[a$]{"},
    {"a$b{", "[a$b]{"},
    {"\"${a}\";", "[${a}];"},
    {"${{a;", "[${{a];"},
    {"a", "unexpected end of file, expecting \";\" or \"}\" at 1:2"},
    {"a b", "[a]unexpected end of file, expecting \";\" or \"}\" at 1:4"},
    {"a\nb\n", "[a][b]unexpected end of file, expecting \";\" or \"}\" at 3:1"},
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[512];

        read_all(cases[i].in, strlen(cases[i].in), true, false, out, sizeof out);
        if (strcmp(out, cases[i].out) != 0)
            fail_msg("%s\n got %s\nwant %s", cases[i].in, out, cases[i].out);
    }
}

/* Words and comments of 4095 bytes pass everywhere; one more is too long for nginx, and for gate as nginx. */
static void length_limit(void **state)
{
    static const struct {
        const char *before, *after, *error;
    } forms[] = {
        {"", ";", "too long parameter \"xxxxxxxxxx...\" started at 1:1"},
        {"a ", " b;", "[a]too long parameter \"xxxxxxxxxx...\" started at 1:3"},
        {"\"", "\";",
         "too long parameter, probably missing terminating \"\"\" character at 1:1"},
        {"'", "';", "too long parameter, probably missing terminating \"'\" character at 1:1"},
        {"\n#", "\n", "too long parameter \"#xxxxxxxxx...\" started at 2:1"},
    };
    static char in[5000], out[5000];

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t before = strlen(forms[i].before), most = i == 4 ? 4094 : 4095;

        for (size_t more = 0; more < 2; more++) {
            size_t len = before + most + more;

            memset(in, 'x', sizeof in);
            memcpy(in, forms[i].before, before);
            strcpy(in + len, forms[i].after);
            read_all(in, strlen(in), true, false, out, sizeof out);
            check(forms[i].before, (strcmp(out, forms[i].error) == 0) == (more == 1));
            read_all(in, strlen(in), false, false, out, sizeof out);
            check(forms[i].before, strstr(out, "too long") == NULL);
        }
    }
}

static void command_line(void **state)
{
    char out[128];

    (void)state;
    read_all("daemon off", 10, false, true, out, sizeof out);
    assert_string_equal(out, "[daemon]unexpected end of parameter, expecting \";\" at 1:11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(length_limit),
        cmocka_unit_test(command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
