/* Answers from an origin: which one, what it is asked, and the two bodies on their ways. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/http/uri.h"
#include "gate/request.h"
#include "gate/respond/redirect.h"
#include "gate/respond/status.h"

enum {
    ANSWER_HEAD_MIN = 32 * 1024, /* an origin's head may be that large, however small proxy_buffer_size is */
    ANSWER_FIELDS_MAX = 4096
};

static const struct proxy_settings *proxy_of(const struct request *r)
{
    return &request_settings(r)->proxy;
}

static const struct proxy_pass *pass_of(const struct request *r)
{
    return r->pass.is_set ? &r->pass : &proxy_of(r)->pass;
}

static uint64_t now_ms(const struct request *r)
{
    return loop_now_ms(r->service->loop);
}

static struct try *last_try(struct request *r)
{
    return &r->tries[(r->tries_count - 1) % REQUEST_TRIES];
}

/* ---- leaving an origin, and trying the next ---- */

void request_leave_origin(struct request *r, bool failed)
{
    struct origin *origin = r->origin;

    if (origin) {
        bool reusable = !failed && r->down.done && r->answer.keep_alive && r->up.done &&
                        !r->up_failed && !r->origin_extra && r->step != STEP_TUNNEL &&
                        r->to_origin.begin == r->to_origin.end && !r->origin_timed_out;

        r->origin = NULL;
        last_try(r)->ended_ms = now_ms(r);
        if (reusable)
            origins_give(origin);
        else
            origin_close(origin);
    }
    request_drop_up(r);
    if (r->peer != BALANCE_NONE) {
        if (balance_free(r->peers, r->peer, failed, now_ms(r)))
            request_log(r, LOG_LEVEL_WARN, "upstream server temporarily disabled");
        r->peer = BALANCE_NONE;
    }
}

static bool is_idempotent(const struct request *r)
{
    return r->head.method != METHOD_POST && r->head.method != METHOD_LOCK &&
           r->head.method != METHOD_PATCH;
}

/* May the request go to another origin after a failure of this kind? */
static bool may_try_again(const struct request *r, unsigned kind)
{
    const struct proxy_settings *p = proxy_of(r);
    const struct try *first = &r->tries[0];

    return (p->next_upstream & kind) && !r->head_sent && !r->up_unretained && r->peers &&
           r->tries_count < r->peers->count &&
           (p->next_upstream_tries == 0 || r->tries_count < p->next_upstream_tries) &&
           (p->next_upstream_timeout_ms == 0 ||
            now_ms(r) - first->began_ms < p->next_upstream_timeout_ms) &&
           (is_idempotent(r) || !r->request_sent || (p->next_upstream & PROXY_NEXT_NON_IDEMPOTENT));
}

/* The request is to be sent again, from its beginning. */
static void rewind_request(struct request *r)
{
    const struct h1_request *head = &r->head;

    r->up = body_begin(head->chunked      ? FRAMING_CHUNKED
                       : head->has_length ? FRAMING_LENGTH
                                          : FRAMING_NONE,
                       head->length);
    r->used = head->head.len;
    r->up_total = 0;
    r->up_failed = r->origin_timed_out = r->origin_extra = r->request_sent = false;
    free(r->answer_bytes);
    r->answer_bytes = NULL;
    r->answer_got = 0;
}

/* One address has failed: the next one, or the page with `status`. */
static enum rc fail_over(struct request *r, unsigned kind, unsigned status)
{
    bool again = may_try_again(r, kind);
    bool counts = kind != PROXY_NEXT_403 && kind != PROXY_NEXT_404;

    request_leave_origin(r, counts);
    if (!again) {
        if (r->head_sent)
            return RC_IO;
        if (!r->up.done)
            r->keep_alive = false;
        return request_answer_status(r, status);
    }
    rewind_request(r);
    r->step = STEP_CHOOSE;
    return RC_OK;
}

static enum rc open_origin(struct request *r);

/* A connection that had been idle broke before it said anything: the same address, anew, costs no try. */
static enum rc fail_error(struct request *r, const char *what)
{
    bool replayable = !r->up_unretained && (is_idempotent(r) || !r->request_sent);

    if (r->origin_reused && !r->answer_got && !r->head_sent && replayable) {
        origin_close(r->origin);
        r->origin = NULL;
        request_drop_up(r);
        rewind_request(r);
        return open_origin(r);
    }
    request_log(r, LOG_LEVEL_ERROR, "%s", what);
    return fail_over(r, PROXY_NEXT_ERROR, 502);
}

static enum rc fail_timeout(struct request *r, const char *doing)
{
    request_log(r, LOG_LEVEL_ERROR, "upstream timed out (110: Connection timed out) while %s",
                doing);
    return fail_over(r, PROXY_NEXT_TIMEOUT, 504);
}

