#include "gate/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/http/uri.h"
#include "gate/request_proxy.h"
#include "gate/trace.h"

enum {
    ANSWER_MAX = 64 * 1024,
    GIVE_UP_MS = 5000,
    PLACE_WIDTH = 28,
};

/* A URL in its parts. */
struct target {
    bool tls;
    struct span authority, path;
    uint16_t port;
};

struct explaining {
    struct trace trace;
    struct text *out;
    struct loop *loop;
    struct watch watch; /* the client's end of the connection */
    struct timer timer;
    bool forwarded;
    size_t got;
    char answer[ANSWER_MAX];
};

/* ---- what is said ---- */

/* The statement as it stands, but for its block. */
static void add_statement(struct text *out, const struct conf_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct span word = node->words[i].text;
        const char *quote = word.len == 0 || span_find(word, ' ') < word.len ? "\"" : "";

        text_printf(out, "%s%s%.*s%s", i > 0 ? " " : "", quote, SPAN_ARG(word), quote);
    }
}

static void add_place(struct text *out, const struct conf_node *node)
{
    char place[4096] = "";

    if (node)
        snprintf(place, sizeof place, "%s:%u", node->file->name, node->words[0].line);
    text_printf(out, "%-*s ", PLACE_WIDTH, place);
}

static void note(struct trace *trace, const struct conf_node *node, const char *what)
{
    struct explaining *e = LIST_OWNER(trace, struct explaining, trace);

    add_place(e->out, node);
    if (node) {
        add_statement(e->out, node);
        text_printf(e->out, " -- ");
    }
    text_printf(e->out, "%s\n", what);
}

