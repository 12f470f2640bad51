#include "gate/upstream/proxy_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"
#include "gate/conf/value.h"
#include "gate/http/head.h"
#include "gate/upstream/proxy_pass.h"
#include "gate/upstream/upstream_block.h"

#define AT(member) .offset = offsetof(struct proxy_settings, member)
#define DROPPED .offset = CONF_NOWHERE
#define PLACE CONF_ALL_HTTP

static const struct conf_choice next_upstream[] = {
    {"error", PROXY_NEXT_ERROR},
    {"timeout", PROXY_NEXT_TIMEOUT},
    {"invalid_header", PROXY_NEXT_INVALID_HEADER},
    {"non_idempotent", PROXY_NEXT_NON_IDEMPOTENT},
    {"http_500", PROXY_NEXT_500},
    {"http_502", PROXY_NEXT_502},
    {"http_503", PROXY_NEXT_503},
    {"http_504", PROXY_NEXT_504},
    {"http_403", PROXY_NEXT_403},
    {"http_404", PROXY_NEXT_404},
    {"http_429", PROXY_NEXT_429},
    {"off", 0},
    {0},
};
static const struct conf_choice ignorable[] = {
    {"X-Accel-Redirect", PROXY_IGNORE_REDIRECT},
    {"X-Accel-Expires", PROXY_IGNORE_EXPIRES},
    {"X-Accel-Limit-Rate", PROXY_IGNORE_LIMIT_RATE},
    {"X-Accel-Buffering", PROXY_IGNORE_BUFFERING},
    {"X-Accel-Charset", PROXY_IGNORE_CHARSET},
    {"Expires", PROXY_IGNORE_OF_CACHE},
    {"Cache-Control", PROXY_IGNORE_OF_CACHE << 1},
    {"Set-Cookie", PROXY_IGNORE_OF_CACHE << 2},
    {"Vary", PROXY_IGNORE_OF_CACHE << 3},
    {0},
};
static const struct conf_choice announcements[] = {
    {"off", 0}, {"on", 1}, {"v1", 1}, {"v2", 2}, {0}};
static const struct conf_choice versions[] = {{"1.0", 10}, {"1.1", 11}, {0}};