/* The client has gone while an origin works for it. */
static bool is_abandoned(const struct request *r)
{
    return r->client->hangup && r->up.done && !proxy_of(r)->ignore_client_abort;
}

static enum rc abandon(struct request *r)
{
    request_log(r, LOG_LEVEL_INFO, "client prematurely closed connection");
    r->status = r->head_sent ? r->status : STATUS_CLIENT_CLOSED;
    return RC_IO;
}

/* ---- STEP_CHOOSE and STEP_CONNECT ---- */

static void on_origin(struct origin *origin)
{
    request_run(origin->user);
}

static void on_origin_time(struct timer *timer)
{
    struct request *r = LIST_OWNER(timer, struct origin, timer)->user;

    r->origin_timed_out = true;
    request_run(r);
}

static void attach(struct request *r, struct origin *origin, bool reused)
{
    origin->user = r;
    origin->ready = on_origin;
    origin->timer.fire = on_origin_time;
    r->origin = origin;
    r->origin_reused = reused;
    r->step = reused ? STEP_SEND : STEP_CONNECT;
}

static enum rc open_origin(struct request *r)
{
    struct origin *origin;
    struct fault why = {0};

    if (origin_open(&origin, r->service->origins, &r->target, &why) != RC_OK) {
        request_log(r, LOG_LEVEL_ERROR, "%s while connecting to upstream", why.text);
        return fail_over(r, PROXY_NEXT_ERROR, 502);
    }
    attach(r, origin, false);
    request_wait(r, 0, proxy_of(r)->connect_timeout_ms);
    return RC_OK;
}

/* "backend", "10.0.0.1:81", "[::1]" of a proxy_pass that variables made. */
static enum rc find_dynamic(struct request *r, struct span authority)
{
    const struct site *site = r->service->site;
    struct buffer with_port = buffer_over(request_memory(r, authority.len + 8), authority.len + 8);

    for (size_t i = 0; i < site->upstreams_count; i++) {
        if (!site->upstreams[i]->implicit && span_equal_nocase(site->upstreams[i]->name, authority)) {
            r->pass.upstream = site->upstreams[i];
            return RC_OK;
        }
    }
    if (!with_port.at)
        return RC_MEMORY;
    if (address_parse(authority, &r->address) == RC_OK)
        return RC_OK;
    buffer_add(&with_port, authority);
    buffer_add_text(&with_port, r->pass.tls ? ":443" : ":80");
    return address_parse(buffer_span(&with_port), &r->address);
}

/* Evaluates a proxy_pass with variables: nginx.org's "proxy_pass http://$name/path". */
static enum rc evaluate_pass(struct request *r)
{
    const struct template *dynamic = proxy_of(r)->pass.dynamic;
    struct buffer url = buffer_over(r->service->in, SCRATCH_IN);
    struct span text, authority;
    enum rc rc;

    template_write(dynamic, r, &url);
    text = arena_copy(&r->arena, buffer_span(&url));
    if (!text.at || url.full)
        return RC_MEMORY;
    r->pass = (struct proxy_pass){.is_set = true, .url = text};
    if (span_starts(text, SPAN("https://"))) {
        r->pass.tls = true;
        span_cut(&text, 8);
    } else if (span_starts(text, SPAN("http://"))) {
        span_cut(&text, 7);
    } else {
        request_log(r, LOG_LEVEL_ERROR, "invalid URL prefix in \"%.*s\"", SPAN_ARG(text));
        return request_answer_status(r, 500);
    }
    authority = span_cut(&text, span_find(text, '/'));
    r->pass.host = authority;
    r->pass.uri = text;
    r->pass.has_uri = text.len > 0;
    rc = find_dynamic(r, authority);
    if (rc == RC_OK || rc == RC_MEMORY)
        return rc;
    request_log(r, LOG_LEVEL_ERROR, "no resolver defined to resolve %.*s", SPAN_ARG(authority));
    return request_answer_status(r, 502);
}

/* The name for SNI and for the check of the origin's certificate. */
static enum rc find_tls_name(struct request *r)
{
    const struct proxy_settings *p = proxy_of(r);
    struct buffer name = buffer_over(r->service->in, 256);
    struct span host = pass_of(r)->host;

    r->target.tls = p->tls;
    if (p->ssl_name_set) {
        template_write(&p->ssl_name, r, &name);
        host = buffer_span(&name);
    } else if (host.len > 0 && host.at[0] == '[') {
        span_cut(&host, 1);
        host = span_cut(&host, span_find(host, ']'));
    } else {
        host = span_cut(&host, span_find(host, ':'));
    }
    return (r->target.name = arena_text(&r->arena, host)) ? RC_OK : RC_MEMORY;
}

/* Once for each request: where to look for addresses. */
static enum rc begin_choosing(struct request *r)
{
    const struct proxy_pass *pass;
    size_t words = 1;
    enum rc rc;