/* A head: each line behind the margin. */
static void add_head(struct explaining *e, const char *title, struct span head)
{
    add_place(e->out, NULL);
    text_printf(e->out, "%s\n", title);
    while (head.len > 0) {
        struct span line = span_cut(&head, span_find(head, '\n'));

        span_cut(&head, 1);
        while (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        if (line.len > 0)
            text_printf(e->out, "%*s    %.*s\n", PLACE_WIDTH, "", SPAN_ARG(line));
    }
}

static void add_upstream(struct explaining *e, struct request *r)
{
    const struct proxy_pass *pass = pass_of(r);
    const struct upstream_settings *u = pass->upstream;
    char text[ADDRESS_TEXT];

    note(&e->trace, proxy_of(r)->pass.node, "goes to an origin");
    if (!u) {
        add_place(e->out, NULL);
        text_printf(e->out, "the origin is %.*s\n",
                    SPAN_ARG(address_text(&r->address, text, false)));
        return;
    }
    for (size_t i = 0; i < u->count; i++) {
        const struct server_address *a = &u->addresses[i];

        add_place(e->out, u->implicit ? NULL : u->node);
        text_printf(e->out, "server %.*s, weight %u%s%s\n", SPAN_ARG(a->name), a->weight,
                    a->backup ? ", backup" : "", a->down ? ", down" : "");
    }
    if (!u->implicit) {
        add_place(e->out, u->node);
        text_printf(e->out, "chosen by %s\n", u->peers->balance->name);
    }
}

/* To whom the origin has to prove that it is who it is. */
static void add_tls(struct explaining *e, const struct request *r)
{
    const struct proxy_settings *p = proxy_of(r);

    if (!pass_of(r)->tls)
        return;
    add_place(e->out, NULL);
    text_printf(e->out, "over TLS, as %s%s; its certificate is %s\n", r->target.name,
                p->ssl_server_name ? "" : ", which is not told to it",
                p->ssl_verify ? "verified" : "not verified");
}

static void add_slices(struct explaining *e, const struct request *r)
{
    if (!r->slice.is_on)
        return;
    add_place(e->out, NULL);
    text_printf(e->out, "and one request more for each piece of %" PRIu64 " bytes behind it\n",
                proxy_of(r)->slice_size);
}

static void add_store(struct explaining *e, const struct request *r)
{
    const struct proxy_settings *p = proxy_of(r);
    struct buffer path = buffer_over(r->service->in, SCRATCH_IN);

    if (!p->stores)
        return;
    if (!p->store_in_root)
        template_write(&p->store, (void *)(uintptr_t)r, &path);
    add_place(e->out, NULL);
    text_printf(e->out, "an answer of 200 would stay as a file: %.*s\n",
                SPAN_ARG(p->store_in_root ? SPAN("below root or alias") : buffer_span(&path)));
}

/* What the location adds to an answer of a usual status. */
static void add_headers(struct explaining *e, struct request *r)
{
    const struct added_fields *headers = &request_settings(r)->headers.headers;
    struct buffer value = buffer_over(r->service->in, SCRATCH_IN);
    char what[1024];

    for (size_t i = 0; i < headers->count; i++) {
        const struct added_field *field = &headers->fields[i];

        value.len = 0;
        template_write(&field->value, r, &value);
        if (value.len == 0)
            continue;
        snprintf(what, sizeof what, "the answer gets %.*s: %.*s", SPAN_ARG(field->name),
                 SPAN_ARG(buffer_span(&value)));
        note(&e->trace, field->node, what);
    }
}

/* STEP_CHOOSE is as far as a request goes without being sent. */
static bool goes_on(struct trace *trace, struct request *r)
{
    struct explaining *e = LIST_OWNER(trace, struct explaining, trace);
    struct buffer head = buffer_over(r->service->out, SCRATCH_OUT);

    if (r->step != STEP_CHOOSE)
        return true;
    if (request_begin_choosing(r) != RC_OK || r->step != STEP_CHOOSE)
        return true;
    add_upstream(e, r);
    add_tls(e, r);
    request_write_forwarded(r, &head);
    add_head(e, "the origin would get", buffer_span(&head));
    add_slices(e, r);
    add_store(e, r);
    if (proxy_of(r)->hints.count > 0)
        note(&e->trace, NULL,
             "what comes with status 103 is passed on where \"early_hints\" says so");
    add_headers(e, r);
    e->forwarded = true;
    loop_stop(e->loop);
    return false;
}

/* ---- the request ---- */

/* Nothing that would end it in a request's line. */
static bool is_plain(const char *text)
{
    while ((unsigned char)*text > ' ' && *text != 0x7f)
        text++;
    return !*text;
}

static enum rc parse_url(const char *url, struct target *target, struct fault *why)
{
    struct span text = span_text(url), host;
    int port;

    target->tls = span_starts(text, SPAN("https://"));
    if (target->tls)
        span_cut(&text, 8);
    else if (span_starts(text, SPAN("http://")))
        span_cut(&text, 7);
    target->authority = span_cut(&text, strcspn((const char *)text.at, "/?#"));
    target->path = text;
    if (!is_plain(url) || uri_authority(target->authority, &host, &port) != RC_OK)
        return fail(why, RC_USAGE, "\"%s\" is no URL: http://HOST:PORT/PATH", url);
    target->port = (uint16_t)(port > 0 ? port : target->tls ? 443 : 80);
    return RC_OK;
}

static uint16_t port_of(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : 0;
}

/* Where several have the port, the first one. */
static const struct listener *find_listener(const struct site *site,
                                            const struct target *target, struct fault *why)
{
    const struct listener *other = NULL;

    for (size_t i = 0; i < site->listeners_count; i++) {
        const struct listener *l = &site->listeners[i];

        if (port_of(&l->address) != target->port)
            continue;
        if (l->tls == target->tls)
            return l;
        other = l;
    }
    if (other)
        (void)fail(why, RC_NOT_FOUND, "port %u speaks %s", target->port,
                   other->tls ? "TLS: the URL begins with https://"
                              : "no TLS: the URL begins with http://");
    else
        (void)fail(why, RC_NOT_FOUND, "no server listens on port %u", target->port);
    return NULL;
}

static enum rc write_question(const struct explain_question *q, const struct target *target,
                              struct text *request, struct fault *why)
{
    const char *method = q->method ? q->method : "GET";
    bool rooted = target->path.len > 0 && target->path.at[0] == '/', has_host = false;

    if (!is_plain(method) || !*method)
        return fail(why, RC_USAGE, "\"%s\" is no method", method);
    for (size_t i = 0; i < q->fields_count; i++) {
        const char *colon = strchr(q->fields[i], ':');

        if (!colon || colon == q->fields[i] || strpbrk(q->fields[i], "\r\n"))
            return fail(why, RC_USAGE, "\"%s\" is no field: \"Name: value\"", q->fields[i]);
        has_host = has_host || strncasecmp(q->fields[i], "Host:", 5) == 0;
    }
    text_printf(request, "%s %s%.*s HTTP/1.1\r\n", method, rooted ? "" : "/",
                SPAN_ARG(target->path));
    if (!has_host)
        text_printf(request, "Host: %.*s\r\n", SPAN_ARG(target->authority));
    for (size_t i = 0; i < q->fields_count; i++)
        text_printf(request, "%s\r\n", q->fields[i]);
    text_printf(request, "Connection: close\r\n\r\n");
    return text_ok(request) ? RC_OK : fail(why, RC_MEMORY, "no memory for the request");
}

static enum rc client_from(const char *text, struct address *from, struct fault *why)
{
    char with_port[128];
    bool v6;

    text = text ? text : "127.0.0.1";
    v6 = strchr(text, ':') && text[0] != '[';
    snprintf(with_port, sizeof with_port, "%s%s%s:50000", v6 ? "[" : "", text, v6 ? "]" : "");
    if (address_parse(span_text(with_port), from) != RC_OK)
        return fail(why, RC_USAGE, "\"%s\" is no address", text);
    return RC_OK;
}

/* ---- its way ---- */

static void on_answer(struct watch *watch, unsigned what)
{
    struct explaining *e = LIST_OWNER(watch, struct explaining, watch);
    ssize_t got;

    (void)what;
    while ((got = read(watch->fd, e->answer + e->got, sizeof e->answer - e->got)) > 0) {
        e->got += (size_t)got;
        if (e->got == sizeof e->answer || memmem(e->answer, e->got, "\r\n\r\n", 4))
            break;
    }
    if (got >= 0 || errno != EAGAIN)
        loop_stop(e->loop);
}

static void on_time(struct timer *timer)
{
    loop_stop(LIST_OWNER(timer, struct explaining, timer)->loop);
}

static enum rc ask(struct explaining *e, struct service *service,
                   const struct listener *listener, const struct address *from,
                   const struct text *request, struct fault *why)
{
    struct listener plain = *listener; /* nobody is there to shake hands with */
    int ends[2];
    enum rc rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return fail_errno(why, RC_IO, "no connection");
    e->watch = (struct watch){.fd = ends[0], .ready = on_answer};
    e->timer = (struct timer){.fire = on_time};
    if (write(ends[0], request->at, request->len) != (ssize_t)request->len)
        rc = fail(why, RC_LIMIT, "the request is too large");
    else
        rc = loop_add(e->loop, &e->watch, why);
    if (rc != RC_OK) {
        close(ends[0]);
        close(ends[1]);
        return rc;
    }
    plain.tls = false;
    service->trace = &e->trace;
    service_accept(service, &plain, ends[1], from);
    if (!list_is_empty(&service->clients))
        LIST_OWNER(service->clients.next, struct client, all)->listener = listener;
    timer_set(loop_timers(e->loop), &e->timer, GIVE_UP_MS);
    loop_run(e->loop);
    loop_remove(e->loop, &e->watch);
    close(ends[0]);
    return RC_OK;
}

static void tell_answer(struct explaining *e)
{
    const char *end = memmem(e->answer, e->got, "\r\n\r\n", 4);

    if (e->forwarded)
        return;
    if (end)
        add_head(e, "the answer is gate's own", span_of(e->answer, (size_t)(end - e->answer)));
    else
        note(&e->trace, NULL, "the connection is closed without an answer");
}

enum rc explain(struct site *site, const struct explain_question *q, struct text *out,
                struct fault *why)
{
    static struct explaining e;
    struct service *service = NULL;
    const struct listener *listener;
    struct target target = {0};
    struct address from;
    struct text request = {0};
    enum rc rc;

    e = (struct explaining){.trace = {note, goes_on}, .out = out};
    if ((rc = parse_url(q->url, &target, why)) || (rc = client_from(q->from, &from, why)) ||
        (rc = write_question(q, &target, &request, why))) {
        text_clear(&request);
        return rc;
    }
    if (!(listener = find_listener(site, &target, why)))
        rc = why->rc;
    else if ((rc = site_open_zones(site, NULL, why)) == RC_OK &&
             (rc = loop_open(&e.loop, why)) == RC_OK &&
             (rc = service_open(&service, e.loop, site, 0, why)) == RC_OK) {
        note(&e.trace, listener->node, "takes the connection");
        rc = ask(&e, service, listener, &from, &request, why);
        if (rc == RC_OK)
            tell_answer(&e);
    }
    service_close(service);
    loop_close(e.loop);
    text_clear(&request);
    return rc;
}
