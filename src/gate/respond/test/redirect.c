#include "gate/respond/redirect.h"
#include "base/test/check.h"

static const struct {
    const char *what;
    struct redirect_base base;
    const char *to, *location;
} cases[] = {
    {"path", {true, false, SPAN("h"), 80}, "/x", "http://h/x"},
    {"other port", {true, false, SPAN("h"), 8000}, "/x?y", "http://h:8000/x?y"},
    {"tls", {true, true, SPAN("h"), 443}, "/", "https://h/"},
    {"tls, other port", {true, true, SPAN("[::1]"), 80}, "/", "https://[::1]:80/"},
    {"port_in_redirect off", {true, false, SPAN("h"), 0}, "/", "http://h/"},
    {"absolute_redirect off", {false, false, SPAN("h"), 8000}, "/x", "/x"},
    {"absolute already", {true, false, SPAN("h"), 8000}, "http://i/x", "http://i/x"},
    {"no path", {true, false, SPAN("h"), 8000}, "x", "x"},
    {"empty", {true, false, SPAN("h"), 8000}, "", ""},
    {"control bytes", {true, false, SPAN("h"), 80}, "/\r\nX: y\x7f", "http://h/%0D%0AX: y%7F"},
};

static void paths_become_absolute(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char at[64];
        struct buffer out = buffer_over(at, sizeof at);

        redirect_write(&cases[i].base, span_text(cases[i].to), &out);
        check(cases[i].what, span_equal(buffer_span(&out), span_text(cases[i].location)));
    }
}

static void a_directory_gets_its_slash(void **state)
{
    char at[64];
    struct buffer out = buffer_over(at, sizeof at);

    (void)state;
    redirect_add_slash(SPAN("/a b\n"), SPAN("x=%20"), &out);
    assert_true(span_equal(buffer_span(&out), SPAN("/a%20b%0A/?x=%20")));
    out.len = 0;
    redirect_add_slash(SPAN("/a"), SPAN(""), &out);
    assert_true(span_equal(buffer_span(&out), SPAN("/a/")));
    out = buffer_over(at, 8);
    redirect_add_slash(SPAN("/a b"), SPAN(""), &out);
    assert_true(out.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_become_absolute),
        cmocka_unit_test(a_directory_gets_its_slash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
