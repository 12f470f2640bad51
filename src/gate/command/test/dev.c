#include "gate/command/dev.h"
#include "base/scoped.h"
#include "base/test/check.h"

static enum rc run(const char *line, struct dev_options *options, struct text *out,
                   struct fault *why)
{
    SCOPED(text) greeting = {0};
    static char copy[256];
    char *words[16];
    int count = 0;

    strcpy(copy, line);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
        words[count++] = w;
    return dev_configuration(words, count, options, out, &greeting, why);
}

static const struct {
    const char *line, *parts[4]; /* what the configuration has in it */
} good[] = {
    {"8001", {"listen 127.0.0.1:8000;", "location / {", "proxy_pass http://localhost:8001;"}},
    {"8001 /api/=8002 --port 9000",
     {"listen 127.0.0.1:9000;", "location /api/ {", "proxy_pass http://localhost:8002;"}},
    {"/=127.0.0.1:81", {"proxy_pass http://127.0.0.1:81;", "Host $http_host;"}},
    {"[::1]:81", {"proxy_pass http://[::1]:81;", "Host $http_host;"}},
    {"1 /v1/=https://api.example.com/v2/",
     {"proxy_pass https://api.example.com/v2/;", "Host $proxy_host;", "proxy_ssl_verify on;",
      "proxy_ssl_server_name on;"}},
    {"--print build:3000", {"proxy_pass http://build:3000;", "proxy_websocket on;"}},
};

static void what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct dev_options options;
        struct fault why = {0};
        struct text out = {0};

        check(good[i].line, run(good[i].line, &options, &out, &why) == RC_OK);
        for (size_t p = 0; p < 4 && good[i].parts[p]; p++)
            check(good[i].parts[p], strstr(out.at, good[i].parts[p]));
        check(good[i].line, options.print == (strstr(good[i].line, "--print") != NULL));
        text_clear(&out);
    }
}

static const struct {
    const char *line, *fault; /* a part of the fault's text */
} bad[] = {
    {"", "nothing to serve"},
    {"0", "is no port"},
    {"70000", "is no port"},
    {"8001 --port 0", "--port takes"},
    {"8001 --port x", "--port takes"},
    {"8001 --prot 1", "did you mean --port"},
    {"8001 8002", "two targets for \"/\""},
    {"8001 /a=1 /a=2", "two targets for \"/a\""},
    {"8001 /api/", "write /api/=PORT"},
    {"localhost", "is no target"},
    {"host:1/path", "is no target"},
    {"http://", "is no target"},
    {"http://h:x/", "is no target"},
    {"http://h/;}", "is no target"},
    {"/a;b=1", "a path may hold"},
    {"/$x=1", "a path may hold"},
    {"8000", "gate itself listens on"},
    {"localhost:9 --port 9", "gate itself listens on"},
};

static void what_it_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dev_options options;
        struct fault why = {0};
        struct text out = {0};

        check(bad[i].line, run(bad[i].line, &options, &out, &why) == RC_USAGE);
        if (!strstr(why.text, bad[i].fault))
            fail_msg("%s: %s", bad[i].line, why.text);
        check(bad[i].line, out.len == 0);
        text_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(what_it_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