    if (proxy_of(r)->pass.dynamic && !r->pass.is_set &&
        ((rc = evaluate_pass(r)) != RC_OK || r->step != STEP_CHOOSE))
        return rc;
    pass = pass_of(r);
    if (pass->upstream) {
        r->peers = pass->upstream->peers;
        words = BALANCE_WORDS(r->peers->count);
    }
    if (!(r->tried = arena_take_array(&r->arena, words ? words : 1, sizeof *r->tried)))
        return RC_MEMORY;
    r->target.upstream = pass->upstream;
    r->target.address = &r->address;
    r->target.socket_keepalive = proxy_of(r)->socket_keepalive;
    return pass->tls ? find_tls_name(r) : RC_OK;
}

/* An idle connection that may be used for this request. */
static struct origin *take_idle(struct request *r)
{
    struct origin *origin;

    while ((origin = origins_take(r->service->origins, &r->target))) {
        if (is_idempotent(r) || origin_is_fresh(origin))
            return origin;
        origin_close(origin); /* what is not sent twice is not sent into a connection that has ended */
    }
    return NULL;
}

enum rc request_choose(struct request *r)
{
    struct origin *origin;
    enum rc rc;

    if (!r->tried && ((rc = begin_choosing(r)) != RC_OK || r->step != STEP_CHOOSE))
        return rc;
    if (r->up.framing == FRAMING_CHUNKED && proxy_of(r)->http_version < 11)
        return request_answer_status(r, 411);
    if (r->peers) {
        const struct upstream_settings *upstream = r->target.upstream;

        r->peer = balance_pick(r->peers, now_ms(r), r->tried);
        if (r->peer == BALANCE_NONE) {
            request_log(r, LOG_LEVEL_ERROR, "no live upstreams while connecting to upstream");
            return request_answer_status(r, 502);
        }
        r->target.peer = r->peer;
        r->target.address = &upstream->addresses[r->peer].address;
    }
    r->tries_count++;
    *last_try(r) = (struct try){
        .name = r->peers ? r->target.upstream->addresses[r->peer].name : r->pass.host,
        .began_ms = now_ms(r),
    };
    if ((origin = take_idle(r))) {
        attach(r, origin, true);
        return RC_OK;
    }
    return open_origin(r);
}

enum rc request_connect(struct request *r)
{
    struct fault why = {0};
    enum rc rc;

    if (is_abandoned(r))
        return abandon(r);
    if (r->origin_timed_out)
        return fail_timeout(r, "connecting to upstream");
    rc = origin_finish_connect(r->origin, &why);
    if (rc == RC_AGAIN)
        return RC_AGAIN;
    if (rc != RC_OK) {
        request_log(r, LOG_LEVEL_ERROR, "%s while connecting to upstream", why.text);
        return fail_over(r, PROXY_NEXT_ERROR, 502);
    }
    r->step = STEP_SEND;
    return RC_OK;
}

/* ---- STEP_SEND: the request as the origin gets it ---- */

static void add_path(struct request *r, struct span path, struct buffer *out)
{
    if (r->path_is_plain) {
        buffer_add(out, path);
        return;
    }
    if (out->size - out->len < 3 * path.len) {
        out->full = true;
        return;
    }
    out->len += uri_escape(path, URI_ESCAPE_PATH, (char *)out->at + out->len);
}

/* Blanks and control bytes of a URL that variables made must not end the request line. */
static void add_evaluated(struct span uri, struct buffer *out)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < uri.len; i++) {
        uint8_t c = uri.at[i];

        if (c > 0x20 && c != 0x7f) {
            buffer_add_byte(out, c);
        } else {
            buffer_add_byte(out, '%');
            buffer_add_byte(out, (uint8_t)hex[c >> 4]);
            buffer_add_byte(out, (uint8_t)hex[c & 15]);
        }
    }
}

static void add_target(struct request *r, struct buffer *out)
{
    const struct proxy_pass *pass = pass_of(r);
    struct span path = r->path;

    if (r->pass.is_set && pass->has_uri) {
        add_evaluated(pass->uri, out);
        return;
    }
    if (!pass->has_uri && r->redirects == 0) {
        struct span raw = h1_request_path(&r->head);

        if (raw.len == 0 || raw.at[0] == '?')
            buffer_add_byte(out, '/');
        buffer_add(out, raw);
        return;
    }
    if (pass->has_uri) {
        buffer_add(out, pass->uri);
        span_cut(&path, r->location->pattern.text.len);
    }
    add_path(r, path, out);
    if (r->args.len > 0) {
        buffer_add_byte(out, '?');
        buffer_add(out, r->args);
    }
}

/* proxy_set_header, but never what would frame the body otherwise than we do. */
static void add_set_header(struct request *r, const struct proxy_header *header,
                           struct buffer *out)
{
    size_t before = out->len, value;