void proxy_settings_enter(struct proxy_settings *s, bool uri_refused)
{
    s->pass = (struct proxy_pass){0};
    s->tls = NULL;
    s->uri_refused = uri_refused;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum rc proxy_settings_check(struct conf *conf, const struct proxy_settings *s,
                             const struct proxy_settings *outer)
{
    const struct proxy_buffers *b = &s->buffers;
    uint64_t size = larger(s->buffer_size, b->size);
    uint64_t busy = b->busy_size ? b->busy_size : 2 * size;

    if (memcmp(b, &outer->buffers, sizeof *b) == 0 && s->buffer_size == outer->buffer_size)
        return RC_OK; /* nothing of it was said here */
    if (b->count < 2)
        return conf_fail(conf, 0, NULL, "there must be at least 2 \"proxy_buffers\"");
    if (busy < size)
        return conf_fail(
            conf, 0, NULL,
            "\"proxy_busy_buffers_size\" must be equal to or greater than the maximum "
            "of the value of \"proxy_buffer_size\" and one of the \"proxy_buffers\"");
    if (busy > (b->count - 1) * b->size)
        return conf_fail(conf, 0, NULL,
                         "\"proxy_busy_buffers_size\" must be less than the size of all "
                         "\"proxy_buffers\" minus one buffer");
    if (b->temp_write_size && b->temp_write_size < size)
        return conf_fail(conf, 0, NULL,
                         "\"proxy_temp_file_write_size\" must be equal to or greater than the "
                         "maximum of the value of \"proxy_buffer_size\" and one of the "
                         "\"proxy_buffers\"");
    if (b->max_temp_size && b->max_temp_size < size)
        return conf_fail(
            conf, 0, NULL,
            "\"proxy_max_temp_file_size\" must be equal to zero to disable temporary "
            "files usage or must be equal to or greater than the maximum of the value "
            "of \"proxy_buffer_size\" and one of the \"proxy_buffers\"");
    return RC_OK;
}

static enum rc set_header(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_header *headers = NULL, *header;
    struct proxy_settings *s = part;
    struct template value;
    enum rc rc = conf_template(conf, 2, conf_word(conf, 2), &value);

    (void)d;
    if (rc != RC_OK)
        return rc;
    if (conf->again)
        memcpy(&headers, &s->headers, sizeof headers);
    else
        s->headers_count = 0;
    header = conf_add(conf, (void **)&headers, &s->headers_count, sizeof *header);
    s->headers = headers;
    if (!header)
        return RC_MEMORY;
    header->name = conf_word(conf, 1);
    header->id = field_id_of(header->name);
    header->value = value;
    return RC_OK;
}

/* Adds the name to a list that began in this context. */
static enum rc add_name(struct conf *conf, const struct span **list, size_t *count)
{
    struct span *names = NULL, *name;

    if (conf->again)
        memcpy(&names, list, sizeof names);
    else
        *count = 0;
    name = conf_add(conf, (void **)&names, count, sizeof *name);
    *list = names;
    if (!name)
        return RC_MEMORY;
    *name = conf_word(conf, 1);
    return RC_OK;
}

static enum rc set_hidden(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;

    (void)d;
    return add_name(conf, &s->hide_headers, &s->hide_headers_count);
}

static enum rc set_passed(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;

    (void)d;
    return add_name(conf, &s->pass_headers, &s->pass_headers_count);
}

/* "FROM TO": a text, or an expression behind "~" ("~*": in any case of letters, as where `nocase`). */
static enum rc add_rewrite(struct conf *conf, const struct proxy_rewrite **rules,
                           size_t *count, bool nocase)
{
    struct proxy_rewrite *all = NULL, *rule, made = {0};
    struct span from = conf_word(conf, 1);
    struct regex *regex = NULL;
    enum rc rc;

    if (span_starts(from, SPAN("~"))) {
        span_cut(&from, 1);
        if (span_starts(from, SPAN("*"))) {
            span_cut(&from, 1);
            nocase = true;
        }
        if ((rc = conf_regex(conf, 1, from, nocase, &regex)) != RC_OK)
            return rc;
        made.regex = regex;
    } else if ((rc = conf_template(conf, 1, from, &made.from)) != RC_OK) {
        return rc;
    }
    if ((rc = conf_template(conf, 2, conf_word(conf, 2), &made.to)) != RC_OK)
        return rc;
    if (*count > 0)
        memcpy(&all, rules, sizeof all);
    if (!(rule = conf_add(conf, (void **)&all, count, sizeof *rule)))
        return RC_MEMORY;
    *rules = all;
    *rule = made;
    return RC_OK;
}

/* "off" or "FROM TO". */
static enum rc set_cookie_rule(struct conf *conf, const struct proxy_rewrite **rules,
                               size_t *count, bool nocase)
{
    if (!conf->again)
        *count = 0;
    else if (*count == 0 || conf_words(conf) == 2)
        return conf_fail_value(conf, 0, "is duplicate"); /* off is all there is */
    if (conf_words(conf) == 3)
        return add_rewrite(conf, rules, count, nocase);
    return span_equal(conf_word(conf, 1), SPAN("off"))
               ? RC_OK
               : conf_fail(conf, 1, "off, or FROM TO", "invalid parameter \"%.*s\"",
                           SPAN_ARG(conf_word(conf, 1)));
}

static enum rc set_cookie_domain(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;

    (void)d;
    return set_cookie_rule(conf, &s->cookie_domains, &s->cookie_domains_count, true);
}

static enum rc set_cookie_path(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;

    (void)d;
    return set_cookie_rule(conf, &s->cookie_paths, &s->cookie_paths_count, false);
}

static enum rc parse_flags(struct conf *conf, struct proxy_cookie_rule *rule)
{
    struct template *made = arena_take_array(conf->arena, conf_words(conf), sizeof *made);
    enum rc rc;

    if (!made)
        return conf_no_memory(conf);
    for (size_t i = 2; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);
        const unsigned flag = proxy_cookie_flag_of(word);

        if (span_find(word, '$') < word.len) {
            if ((rc = conf_template(conf, i, word, &made[rule->made_count++])) != RC_OK)
                return rc;
        } else if (flag == 0) {
            conf_warn(conf, i, NULL, "\"%.*s\" is no flag of a cookie, it has no effect",
                      SPAN_ARG(word));
        }
        rule->flags |= flag;
    }
    rule->made = made;
    return RC_OK;
}

