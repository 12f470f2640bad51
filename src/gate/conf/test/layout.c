#include "gate/conf/layout.h"
#include "base/test/check.h"

static const struct {
    const char *in, *out;
} cases[] = {
    {"", ""},
    {" \n\n", ""},
    {"a  b\tc ;d;", "a b c;\nd;\n"},
    {"http{server{listen 80;}}", "http {\n    server {\n        listen 80;\n    }\n}\n"},
    {"events\n{\n}\n", "events { }\n"},
    {"a;\n\n\n\nb;\nc;\r\n", "a;\n\nb;\nc;\n"},
    {"a {\n\n\n  b;\n\n}\n\n\nc;", "a {\n    b;\n}\n\nc;\n"},
    /* words stay as they are written */
    {"a \"b  c\" 'd' e\\ f \"\\\"\";", "a \"b  c\" 'd' e\\ f \"\\\"\";\n"},
    {"if ($a = \"b\") { return 200; }", "if ($a = \"b\") {\n    return 200;\n}\n"},
    {"log_format main '$a '\n  '$b'\n\n '$c';",
     "log_format main '$a '\n    '$b'\n    '$c';\n"},
    /* comments */
    {"# one\n\n# two\na; # three  \n#four", "# one\n\n# two\na; # three\n#four\n"},
    {"a{#x\nb;#y\n#z\n}#end\n", "a { #x\n    b; #y\n    #z\n} #end\n"},
    {"a # of a\n b # of b\n ;", "a # of a\n    b # of b\n    ;\n"},
    {"a # c\n{ b; }", "a # c\n    {\n    b;\n}\n"},
    {"a {\n\n # c\n}", "a {\n    # c\n}\n"},
    {"\n\n# c", "# c\n"},
};

static void cases_come_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text out = {0};
        struct lexer_token at = {0};
        struct fault why = {0};

        check(cases[i].in, layout_write(span_text(cases[i].in), &out, &at, &why) == RC_OK);
        check(cases[i].in, strcmp(out.at ? out.at : "", cases[i].out) == 0);
        text_clear(&out);
    }
}

static void errors_have_a_place(void **state)
{
    static const struct {
        const char *in, *why;
        unsigned line, column;
    } wrong[] = {
        {"a;\n }", "unexpected \"}\"", 2, 2},
        {"a {\n b;", "unexpected end of file, expecting \"}\"", 2, 4},
        {"a b", "unexpected end of file, expecting \";\" or \"}\"", 1, 4},
        {"a;;", "unexpected \";\"", 1, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct text out = {0};
        struct lexer_token at = {0};
        struct fault why = {0};

        check(wrong[i].in, layout_write(span_text(wrong[i].in), &out, &at, &why) == RC_FORMAT);
        check(wrong[i].in, strcmp(why.text, wrong[i].why) == 0);
        check(wrong[i].in, at.line == wrong[i].line && at.column == wrong[i].column);
        text_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_come_out),
        cmocka_unit_test(errors_have_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