    if (header->id == FIELD_CONTENT_LENGTH || header->id == FIELD_TRANSFER_ENCODING)
        return;
    buffer_add(out, header->name);
    buffer_add(out, SPAN(": "));
    value = out->len;
    template_write(&header->value, r, out);
    if (out->len == value) {
        out->len = before;
        return;
    }
    for (size_t i = value; i < out->len; i++) /* a variable may hold decoded bytes */
        if (out->at[i] == '\r' || out->at[i] == '\n' || out->at[i] == '\0')
            out->at[i] = ' ';
    if (header->id == FIELD_UPGRADE)
        r->upgrade_sent = true;
    buffer_add(out, SPAN("\r\n"));
}

static void add_own_fields(struct request *r, struct buffer *out)
{
    const struct proxy_settings *p = proxy_of(r);
    const struct filter *filter = &r->location->filter;
    bool websocket = p->websocket && r->head.wants_upgrade;

    if (!filter_sets(filter, FIELD_HOST)) {
        buffer_add(out, SPAN("Host: "));
        buffer_add(out, pass_of(r)->host);
        buffer_add(out, SPAN("\r\n"));
    }
    if (websocket) {
        const struct field *upgrade = head_find(&r->head.head, FIELD_UPGRADE);

        buffer_add(out, SPAN("Upgrade: "));
        buffer_add(out, field_value(&r->head.head, upgrade));
        buffer_add(out, SPAN("\r\nConnection: upgrade\r\n"));
        r->upgrade_sent = true;
    } else if (p->http_version < 11 && !filter_sets(filter, FIELD_CONNECTION)) {
        buffer_add(out, SPAN("Connection: close\r\n"));
    }
    for (size_t i = 0; i < p->headers_count; i++)
        add_set_header(r, &p->headers[i], out);
    if (r->up.framing == FRAMING_CHUNKED) {
        buffer_add(out, SPAN("Transfer-Encoding: chunked\r\n"));
    } else if (r->head.has_length) {
        buffer_add(out, SPAN("Content-Length: "));
        buffer_add_number(out, p->pass_request_body ? r->head.length : 0);
        buffer_add(out, SPAN("\r\n"));
    }
}

static void write_request(struct request *r, struct buffer *out)
{
    const struct head *head = &r->head.head;
    const struct filter *filter = &r->location->filter;
    bool nominates = r->head.has_nominated && filter_nominates(head);

    buffer_add(out, h1_request_method(&r->head));
    buffer_add_byte(out, ' ');
    add_target(r, out);
    buffer_add(out, proxy_of(r)->http_version < 11 ? SPAN(" HTTP/1.0\r\n") : SPAN(" HTTP/1.1\r\n"));
    add_own_fields(r, out);
    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];

        if (filter_request_drops(filter, head, field, nominates))
            continue;
        buffer_add(out, field_name(head, field));
        buffer_add(out, SPAN(": "));
        buffer_add(out, field_value(head, field));
        buffer_add(out, SPAN("\r\n"));
    }
    buffer_add(out, SPAN("\r\n"));
}

/*
 * Sends body from `in` on to the origin, behind `first` where that has a length.
 * RC_OK; RC_END: the origin takes no more; RC_FORMAT, RC_LIMIT: the client's fault
 */
static enum rc send_body_up(struct request *r, struct iovec first, struct span in)
{
    do {
        struct iovec pieces[1 + BODY_WRAPPED + 3];
        struct body_cut cut = {0};
        char line[BODY_LINE];
        int n = 1;
        enum rc rc = body_take(&r->up, &in, &cut, NULL);

        if (rc != RC_OK && rc != RC_END)
            return rc;
        if (!request_body_fits(r, cut.total))
            return RC_LIMIT;
        pieces[0] = first;
        first.iov_len = 0;
        if (!proxy_of(r)->pass_request_body)
            cut.count = 0;
        if (r->up.framing == FRAMING_CHUNKED) {
            n += body_wrap(&cut, r->up.done, (struct span){0}, line, pieces + 1);
        } else {
            memcpy(pieces + 1, cut.pieces, (size_t)cut.count * sizeof *pieces);
            n += cut.count;
        }
        rc = request_send_up(r, pieces, n);
        if (rc == RC_MEMORY)
            return rc;
        if (rc != RC_OK && rc != RC_AGAIN) {
            r->up_failed = true;
            request_drop_up(r);
            return RC_END;
        }
    } while (in.len > 0 && !r->up.done);
    return request_unread(r, in);
}

/* What went wrong with the client's body decides the answer. */
static enum rc refuse_body(struct request *r, enum rc rc)
{
    r->keep_alive = false;
    if (r->head_sent || rc == RC_MEMORY)
        return rc;
    request_log(r, LOG_LEVEL_INFO, rc == RC_LIMIT ? "client intended to send too large body"
                                                  : "client sent invalid chunked body");
    r->up.done = true;
    r->used = r->got;
    return request_answer_status(r, rc == RC_LIMIT ? 413 : 400);
}