static enum rc set_cookie_flags(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;
    struct proxy_cookie_rule made = {0}, *all = NULL, *rule;
    struct span name = conf_word(conf, 1);
    struct regex *regex = NULL;
    enum rc rc;

    (void)d;
    if (!conf->again)
        s->cookie_flags_count = 0;
    else if (s->cookie_flags_count == 0 || conf_words(conf) == 2)
        return conf_fail_value(conf, 0, "is duplicate");
    if (conf_words(conf) == 2)
        return span_equal(name, SPAN("off"))
                   ? RC_OK
                   : conf_fail(conf, 1, "off, or NAME FLAG ...", "invalid parameter \"%.*s\"",
                               SPAN_ARG(name));
    if (span_starts(name, SPAN("~"))) {
        rc = conf_regex(conf, 1, span_of(name.at + 1, name.len - 1), true, &regex);
        made.regex = regex;
    } else {
        rc = conf_template(conf, 1, name, &made.name);
    }
    if (rc != RC_OK || (rc = parse_flags(conf, &made)) != RC_OK)
        return rc;
    if (s->cookie_flags_count > 0)
        memcpy(&all, &s->cookie_flags, sizeof all);
    if (!(rule = conf_add(conf, (void **)&all, &s->cookie_flags_count, sizeof *rule)))
        return RC_MEMORY;
    s->cookie_flags = all;
    *rule = made;
    return RC_OK;
}

static enum rc set_redirect(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;
    struct span word = conf_word(conf, 1);

    (void)d;
    if (!conf->again) {
        s->redirect_off = s->redirect_default = false;
        s->redirects_count = 0;
    } else if (s->redirect_off) {
        return conf_fail_value(conf, 0, "is duplicate");
    }
    if (conf_words(conf) == 3)
        return add_rewrite(conf, &s->redirects, &s->redirects_count, false);
    if (span_equal(word, SPAN("off")))
        s->redirect_off = true;
    else if (span_equal(word, SPAN("default")))
        s->redirect_default_at = s->redirects_count, s->redirect_default = true;
    else
        return conf_fail(conf, 1, "off, default, or FROM TO", "invalid parameter \"%.*s\"",
                         SPAN_ARG(word));
    return RC_OK;
}

static enum rc set_buffer_size(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;
    enum rc rc = conf_set_size(conf, d, part);

    if (rc == RC_OK && s->buffer_size == 0)
        return conf_fail_value(conf, 1, "invalid value");
    return rc;
}

enum rc proxy_settings_bind(struct conf *conf, bool *binds, struct template *bind)
{
    struct span word = conf_word(conf, 1);
    struct address address;

    *binds = !span_equal(word, SPAN("off"));
    if (conf_words(conf) > 2 && span_equal(conf_word(conf, 2), SPAN("transparent")))
        return conf_fail(conf, 2, NULL,
                         "\"transparent\" of \"%.*s\" is something that gate does not do: "
                         "its worker has no right to take other hosts' addresses",
                         SPAN_ARG(conf_word(conf, 0)));
    if (conf_words(conf) > 2)
        return conf_fail(conf, 2, NULL, "invalid parameter \"%.*s\"",
                         SPAN_ARG(conf_word(conf, 2)));
    if (*binds && span_find(word, '$') == word.len && address_parse(word, &address) != RC_OK &&
        address_from_literal(word, 0, &address) != RC_OK)
        return conf_fail(conf, 1, NULL, "invalid address \"%.*s\"", SPAN_ARG(word));
    return conf_template(conf, 1, word, bind);
}

static enum rc set_bind(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;

    (void)d;
    return proxy_settings_bind(conf, &s->binds, &s->bind);
}

static enum rc set_body(struct conf *conf, const struct directive *d, void *part)
{
    ((struct proxy_settings *)part)->has_set_body = true;
    return conf_set_template(conf, d, part);
}

static enum rc set_method(struct conf *conf, const struct directive *d, void *part)
{
    ((struct proxy_settings *)part)->has_method = true;
    return conf_set_template(conf, d, part);
}

