/* Whole configurations: what is accepted, what is refused and in whose words, and what they come to. */
#include <stdio.h>

#include "base/test/check.h"
#include "gate/command/dev.h"
#include "gate/conf/faults.h"
#include "gate/site.h"

static bool nothing(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)subject, (void)rest, (void)of, (void)value;
    return false;
}

static const struct variable rows[] = {
    {"host", nothing, 0},
    {"uri", nothing, 0},
    {"scheme", nothing, 0},
    {"http_", nothing, 0},
    {"http_upgrade", nothing, 0},
    {"remote_addr", nothing, 0},
    {"remote_user", nothing, 0},
    {"time_local", nothing, 0},
    {"request", nothing, 0},
    {"status", nothing, 0},
    {"body_bytes_sent", nothing, 0},
    {"request_uri", nothing, 0},
    {"proxy_host", nothing, 0},
    {"proxy_add_x_forwarded_for", nothing, 0},
    {"1", nothing, 1},
    {VARIABLE_CAPTURE, nothing, 0},
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

static struct site *accepted(const char *text, bool as_nginx)
{
    struct site *site = NULL;
    struct faults faults;
    enum rc rc = read_text(text, as_nginx, &site, &faults);

    if (rc != RC_OK)
        fail_msg("%s\n%s", text, faults.first ? faults.first->text : "no fault");
    faults_clear(&faults);
    return site;
}

static const struct location *at(const struct site *site, const char *path)
{
    static struct captures captures;
    const struct server *server = site->listeners[0].default_server;
    const struct location *found =
        location_find(&server->outer.inner, span_text(path), &captures).location;

    return found ? found : &server->outer;
}

static void inheritance(void **state)
{
    struct site *site = accepted(
        "events { worker_connections 7; }\n"
        "http {\n"
        "  server {\n"
        "    listen 127.0.0.1:80;\n"
        "    location / { proxy_pass http://127.0.0.1:1; proxy_set_header C d;\n"
        "      location /in/ { root /in; } }\n"
        "    location /own/ { send_timeout 3s; proxy_read_timeout 4; index a b; index c; }\n"
        "    proxy_set_header A b; proxy_set_header E f;\n"
        "    send_timeout 2s;\n"
        "  }\n"
        "  send_timeout 1s; root /top/; keepalive_timeout 10s 20s;\n"
        "}\n",
        true);
    const struct settings *s = &at(site, "/")->settings;

    (void)state;
    assert_int_equal(site->process.worker_connections, 7);
    assert_int_equal(s->http.send_timeout_ms, 2000);
    assert_int_equal(s->http.keepalive_timeout_ms, 10000);
    assert_int_equal(s->http.keepalive_header_s, 20);
    assert_int_equal(s->http.client_max_body_size, 1 << 20);
    assert_int_equal(s->http.limits.line_max, 8192);
    assert_int_equal(s->proxy.headers_count, 1);
    assert_true(s->proxy.pass.is_set);
    assert_true(s->proxy.redirect_default);
    assert_true(span_equal(template_constant(&s->respond.root), SPAN("/top")));
    s = &at(site, "/in/x")->settings;
    assert_false(s->proxy.pass.is_set);
    assert_int_equal(s->proxy.headers_count, 1);
    assert_true(span_equal(template_constant(&s->respond.root), SPAN("/in")));
    s = &at(site, "/own/")->settings;
    assert_int_equal(s->http.send_timeout_ms, 3000);
    assert_int_equal(s->proxy.read_timeout_ms, 4000);
    assert_int_equal(s->proxy.headers_count, 2);
    assert_true(span_equal(s->proxy.headers[1].name, SPAN("E")));
    assert_int_equal(s->respond.index_count, 3);
    s = &site->listeners[0].default_server->outer.settings;
    assert_int_equal(s->respond.index_count, 1);
    assert_int_equal(s->journal.access_count, 1);
    site_release(site);
}

/* proxy_pass URL -> $proxy_host, $proxy_port, the URI that stands in, the upstream's name. */
static void proxy_pass_urls(void **state)
{
    static const struct {
        const char *url, *host, *port, *uri, *upstream;
        bool tls;
    } cases[] = {
        {"http://127.0.0.1", "127.0.0.1", "80", NULL, "127.0.0.1:80", false},
        {"http://127.0.0.1:80/", "127.0.0.1", "80", "/", "127.0.0.1:80", false},
        {"HTTP://127.0.0.1:81/a?b", "127.0.0.1:81", "81", "/a?b", "127.0.0.1:81", false},
        {"http://127.0.0.1?a", "127.0.0.1", "80", "?a", "127.0.0.1:80", false},
        {"http://[::1]:82", "[::1]:82", "82", NULL, "[::1]:82", false},
        {"http://up/x", "up", "80", "/x", "up", false},
        {"http://UP", "UP", "80", NULL, "up", false},
        {"http://unix:/run/a.sock", "localhost", "", NULL, "unix:/run/a.sock:80", false},
        {"http://unix:/run/a.sock:/x", "localhost", "", "/x", "unix:/run/a.sock:80", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct proxy_pass *pass;
        char text[300];
        struct site *site;

        snprintf(text, sizeof text,
                 "server { listen 127.0.0.1:80; location / { proxy_pass %s; } }\n"
                 "upstream up { server 127.0.0.1:9; }",
                 cases[i].url);
        site = accepted(text, false);
        pass = &at(site, "/")->settings.proxy.pass;
        check(cases[i].url, span_equal(pass->host, span_text(cases[i].host)));
        check(cases[i].url, span_equal(pass->port, span_text(cases[i].port)));
        check(cases[i].url, pass->has_uri == (cases[i].uri != NULL));
        check(cases[i].url, span_equal(pass->uri, span_text(cases[i].uri)));
        check(cases[i].url, span_equal(pass->upstream->name, span_text(cases[i].upstream)));
        check(cases[i].url, pass->tls == cases[i].tls);
        check(cases[i].url, pass->upstream->peers && pass->upstream->count == 1);
        site_release(site);
    }
}

static void upstream_block(void **state)
{
    struct site *site =
        accepted(HTTP("upstream u { server 127.0.0.1:1 weight=3 max_fails=2 fail_timeout=1m;\n"
                      "server 127.0.0.2 down; server unix:/s backup; keepalive 5 local; }"),
                 true);
    const struct upstream_settings *u = site->upstreams[0];

    (void)state;
    assert_int_equal(site->upstreams_count, 1);
    assert_int_equal(u->count, 3);
    assert_int_equal(u->addresses[0].weight, 3);
    assert_int_equal(u->addresses[0].max_fails, 2);
    assert_int_equal(u->addresses[0].fail_timeout_ms, 60000);
    assert_true(span_equal(u->addresses[1].name, SPAN("127.0.0.2:80")));
    assert_true(u->addresses[1].down && u->addresses[2].backup);
    assert_int_equal(u->keepalive, 5);
    assert_int_equal(u->keepalive_requests, 1000);
    site_release(site);
}

static void listeners(void **state)
{
    struct site *site = accepted(
        "server { listen 127.0.0.1:81; server_name A.test; }\n"
        "server { listen 127.0.0.1:81 default_server backlog=9; listen [::1]:82 ipv6only=off; "
        "}\n"
        "server { listen 127.0.0.1:81; server_name ~^(?<who>x+)$; return 200 $who; }\n",
        false);
    const struct listener *l = &site->listeners[0];
    struct captures captures = {0};

    (void)state;
    assert_int_equal(site->listeners_count, 2);
    assert_int_equal(l->backlog, 9);
    assert_false(site->listeners[1].ipv6_only);
    assert_true(span_equal(server_names_find(l->names, SPAN("a.test"), &captures)->name,
                           SPAN("a.test")));
    assert_ptr_equal(server_names_find(l->names, (struct span){0}, &captures),
                     l->default_server);
    assert_int_equal(server_names_find(l->names, SPAN("xx"), &captures)
                         ->outer.settings.rewrite.codes[0]
                         .status,
                     200);
    assert_int_equal(captures.count, 2);
    site_release(site);
}

/* What gate takes and nginx does not, and what both take. */
static void leniency(void **state)
{
    static const char *const texts[] = {
        "server { listen 8000; server_name localhost; }",
        "worker_processes 2; log_format a b; server { listen 8000; access_log l a; }",
        "events { use epoll; } http { server { listen 80; location ~ \\.php$ { return 403; } "
        "} }",
        "http { types { text/html html; } server { listen 80 ssl http2; ssl_certificate x;\n"
        "       ssl_certificate_key x; } }",
    };
    const size_t errors[] = {0, 0, 0, 1};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct site *site = NULL;
        struct faults faults;

        (void)!read_text(texts[i], false, &site, &faults);
        check(texts[i], faults.errors == errors[i]); /* the last: no such certificate */
        check(texts[i], (site != NULL) == (errors[i] == 0));
        if (site)
            site_release(site);
        faults_clear(&faults);
    }
}

static void a_name_that_is_not_found(void **state)
{
    struct site *site = NULL;
    struct faults faults;

    (void)state;
    assert_int_equal(read_text("server { location / { proxy_pass http://nosuch.invalid; } }",
                               false, &site, &faults),
                     RC_OK);
    assert_int_equal(faults.warnings, 1);
    assert_int_equal(site->upstreams[0]->addresses[0].address.len, 0);
    assert_int_equal(site->upstreams[0]->lookups_count, 1);
    site_release(site);
    faults_clear(&faults);
}

static void all_errors_in_one_run(void **state)
{
    static const char text[] =
        "events {}\n"
        "deamon off;\n"
        "http {\n"
        "  sendfile maybe;\n"
        "  server { listen 80; listn 81; location = / { location /a {} }\n"
        "    worker_processes 1; } }\n";
    static const char *const wanted[] = {
        "gate.conf:2:1: error: unknown directive \"deamon\"\n    deamon off;\n    ^^^^^^\n"
        "  did you mean \"daemon\"?\n",
        "gate.conf:4:12: error: invalid value \"maybe\" in \"sendfile\" directive",
        "did you mean \"listen\"?",
        "cannot be inside the exact location",
        "\"worker_processes\" directive is not allowed here",
        "it belongs in: main\n",
    };
    struct site *site = NULL;
    struct faults faults;
    struct text shown = {0};

    (void)state;
    assert_int_equal(read_text(text, false, &site, &faults), RC_FORMAT);
    assert_int_equal(faults.errors, 5);
    faults_show(&faults, &shown);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (!strstr(shown.at, wanted[i]))
            fail_msg("not there: %s\n%s", wanted[i], shown.at);
    }
    text_clear(&shown);
    faults_clear(&faults);
}

static void what_dev_writes(void **state)
{
    char one[] = "8001", other[] = "/api/=https://127.0.0.1:1/v1/", *words[] = {one, other};
    struct dev_options options;
    struct text greeting = {0};
    struct text text = {0};
    struct site *site;

    (void)state;
    assert_int_equal(dev_configuration(words, 2, &options, &text, &greeting, NULL), RC_OK);
    site = accepted(text.at, false);
    assert_true(at(site, "/")->settings.proxy.websocket);
    assert_true(at(site, "/api/x")->settings.proxy.pass.tls);
    assert_non_null(at(site, "/api/x")->settings.proxy.tls);
    site_release(site);
    text_clear(&greeting);
    text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_in_nginx_words),
        cmocka_unit_test(inheritance),
        cmocka_unit_test(proxy_pass_urls),
        cmocka_unit_test(upstream_block),
        cmocka_unit_test(listeners),
        cmocka_unit_test(leniency),
        cmocka_unit_test(a_name_that_is_not_found),
        cmocka_unit_test(all_errors_in_one_run),
        cmocka_unit_test(what_dev_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