enum rc request_forward(struct request *r)
{
    struct buffer head = buffer_over(r->service->out, SCRATCH_OUT);
    struct span in = {0};
    enum rc rc;

    last_try(r)->connected_ms = now_ms(r);
    write_request(r, &head);
    if (head.full) {
        request_log(r, LOG_LEVEL_ERROR, "the request's head is too large for its origin");
        return request_answer_status(r, 500);
    }
    r->request_sent = true;
    r->step = STEP_RECEIVE;
    if (!r->up.done && r->used < r->got && (rc = request_read_body(r, &in)) != RC_OK)
        return rc;
    if (r->up.done) {
        struct iovec piece = {head.at, head.len};

        rc = request_send_up(r, &piece, 1);
        if (rc == RC_IO)
            r->up_failed = true;
        return rc == RC_MEMORY ? rc : RC_OK;
    }
    rc = send_body_up(r, (struct iovec){head.at, head.len}, in);
    return rc == RC_OK || rc == RC_END ? RC_OK : refuse_body(r, rc);
}

/*
 * The request's body, as far as client and origin let it. RC_OK: nothing is left to do; RC_AGAIN: it waits for
 * one of them (r->to_origin is empty: for the client); RC_IO: the client has gone.
 */
static enum rc pump_up(struct request *r)
{
    for (;;) {
        struct span in;
        enum rc rc;

        if (r->up_failed)
            return RC_OK;
        rc = request_flush_up(r);
        if (rc == RC_AGAIN)
            return rc;
        if (rc != RC_OK) {
            r->up_failed = true;
            request_drop_up(r);
            return RC_OK;
        }
        if (r->up.done)
            return RC_OK;
        rc = request_read_body(r, &in);
        if (rc == RC_AGAIN || rc == RC_MEMORY)
            return rc;
        if (rc != RC_OK)
            return RC_IO;
        rc = send_body_up(r, (struct iovec){0}, in);
        if (rc == RC_END)
            return RC_OK;
        if (rc != RC_OK)
            return rc;
    }
}

/* ---- STEP_RECEIVE: the head of the answer ---- */

static enum rc read_origin(struct request *r, void *at, size_t size, size_t *got)
{
    struct origin *origin = r->origin;
    enum rc rc;

    *got = 0;
    while (*got < size) {
        size_t more = 0;

        if (!origin->readable)
            break;
        rc = stream_read(&origin->stream, (uint8_t *)at + *got, size - *got, &more);
        if (rc == RC_AGAIN)
            origin->readable = false;
        if (rc != RC_OK) {
            if (*got > 0)
                break; /* told again by the next call */
            return rc;
        }
        *got += more;
        last_try(r)->received += more;
        if (stream_is_plain(&origin->stream)) { /* TLS gives one record at a time */
            if (*got < size && !origin->hangup)
                origin->readable = false;
            break;
        }
    }
    return *got > 0 ? RC_OK : RC_AGAIN;
}

/* Waits, in RECEIVE and RELAY, for whoever is next to do something. */
static enum rc wait_for_both(struct request *r, enum rc up)
{
    const struct settings *s = request_settings(r);
    bool from_client = up == RC_AGAIN && r->to_origin.begin == r->to_origin.end;

    request_wait(r, from_client ? s->http.client_body_timeout_ms : 0,
                 up == RC_AGAIN ? (from_client ? 0 : s->proxy.send_timeout_ms)
                                : s->proxy.read_timeout_ms);
    return RC_AGAIN;
}

/* The head did not come whole: what there is of it is kept, and the rest is read behind it. */
static enum rc keep_head(struct request *r, const uint8_t *at, size_t len, size_t most)
{
    if (!r->answer_bytes && !(r->answer_bytes = malloc(most)))
        return RC_MEMORY;
    if (at != r->answer_bytes)
        memmove(r->answer_bytes, at, len);
    r->answer_got = len;
    return RC_OK;
}

static size_t answer_head_max(const struct request *r)
{
    uint64_t set = proxy_of(r)->buffer_size;

    return set > ANSWER_HEAD_MIN && set < SCRATCH_IN ? (size_t)set : ANSWER_HEAD_MIN;
}

static enum rc begin_answer(struct request *r, struct span rest);

/* RC_OK: the head is complete and dealt with; RC_AGAIN: more is needed. */
static enum rc parse_answer(struct request *r, const uint8_t *at, size_t len)
{
    size_t most = answer_head_max(r);

