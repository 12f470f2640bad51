#include <stdlib.h>

#include "base/test/check.h"
#include "gate/http/uri.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *target, *path, *separate; /* NULL: as `path`, with slashes not merged */
    const char *args;                     /* NULL: none */
    bool plain;
} normal[] = {
    {"/", "/", NULL, NULL, true},
    {"/a/b", "/a/b", NULL, NULL, true},
    {"/a/b?x=1", "/a/b", NULL, "x=1", true},
    {"/a?", "/a", NULL, "", true},
    {"/a?b?c%20/../", "/a", NULL, "b?c%20/../", true},
    {"/a#b?c", "/a", NULL, NULL, true},
    {"/a?b#c", "/a", NULL, "b", true},
    {"?x", "/", NULL, "x", false},
    {"/%61%2fb", "/a/b", NULL, NULL, false},
    {"/%3f%23%25%2B+%0a", "/?#%++\n", NULL, NULL, false},
    {"/%2525", "/%25", NULL, NULL, false},
    {"/a//b///c", "/a/b/c", "/a//b///c", NULL, false},
    {"//", "/", "//", NULL, false},
    {"//a", "/a", "//a", NULL, false},
    {"/a/%2f/b", "/a/b", "/a///b", NULL, false},
    {"/.", "/", NULL, NULL, false},
    {"/./", "/", NULL, NULL, false},
    {"/a/.", "/a/", NULL, NULL, false},
    {"/a/./b", "/a/b", NULL, NULL, false},
    {"/a/..", "/", NULL, NULL, false},
    {"/a/../", "/", NULL, NULL, false},
    {"/a/b/../c", "/a/c", NULL, NULL, false},
    {"/a/b/../../c?d", "/c", NULL, "d", false},
    {"/a/%2e%2E/b", "/b", NULL, NULL, false},
    {"/a/.%2e/b", "/b", NULL, NULL, false},
    {"/a/..#/../..", "/", NULL, NULL, false},
    {"/a//../b", "/b", "/a/b", NULL, false},
    {"/.well-known/x", "/.well-known/x", NULL, NULL, true},
    {"/a/...", "/a/...", NULL, NULL, true},
    {"/a/..b", "/a/..b", NULL, NULL, true},
    {"/a/b..", "/a/b..", NULL, NULL, true},
    {"/a\\..\\b", "/a\\..\\b", NULL, NULL, true},
    {"/\xc3\xa4", "/\xc3\xa4", NULL, NULL, true},
};

static void check_normal(size_t i, bool merge, const char *wanted)
{
    const char *what = normal[i].target;
    size_t size = strlen(what), len;
    char *path = malloc(size + 1);
    bool has_args, plain;
    struct span args;

    assert_non_null(path);
    check(what, uri_normalise(span_text(what), merge, path, &len, &args, &has_args, &plain) ==
                    RC_OK);
    check(what, len == strlen(wanted) && strcmp(path, wanted) == 0);
    check(what, has_args == (normal[i].args != NULL));
    check(what, span_equal(args, span_text(normal[i].args)));
    check(what, plain == (normal[i].plain ||
                          (strcspn(what, "?#") == len && memcmp(what, path, len) == 0)));
    free(path);
}

static void paths_have_a_normal_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof normal / sizeof *normal; i++) {
        check_normal(i, true, normal[i].path);
        check_normal(i, false, normal[i].separate ? normal[i].separate : normal[i].path);
    }
}

static void bad_paths_are_refused(void **state)
{
    static const struct {
        const char *target;
        size_t len;
    } bad[] = {
        {TEXT("")},       {TEXT("a")},          {TEXT("*")},          {TEXT("#x")},
        {TEXT("/..")},    {TEXT("/../")},       {TEXT("/a/../..")},   {TEXT("/%2e%2e")},
        {TEXT("//..")},   {TEXT("/a/../../b")}, {TEXT("/%")},         {TEXT("/%2")},
        {TEXT("/%zz")},   {TEXT("/%2x")},       {TEXT("/%x2")},       {TEXT("/%00")},
        {TEXT("/a%2?1")}, {TEXT("/a b")},       {TEXT("/a\0b")},      {TEXT("/a\n")},
        {TEXT("/a?\r")},  {TEXT("/a\x7f")},     {TEXT("/a/./../..")}, {TEXT("/a%#2f%2")},
    };
    char path[32];
    size_t len;
    struct span args;
    bool has_args, plain;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(bad[i].target, uri_normalise(span_of(bad[i].target, bad[i].len), true, path,
                                           &len, &args, &has_args, &plain) == RC_FORMAT);
}

static void escapes_are_nginx_s(void **state)
{
    static const struct {
        enum uri_escape how;
        const char *from, *to;
    } cases[] = {
        {URI_ESCAPE_PATH, "/a b?#%&+;=\"<>\\^`{|}~\xc3\x7f!$'()*,:@[]",
         "/a%20b%3F%23%25&+;=%22%3C%3E%5C%5E%60%7B%7C%7D~%C3%7F!$'()*,:@[]"},
        {URI_ESCAPE_ARGS, "/a b?#%&+;=~\n", "/a%20b%3F%23%25%26%2B%3B=~%0A"},
        {URI_ESCAPE_COMPONENT, "/aZ09-._~!$'()*,:@[]=&+;",
         "%2FaZ09-._~%21%24%27%28%29%2A%2C%3A%40%5B%5D%3D%26%2B%3B"},
    };
    char to[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = uri_escape(span_text(cases[i].from), cases[i].how, to);

        check(cases[i].from, span_equal(span_of(to, len), span_text(cases[i].to)));
    }
}

static void hosts_are_read(void **state)
{
    static const struct {
        const char *authority, *host;
        int port;
    } cases[] = {
        {"Example.COM.:8080", "example.com", 8080},
        {"a", "a", -1},
        {"a:", "a", -1},
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"[FE80::1]", "[fe80::1]", -1},
        {"[::1]:443", "[::1]", 443},
        {"[v1.x:y]", "[v1.x:y]", -1},
        {"a_b-c~%41", "a_b-c~%41", -1},
        {".a", ".a", -1},
    };
    static const char *const bad[] = {
        "",     ".",      ":80",   "a..", "a..b", "a:65536", "a:99999999999", "a:-1",
        "a:1x", "a:1:2",  "a b",   "u@a", "a/b",  "a\\b",    "[::1",          "[]",
        "::1",  "[::1]x", "a[::]", "a,b", "\xc3", "a%4",     "a%zz",          "a\t",
        "a\"",  "[::1].", "[a]]",  "a?b", "a#b",  "[::1]:x",
    };
    char host[32];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span name;
        int port;

        check(cases[i].authority,
              uri_host(span_text(cases[i].authority), host, &len) == RC_OK);
        check(cases[i].authority, span_equal(span_of(host, len), span_text(cases[i].host)));
        check(cases[i].authority,
              uri_authority(span_text(cases[i].authority), &name, &port) == RC_OK);
        check(cases[i].authority, port == cases[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(bad[i], uri_host(span_text(bad[i]), host, &len) == RC_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_a_normal_form),
        cmocka_unit_test(bad_paths_are_refused),
        cmocka_unit_test(escapes_are_nginx_s),
        cmocka_unit_test(hosts_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