static enum rc set_temp_path(struct conf *conf, const struct directive *d, void *part)
{
    (void)d;
    return conf_set_folder(conf, &((struct proxy_settings *)part)->temp_path, NULL);
}

/* "on", "off", or a path. */
static enum rc set_store(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;
    struct span path = conf_word(conf, 1);

    (void)d;
    s->store_in_root = span_equal(path, SPAN("on"));
    s->stores = !span_equal(path, SPAN("off"));
    if (s->store_in_root || !s->stores)
        return RC_OK;
    if (path.len == 0)
        return conf_fail(conf, 1, "on, off, or a path", "empty path");
    if (path.at[0] != '$')
        path = conf_path(conf, conf->prefix, path);
    return path.at ? conf_template(conf, 1, path, &s->store) : conf_no_memory(conf);
}

/* "user:rw group:rw all:r"; the user's are rw where they are not said. */
static enum rc set_store_access(struct conf *conf, const struct directive *d, void *part)
{
    static const struct {
        const char *name;
        unsigned shift;
    } whose[] = {{"user:", 6}, {"group:", 3}, {"all:", 0}};
    struct proxy_settings *s = part;
    unsigned user = 0600;

    (void)d;
    s->store_access = 0;
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);
        size_t w = 0;

        while (w < 3 && !span_starts(word, span_text(whose[w].name)))
            w++;
        if (w < 3)
            span_cut(&word, strlen(whose[w].name));
        if (w == 3 || (!span_equal(word, SPAN("r")) && !span_equal(word, SPAN("rw"))))
            return conf_fail(conf, i, "user:, group: or all:, and r or rw behind it",
                             "invalid value \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
        user = w == 0 ? 0 : user;
        s->store_access |= (word.len == 2 ? 6U : 4U) << whose[w].shift;
    }
    s->store_access |= user;
    return RC_OK;
}