    for (;;) {
        struct fault why = {0};
        enum rc rc = h1_response_parse(&r->answer, at, len, r->is_head, false, (uint32_t)most,
                                       ANSWER_FIELDS_MAX, &why);

        if (rc == RC_MEMORY && request_more_answer_fields(r) == RC_OK)
            continue;
        if (rc == RC_AGAIN && len < most)
            return keep_head(r, at, len, most) == RC_OK ? RC_AGAIN : RC_MEMORY;
        if (rc == RC_AGAIN || rc == RC_LIMIT) {
            request_log(r, LOG_LEVEL_ERROR, "upstream sent too big header while reading response "
                                            "header from upstream");
            return fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
        }
        if (rc == RC_MEMORY)
            return rc;
        if (rc != RC_OK) {
            request_log(r, LOG_LEVEL_ERROR, "upstream sent invalid header: %s", why.text);
            return fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
        }
        if (r->answer.code >= 200 || r->answer.code == 101)
            break;
        at += r->answer.head.len; /* an interim answer, such as 100 or 103 */
        len -= r->answer.head.len;
        if (len == 0) {
            r->answer_got = 0;
            return RC_AGAIN;
        }
    }
    return begin_answer(r, span_of(at + r->answer.head.len, len - r->answer.head.len));
}

enum rc request_receive(struct request *r)
{
    enum rc up = pump_up(r);

    if (up == RC_IO)
        return abandon(r);
    if (up != RC_OK && up != RC_AGAIN)
        return refuse_body(r, up);
    for (;;) {
        uint8_t *at = r->answer_bytes ? r->answer_bytes : r->service->in;
        size_t size = r->answer_bytes ? answer_head_max(r) : SCRATCH_IN, got = 0;
        enum rc rc;

        if (r->origin_timed_out)
            return fail_timeout(r, r->to_origin.begin < r->to_origin.end
                                       ? "sending request to upstream"
                                       : "reading response header from upstream");
        rc = read_origin(r, at + r->answer_got, size - r->answer_got, &got);
        if (rc == RC_AGAIN) {
            if (is_abandoned(r))
                return abandon(r);
            return r->up_failed && r->origin->hangup
                       ? fail_error(r, "writev() failed while sending request to upstream")
                       : wait_for_both(r, up);
        }
        if (rc == RC_END)
            return fail_error(r, "upstream prematurely closed connection while reading response "
                                 "header from upstream");
        if (rc != RC_OK)
            return fail_error(r, "recv() failed while reading response header from upstream");
        if ((rc = parse_answer(r, at, r->answer_got + got)) != RC_AGAIN)
            return rc;
    }
}

/* ---- STEP_RELAY: the answer as the client gets it ---- */

static unsigned next_of_status(unsigned code)
{
    switch (code) {
    case 500:
        return PROXY_NEXT_500;
    case 502:
        return PROXY_NEXT_502;
    case 503:
        return PROXY_NEXT_503;
    case 504:
        return PROXY_NEXT_504;
    case 403:
        return PROXY_NEXT_403;
    case 404:
        return PROXY_NEXT_404;
    case 429:
        return PROXY_NEXT_429;
    default:
        return 0;
    }
}

static struct span answer_value(const struct request *r, enum field_id id)
{
    const struct field *field = head_find(&r->answer.head, id);

    return field ? field_value(&r->answer.head, field) : (struct span){0};
}

/* Location or Refresh, as proxy_redirect has it; the value itself where nothing fits. */
static struct span rewrite(struct request *r, struct span value,
                           bool (*how)(const struct filter *, struct span, void *,
                                       struct buffer *))
{
    size_t size = value.len + 4096;
    struct buffer to, absolute;
    struct redirect_base base = {
        .absolute = request_settings(r)->respond.absolute_redirect,
        .tls = r->client->listener->tls,
        .host = r->host,
        .port = request_settings(r)->respond.port_in_redirect
                    ? address_port(&r->client->listener->address)
                    : 0,
    };

    if (value.len == 0)
        return value;
    to = buffer_over(request_memory(r, size), size);
    if (!to.at || !how(&r->location->filter, value, r, &to) || to.full)
        return value;
    size = to.len + base.host.len + 32;
    absolute = buffer_over(request_memory(r, size), size);
    if (!absolute.at || how != filter_location)
        return buffer_span(&to);
    redirect_write(&base, buffer_span(&to), &absolute);
    return buffer_span(&absolute);
}

/* Fields that request_write_head has written, each in its place. */
static bool is_placed(enum field_id id)
{
    return id == FIELD_CONTENT_TYPE || id == FIELD_LAST_MODIFIED || id == FIELD_LOCATION ||
           id == FIELD_SERVER || id == FIELD_DATE;
}

static void add_answer_fields(struct request *r, struct buffer *out)
{
    const struct head *head = &r->answer.head;
    const struct filter *filter = &r->location->filter;
    bool nominates = r->answer.code != 101 && filter_nominates(head);

    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];
        struct span value = field_value(head, field);

        if (is_placed(field->id) && i + 1 == head->first[field->id])
            continue;
        if (filter_response_drops(filter, head, field, nominates) &&
            !(r->answer.code == 101 && field->id == FIELD_UPGRADE))
            continue;
        if (field->id == FIELD_REFRESH)
            value = rewrite(r, value, filter_refresh);
        buffer_add(out, field_name(head, field));
        buffer_add(out, SPAN(": "));
        buffer_add(out, value);
        buffer_add(out, SPAN("\r\n"));
    }
}

