/* Whole configurations: what is accepted, what is refused and in whose words, and what they come to. */
#include <stdio.h>

#include "base/test/check.h"
#include "gate/conf/faults.h"
#include "gate/site.h"

static bool nothing(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)subject, (void)rest, (void)of, (void)value;
    return false;
}

static const struct variable rows[] = {
    {"host", nothing, 0},        {"uri", nothing, 0},          {"scheme", nothing, 0},
    {"http_", nothing, 0},       {"http_upgrade", nothing, 0}, {"remote_addr", nothing, 0},
    {"remote_user", nothing, 0}, {"time_local", nothing, 0},   {"request", nothing, 0},
    {"status", nothing, 0},      {"body_bytes_sent", nothing, 0}, {"request_uri", nothing, 0},
    {"proxy_host", nothing, 0},  {"1", nothing, 1},            {VARIABLE_CAPTURE, nothing, 0},
    {0},
};
static const struct variables variables = {.rows = rows};

static enum rc read_text(const char *text, bool as_nginx, struct site **site,
                         struct faults *faults)
{
    struct site_context context = {.prefix = "/srv/",
                                   .file = "/etc/gate/gate.conf",
                                   .text = text,
                                   .error_log = "stderr",
                                   .variables = &variables,
                                   .as_nginx = as_nginx};

    *faults = (struct faults){0};
    return site_read(site, &context, faults);
}

#define HTTP(body) "events {}\nhttp {\n" body "\n}\n"
#define SERVER(body) HTTP("server { listen 127.0.0.1:80; " body " }")
#define LOCATION(body) SERVER("location / { " body " }")

/* The first error in nginx's form, without its end " in FILE:LINE" where `line` is 0. */
static const struct {
    const char *text, *error;
    unsigned line;
} refused[] = {
#include "gate/test/refused.h"
};

static void refused_in_nginx_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct site *site = NULL;
        struct faults faults;
        struct text line = {0};
        char expected[512];

        check(refused[i].text, read_text(refused[i].text, true, &site, &faults) == RC_FORMAT);
        check(refused[i].text, faults_first_error(&faults));
        fault_entry_line(faults_first_error(&faults), &line);
        snprintf(expected, sizeof expected, "[emerg] %s in /etc/gate/gate.conf:%u",
                 refused[i].error, refused[i].line);
        if (refused[i].line == 0)
            snprintf(expected, sizeof expected, "[emerg] %s", refused[i].error);
        if (strcmp(line.at, expected) != 0)
            fail_msg("%s\n got %s\nwant %s", refused[i].text, line.at, expected);
        text_clear(&line);
        faults_clear(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused_in_nginx_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