const struct directive proxy_directives[] = {
    {"upstream", CONF_HTTP, 1, 1, true, CONF_VALUES, upstream_block_set,
     .doc = "A group of servers that proxy_pass may name."},
    {"proxy_pass", CONF_LOCATION | CONF_IF | CONF_LIMIT_EXCEPT, 1, 1, .set = proxy_pass_set,
     .doc = "Passes requests on to http:// or https://, a host or an upstream, and a path "
            "that stands in "
            "for the location's prefix."},
    {"proxy_set_header", PLACE, 2, 2, true, .set = set_header,
     .doc = "A header field of the request that is passed on, in place of the client's; an "
            "empty one is "
            "not sent."},
    {"proxy_bind", PLACE, 1, 2, .set = set_bind,
     .doc =
         "The address, and perhaps port, that connections to servers come from; off for the "
         "system's choice."},
    {"proxy_protocol", PLACE, 1, 1, .set = conf_set_choice, AT(announce), .of = announcements,
     .standard = "off",
     .doc =
         "Tells servers whose connection it is by the PROXY protocol, version 1 (on, v1) or 2 "
         "(v2); such a connection serves one request."},
    {"proxy_http_version", PLACE, 1, 1, .set = conf_set_choice, AT(http_version),
     .of = versions, .standard = "1.1",
     .doc = "The version of HTTP that is spoken with servers."},
    {"proxy_connect_timeout", PLACE, 1, 1, .set = conf_set_milliseconds,
     AT(connect_timeout_ms), .standard = "60s",
     .doc = "How long a connection to a server may take to come about."},
    {"proxy_send_timeout", PLACE, 1, 1, .set = conf_set_milliseconds, AT(send_timeout_ms),
     .standard = "60s", .doc = "How long a server may pause between two writes of a request."},
    {"proxy_read_timeout", PLACE, 1, 1, .set = conf_set_milliseconds, AT(read_timeout_ms),
     .standard = "60s",
     .doc = "How long a server may pause between two reads of its response."},
    {"proxy_buffer_size", PLACE, 1, 1, .set = set_buffer_size, AT(buffer_size),
     .standard = "4k", .doc = "The largest head that a server's response may have."},
    {"proxy_next_upstream", PLACE, 1, CONF_MANY, true, .set = conf_set_choices,
     AT(next_upstream), .of = next_upstream, .standard = "error timeout",
     .doc =
         "What of one server sends a request on to the next: not one whose method asks for "
         "more each "
         "time (POST, PATCH, LOCK, and methods that are not known), once it was sent, unless "
         "non_idempotent says so; called as nginx, methods that are not known go on. An "
         "error_page does not send such a one to another server either, where the first gave "
         "no answer, but called as nginx."},
    {"proxy_next_upstream_tries", PLACE, 1, 1, .set = conf_set_number, AT(next_upstream_tries),
     .standard = "0", .doc = "How many servers a request may try; 0 for all."},
    {"proxy_next_upstream_timeout", PLACE, 1, 1, .set = conf_set_milliseconds,
     AT(next_upstream_timeout_ms), .standard = "0",
     .doc = "How long a request may go on to further servers; 0 for ever."},
    {"proxy_pass_request_headers", PLACE, 1, 1, .set = conf_set_flag, AT(pass_request_headers),
     .standard = "on", .doc = "Passes the client's header fields on."},
    {"proxy_pass_request_body", PLACE, 1, 1, .set = conf_set_flag, AT(pass_request_body),
     .standard = "on", .doc = "Passes the request's body on."},
    {"proxy_pass_trailers", PLACE, 1, 1, .set = conf_set_flag, AT(pass_trailers),
     .standard = "off", .doc = "Passes trailer fields on, both ways."},
    {"proxy_ignore_client_abort", PLACE, 1, 1, .set = conf_set_flag, AT(ignore_client_abort),
     .standard = "off", .doc = "Lets the server finish when the client has gone."},
    {"proxy_intercept_errors", PLACE, 1, 1, .set = conf_set_flag, AT(intercept_errors),
     .standard = "off",
     .doc =
         "Gives answers of servers with status 300 and more the page that error_page names."},
    {"proxy_socket_keepalive", PLACE, 1, 1, .set = conf_set_flag, AT(socket_keepalive),
     .standard = "off", .doc = "TCP keep-alive on connections to servers."},
    {"proxy_socket_rcvbuf", PLACE, 1, 1, .set = conf_set_size, AT(socket_rcvbuf),
     .doc = "The size of the receive buffer of connections to servers; without it, the "
            "system's."},
    {"proxy_socket_sndbuf", PLACE, 1, 1, .set = conf_set_size, AT(socket_sndbuf),
     .doc = "The same of the send buffer."},
    {"proxy_limit_rate", PLACE, 1, 1, .set = conf_set_size, AT(limit_rate), .standard = "0",
     .doc = "How many bytes a second are read of a server's answer while proxy_buffering is "
            "on; 0 for as many as come."},
    {"proxy_force_ranges", PLACE, 1, 1, .set = conf_set_flag, AT(force_ranges),
     .standard = "off",
     .doc = "Cuts what a client's Range asks for out of answers of servers that do not."},
    {"early_hints", PLACE, 1, CONF_MANY, .set = conf_set_predicates, AT(hints),
     .doc =
         "Passes on what a server sends with status 103 in front of its answer, to clients of "
         "HTTP/1.1, where one of the words is something but empty or 0: a variable, mostly."},
    {"proxy_store", PLACE, 1, 1, .set = set_store, .standard = "off",
     .doc =
         "Keeps the bodies of answers with status 200 as files, below root or alias (on) or "
         "at a path with variables: each is written beside its place and has its name once it "
         "is whole, "
         "with the answer's Last-Modified as its date. Needs proxy_buffering; a client that "
         "leaves does not end it."},
    {"proxy_store_access", PLACE, 1, 3, .set = set_store_access, .standard = "user:rw",
     .doc = "Who may do what with those files, and enter the folders that are made for them: "
            "user:rw group:rw all:r."},
    {"slice", PLACE, 1, 1, .set = conf_set_size, AT(slice_size), .standard = "0",
     .doc = "Asks a server for a body in pieces of that size, one behind the other, where "
            "proxy_set_header has Range $slice_range; 0 for all at once."},
    {"proxy_websocket", PLACE, 1, 1, .set = conf_set_flag, AT(websocket), .standard = "off",
     .doc = "Passes WebSocket upgrades on without any proxy_set_header (not in nginx)."},
    {"proxy_redirect", PLACE, 1, 2, true, .set = set_redirect, .standard = "default",
     .doc = "Rewrites the server's own address in Location and Refresh: off, default, or FROM "
            "TO, FROM being what it begins with or a ~expression."},
    {"proxy_cookie_domain", PLACE, 1, 2, true, .set = set_cookie_domain,
     .doc = "Rewrites the domain of cookies that a server sets: FROM TO, FROM being a domain "
            "or a "
            "~expression; or off."},
    {"proxy_cookie_path", PLACE, 1, 2, true, .set = set_cookie_path,
     .doc = "The same of their path, FROM being what it begins with or a ~expression."},
    {"proxy_cookie_flags", PLACE, 1, 4, true, .set = set_cookie_flags,
     .doc =
         "Sets or takes away flags of the cookie with that name, or of those that fit a "
         "~expression: secure, httponly, samesite=strict, lax or none, nosecure, nohttponly, "
         "nosamesite, or variables that come to one of these; or off."},
    {"proxy_ignore_headers", PLACE, 1, CONF_MANY, true, .set = conf_set_choices, AT(ignored),
     .of = ignorable,
     .doc = "Fields of a server's answer that mean nothing to gate: X-Accel-Redirect, "
            "X-Accel-Buffering, X-Accel-Limit-Rate, X-Accel-Charset, and those of the cache."},
    {"proxy_hide_header", PLACE, 1, 1, true, .set = set_hidden,
     .doc = "A field of the server's response that the client does not get."},
    {"proxy_pass_header", PLACE, 1, 1, true, .set = set_passed,
     .doc = "A field of the server's response that is passed on although it is usually not."},
    {"proxy_buffering", PLACE, 1, 1, .set = conf_set_flag, AT(buffering), .standard = "on",
     .doc = "Takes a server's answer as fast as it comes and keeps it for a client that is "
            "slow: in "
            "memory, then in a temporary file; off makes the server wait."},
    {"proxy_request_buffering", PLACE, 1, 1, .set = conf_set_flag, AT(request_buffering),
     .standard = "on",
     .doc = "Waits for all of a request's body before a server is asked, so that a second one "
            "can be "
            "asked too; off passes bodies on as they come."},
    {"proxy_set_body", PLACE, 1, 1, .set = set_body, AT(set_body),
     .doc = "What is sent in place of the request's body."},
    {"proxy_method", PLACE, 1, 1, .set = set_method, AT(method),
     .doc = "The method that is sent in place of the client's."},
    {"proxy_buffers", PLACE, 2, 2, .set = conf_set_buffers, AT(buffers.count),
     .standard = "8 4k",
     .doc =
         "How much of an answer is kept in memory for a slow client: the product of the two."},
    {"proxy_busy_buffers_size", PLACE, 1, 1, .set = conf_set_size, AT(buffers.busy_size),
     .doc = "Accepted, of no effect: what a client does not take yet is kept in any case."},
    {"proxy_max_temp_file_size", PLACE, 1, 1, .set = conf_set_size, AT(buffers.max_temp_size),
     .standard = "1024m",
     .doc = "How much of an answer is kept in a temporary file; 0 for none, and the server "
            "waits."},
    {"proxy_temp_file_write_size", PLACE, 1, 1, .set = conf_set_size,
     AT(buffers.temp_write_size),
     .doc = "Accepted, of no effect: what is there is written at once."},
    {"proxy_temp_path", PLACE, 1, 4, .set = set_temp_path,
     .doc = "The folder of those files; without it, /var/tmp. They have no names, and so "
            "levels of folders have no effect."},
    {"fastcgi_temp_path", PLACE, 1, 4, .set = conf_accept,
     .doc = "Accepted, of no effect: there is no FastCGI that would write there."},
    {"uwsgi_temp_path", PLACE, 1, 4, .set = conf_accept,
     .doc = "Accepted, of no effect: there is no uwsgi that would write there."},
    {"scgi_temp_path", PLACE, 1, 4, .set = conf_accept,
     .doc = "Accepted, of no effect: there is no SCGI that would write there."},
    {"proxy_send_lowat", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: it has no meaning on Linux."},
    {"proxy_headers_hash_max_size", PLACE, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"proxy_headers_hash_bucket_size", PLACE, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {0},
};