static bool keeps(const struct request *r, enum field_id id)
{
    return filter_passes(&r->location->filter, id);
}

/* How the body goes to the client, which decides whether its connection can serve another request. */
static void plan_body(struct request *r)
{
    const struct h1_response *a = &r->answer;
    bool unknown = a->framing == FRAMING_CHUNKED || a->framing == FRAMING_CLOSE;

    r->down_chunked = unknown && r->head.version >= 11 &&
                      request_settings(r)->http.chunked_transfer_encoding;
    if (unknown && !r->down_chunked)
        r->keep_alive = false;
    if (r->continue_due && !r->up.done)
        r->keep_alive = false; /* the client may send the body it was not asked for, or not */
    r->down = body_begin((enum framing)a->framing, a->length);
}

static void write_answer(struct request *r, struct buffer *out)
{
    const struct h1_response *a = &r->answer;
    struct reply reply = {
        .code = a->code,
        .status = h1_response_status(a),
        .server = keeps(r, FIELD_SERVER) ? answer_value(r, FIELD_SERVER) : (struct span){0},
        .date = keeps(r, FIELD_DATE) ? answer_value(r, FIELD_DATE) : (struct span){0},
        .content_type = answer_value(r, FIELD_CONTENT_TYPE),
        .has_length = a->has_length && !r->down_chunked,
        .length = a->length,
        .last_modified = answer_value(r, FIELD_LAST_MODIFIED),
        .location = rewrite(r, answer_value(r, FIELD_LOCATION), filter_location),
        .chunked = r->down_chunked,
    };

    request_write_head(r, &reply, out);
    add_answer_fields(r, out);
    buffer_add(out, SPAN("\r\n"));
}

/* Sends what `in` has of the answer's body, behind `first` where that has a length. */
static enum rc send_body_down(struct request *r, struct iovec first, struct span in)
{
    bool with_trailer = proxy_of(r)->pass_trailers && r->down_chunked;

    do {
        struct iovec pieces[1 + BODY_WRAPPED + 3];
        struct body_cut cut = {0};
        char line[BODY_LINE];
        int n = 1;
        enum rc rc = body_take(&r->down, &in, &cut, with_trailer ? &r->trailer : NULL);

        if (rc != RC_OK && rc != RC_END) {
            request_log(r, LOG_LEVEL_ERROR, "upstream sent invalid chunked response");
            return RC_FORMAT;
        }
        pieces[0] = first;
        first.iov_len = 0;
        if (r->down_chunked) {
            struct buffer trailer = buffer_over(r->service->out + SCRATCH_OUT - REQUEST_TRAILER,
                                                REQUEST_TRAILER);

            if (r->down.done && r->trailer.len > 0 && !r->trailer.full)
                body_filter_trailer(buffer_span(&r->trailer), &trailer);
            n += body_wrap(&cut, r->down.done, buffer_span(&trailer), line, pieces + 1);
        } else {
            memcpy(pieces + 1, cut.pieces, (size_t)cut.count * sizeof *pieces);
            n += cut.count;
        }
        r->body_sent += cut.total;
        rc = request_send(r, pieces, n);
        if (rc != RC_OK && rc != RC_AGAIN)
            return rc;
    } while (in.len > 0 && !r->down.done);
    if (in.len > 0) {
        r->origin_extra = true;
        request_log(r, LOG_LEVEL_WARN, "upstream sent more data than specified");
    }
    return RC_OK;
}

static enum rc begin_tunnel(struct request *r, struct iovec head, struct span rest)
{
    struct iovec pieces[2] = {head, {(void *)(uintptr_t)rest.at, rest.len}};
    enum rc rc = request_send(r, pieces, 2);

    if (rc != RC_OK && rc != RC_AGAIN)
        return rc;
    r->keep_alive = false;
    r->step = STEP_TUNNEL;
    return RC_OK;
}

/* The head of the answer is here, and `rest` behind it. */
static enum rc begin_answer(struct request *r, struct span rest)
{
    unsigned next = next_of_status(r->answer.code);
    struct buffer head = buffer_over(r->service->out, SCRATCH_OUT - REQUEST_TRAILER);
    struct span copy;

