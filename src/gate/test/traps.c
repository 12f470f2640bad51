/* Traps: which line of a configuration gets a warning, and which configurations get none. */
#include <stdio.h>

#include "base/test/check.h"
#include "gate/conf/faults.h"
#include "gate/site_traps.h"

static const struct {
    const char *text;
    unsigned line;       /* of the warning; 0: there is none */
    const char *warning; /* a part of it */
} cases[] = {
    /* add_header */
    {"http { add_header A b; server {\n add_header B c; } }", 2,
     "hides \"add_header A\" of line 1"},
    {"http { add_header A b; server { location / {\n add_header B c; } } }", 2, "hides"},
    {"http { add_header A b; server {\n add_header a x; add_header B c; } }", 0, NULL},
    {"http { add_header A b; server {\n add_header_inherit merge; add_header B c; } }", 0,
     NULL},
    {"http { add_header_inherit merge; add_header A b; server {\n add_header B c; } }", 0,
     NULL},
    {"http { server { add_header B c; } server { add_header A c; } }", 0, NULL},
    /* if */
    {"server { location / { if ($a) {\n proxy_pass http://b; } } }", 2, "inside \"if\""},
    {"server { location / { if ($a) { return 403; } } }", 0, NULL},
    {"server { location / { if ($a) { set $b c; rewrite a b; break; } } }", 0, NULL},
    {"server { if ($a) { return 403; } }", 0, NULL},
    /* alias */
    {"server { location /i {\n alias /d/; } }", 2, "\"/i../x\" reaches files beside \"/d/\""},
    {"server { location /i/ {\n alias /d; } }", 2, "\"/i/x\" becomes \"/dx\""},
    {"server { location ^~ /i {\n alias /d/; } }", 2, "beside"},
    {"server { location /i/ { alias /d/; } location /j { alias /e; } }", 0, NULL},
    {"server { location = /i { alias /d/; } location ~ ^/x(.*)$ { alias /d$1; } }", 0, NULL},
    /* proxy_pass */
    {"server { location / {\n proxy_pass http://$b/x; } }", 2, "arguments are left out"},
    {"server { location / {\n proxy_pass http://b$uri; } }", 2, "arguments"},
    {"server { location / { proxy_pass http://$b; } }", 0, NULL},
    {"server { location / { proxy_pass http://$b$request_uri; } }", 0, NULL},
    {"server { location / { proxy_pass http://b/x$is_args$args; } }", 0, NULL},
    {"server { location / { proxy_pass http://b/x; } }", 0, NULL},
    {"server { location / { proxy_pass; } }", 0, NULL},
    {"server { location / {\n proxy_pass https://b.example/; } }", 2, "nobody checks"},
    {"server { proxy_ssl_verify off; location / {\n proxy_pass https://b; } }", 2, "nobody"},
    {"http { proxy_ssl_verify on; server { location / { proxy_pass https://b; } } }", 0, NULL},
    {"server { location / { proxy_pass https://127.0.0.1:8443; } }", 0, NULL},
    /* expressions that no path reaches */
    {"server {\nlocation ~ ^api/ { } }", 2, "begin with \"/\""},
    {"server { location /a/ {\nlocation ~ ^/b/ { } } }", 2, "begin with \"/a/\""},
    {"server { location /a/ { location ~ ^/a/x { } location ~ ^/(b|a) { } } }", 0, NULL},
    {"server { location ~ .* { }\nlocation ~ \\.php$ { } }", 2, "the one of line 1"},
    {"server { location ~ \\.php$ { }\nlocation ~ \\.php$ { } }", 2, "line 1"},
    {"server { location ~ \\.php$ { } location ~* \\.php$ { } }", 0, NULL},
    {"server { location ~* \\.php$ { }\nlocation ~ \\.php$ { } }", 2, "line 1"},
    {"server { location ^~ /s/ { }\nlocation ~ ^/s/.*\\.js$ { } }", 2, "line 1"},
    {"server { location ^~ /s/ { } location /s/x { } location ~ ^/s/ { } }", 0, NULL},
    {"server { location ^~ /s/ { } location ~ ^/s?/ { } location ~ \\.js$ { } }", 0, NULL},
    {"server { location ^~ /s/ { } location ~ ^/s/a|b { } location ~ ^/x { } }", 0, NULL},
    {"server { location ~^a { } }", 1, "begin with \"/\""},
    /* single statements */
    {"http {\n access_log on; }", 2, "a file called \"on\""},
    {"http {\n error_log off; }", 2, "a file called \"off\""},
    {"http { access_log off; error_log /x warn; }", 0, NULL},
    {"server {\n proxy_set_header X-A: b; }", 2, "two colons"},
    {"server { proxy_set_header X-A b:; }", 0, NULL},
    {"server {\n server_name a.example, b.example; }", 2, "\"a.example,\""},
    {"server { server_name a.example \"~^a{1,}\"; }", 0, NULL},
    {"server {\n location api { } }", 2, "no request ever gets to location \"api\""},
    {"server { location @api { } location $x { } location = /y { } }", 0, NULL},
    {"server { location / { } location = /x { } location @n { } location ~ x { } }", 0, NULL},
};

static void tell(const char *text, struct faults *faults)
{
    struct arena arena = {0};
    struct conf_tree tree = {.arena = &arena, .faults = faults, .directory = "/"};
    struct conf conf = {.arena = &arena, .faults = faults};

    conf_tree_read_text(&tree, "x.conf", text);
    check(text, faults->errors == 0);
    site_traps_tell(&conf, tree.first);
    arena_clear(&arena);
}

static void traps_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct faults faults = {0};

        tell(cases[i].text, &faults);
        check(cases[i].text, faults.errors == 0);
        check(cases[i].text, faults.warnings == (cases[i].line > 0));
        if (cases[i].line > 0) {
            check(cases[i].text, faults.first->place.line == cases[i].line);
            if (!strstr(faults.first->text, cases[i].warning))
                fail_msg("%s: %s", cases[i].text, faults.first->text);
        }
        faults_clear(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(traps_are_told)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