    last_try(r)->header_ms = now_ms(r);
    last_try(r)->status = r->answer.code;
    if (next && may_try_again(r, next))
        return fail_over(r, next, r->answer.code);
    if (r->answer.code == 101 && !r->upgrade_sent) {
        request_log(r, LOG_LEVEL_ERROR, "upstream switched protocols without being asked");
        return fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
    }
    copy = arena_copy(&r->arena, span_of(r->answer.head.at, r->answer.head.len));
    if (!copy.at)
        return RC_MEMORY;
    r->answer.head.at = copy.at;
    if (proxy_of(r)->pass_trailers && r->answer.framing == FRAMING_CHUNKED) {
        r->trailer = buffer_over(request_memory(r, REQUEST_TRAILER), REQUEST_TRAILER);
        if (!r->trailer.at)
            return RC_MEMORY;
    }
    plan_body(r);
    write_answer(r, &head);
    if (head.full) {
        request_log(r, LOG_LEVEL_ERROR, "the head of the answer is too large");
        return fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
    }
    if (r->head.version == 9)
        head.len = 0;
    if (r->answer.code == 101)
        return begin_tunnel(r, (struct iovec){head.at, head.len}, rest);
    r->step = STEP_RELAY;
    return send_body_down(r, (struct iovec){head.at, head.len}, rest);
}

/* The origin's connection has ended. */
static enum rc end_of_origin(struct request *r, enum rc rc)
{
    struct iovec pieces[BODY_WRAPPED + 3];
    struct body_cut none = {0};
    char line[BODY_LINE];

    if (rc != RC_END || r->down.framing != FRAMING_CLOSE) {
        request_log(r, LOG_LEVEL_ERROR, "upstream prematurely closed connection while reading "
                                        "upstream");
        request_leave_origin(r, true);
        return RC_IO;
    }
    r->down.done = true;
    if (!r->down_chunked)
        return RC_OK;
    rc = request_send(r, pieces, body_wrap(&none, true, (struct span){0}, line, pieces));
    return rc == RC_AGAIN ? RC_OK : rc;
}

enum rc request_relay(struct request *r)
{
    for (;;) {
        enum rc up = RC_OK, rc;
        size_t got = 0;

        if (r->origin && (up = pump_up(r)) != RC_OK && up != RC_AGAIN)
            return up == RC_IO ? abandon(r) : up;
        if (r->down.done && r->origin)
            request_leave_origin(r, false);
        rc = request_flush(r);
        if (rc == RC_AGAIN) {
            request_wait(r, request_settings(r)->http.send_timeout_ms, 0);
            return rc;
        }
        if (rc != RC_OK)
            return rc;
        if (r->down.done) {
            r->step = STEP_DRAIN;
            return RC_OK;
        }
        if (r->origin_timed_out) {
            request_log(r, LOG_LEVEL_ERROR, "upstream timed out (110: Connection timed out) while "
                                            "reading upstream");
            request_leave_origin(r, true);
            return RC_IO;
        }
        rc = read_origin(r, r->service->in, SCRATCH_IN, &got);
        if (rc == RC_AGAIN)
            return is_abandoned(r) ? abandon(r) : wait_for_both(r, up);
        rc = rc == RC_OK ? send_body_down(r, (struct iovec){0}, span_of(r->service->in, got))
                         : end_of_origin(r, rc);
        if (rc != RC_OK)
            return rc;
    }
}

/* ---- STEP_TUNNEL ---- */

/* RC_OK: the other side of this direction has ended, and all it said is through. */
static enum rc tunnel_to_client(struct request *r)
{
    for (;;) {
        struct iovec piece = {r->service->in, 0};
        enum rc rc = request_flush(r);

        if (rc == RC_OK)
            rc = read_origin(r, r->service->in, SCRATCH_IN, &piece.iov_len);
        if (rc == RC_AGAIN)
            return rc;
        if (rc != RC_OK)
            return RC_OK;
        r->body_sent += piece.iov_len;
        rc = request_send(r, &piece, 1);
        if (rc != RC_OK && rc != RC_AGAIN)
            return RC_OK;
    }
}

static enum rc tunnel_to_origin(struct request *r)
{
    for (;;) {
        struct iovec piece = {r->service->in, 0};
        enum rc rc = request_flush_up(r);

        if (rc == RC_OK && r->used < r->got) {
            piece = (struct iovec){r->bytes + r->used, r->got - r->used};
            r->used = r->got;
        } else if (rc == RC_OK) {
            rc = client_read(r->client, r->service->in, SCRATCH_IN, &piece.iov_len);
        }
        if (rc == RC_AGAIN)
            return rc;
        if (rc != RC_OK)
            return RC_OK;
        rc = request_send_up(r, &piece, 1);
        if (rc != RC_OK && rc != RC_AGAIN)
            return RC_OK;
    }
}

enum rc request_tunnel(struct request *r)
{
    enum rc down = tunnel_to_client(r), up = tunnel_to_origin(r);

    if (down == RC_AGAIN && up == RC_AGAIN && !r->origin_timed_out) {
        request_wait(r, 0, proxy_of(r)->read_timeout_ms);
        return RC_AGAIN;
    }
    request_leave_origin(r, false);
    r->up.done = true;
    r->step = STEP_DONE;
    return RC_OK;
}
