/* Which origin is asked, how it is reached, and what happens when it fails. */
#include <stdlib.h>
#include <string.h>

#include "gate/request_proxy.h"
#include "gate/respond/status.h"
#include "gate/upstream/authority.h"
#include "gate/upstream/server_place.h"
#include "io/socket.h"

/* ---- leaving an origin, and trying the next ---- */

static enum balance_outcome outcome_of(unsigned kind)
{
    switch (kind) {
    case PROXY_NEXT_ERROR:
        return BALANCE_ERROR;
    case PROXY_NEXT_TIMEOUT:
        return BALANCE_TIMEOUT;
    case PROXY_NEXT_INVALID_HEADER:
        return BALANCE_INVALID;
    default:
        return BALANCE_UNWANTED;
    }
}

/* Tells the balancer what came of it. */
static void leave_peer(struct request *r, bool failed)
{
    const struct try *try = last_try(r);
    const struct balance_result result = {
        .failed = failed,
        .outcome = failed && r->outcome == BALANCE_DONE ? BALANCE_ERROR : r->outcome,
        .status = try->status,
        .began_ms = try->began_ms,
        .header_ms = try->header_ms,
        .ended_ms = now_ms(r),
        .sent = try->sent,
        .received = try->received,
    };

    switch (balance_free(r->peers, r->peer, &result, now_ms(r))) {
    case BALANCE_NO_NEWS:
        break;
    case BALANCE_DISABLED:
        request_log(r, LOG_LEVEL_WARN, "upstream server temporarily disabled");
        break;
    case BALANCE_EJECTED:
        request_log(r, LOG_LEVEL_WARN, "upstream server is left alone for a while: %s",
                    outlier_why_name(r->peers->all[r->peer].outlier.why));
        break;
    }
    r->peer = BALANCE_NONE;
    r->outcome = BALANCE_DONE;
}

void request_leave_origin(struct request *r, bool failed)
{
    struct origin *origin = r->origin;

    if (origin) {
        bool reusable = !failed && r->down.done && r->answer.keep_alive &&
                        request_is_sent(r) && !r->up_failed && !r->origin_extra &&
                        r->step != STEP_TUNNEL && spill_is_empty(&r->to_origin) &&
                        !r->origin_timed_out;

        r->origin = NULL;
        last_try(r)->ended_ms = now_ms(r);
        if (reusable)
            origins_give(origin);
        else
            origin_close(origin);
    }
    request_drop_up(r);
    request_leave_queue(r, false);
    if (r->peer != BALANCE_NONE)
        leave_peer(r, failed);
}

bool request_is_for_once(const struct request *r, struct span method)
{
    static const struct span again[] = {
        SPAN("GET"),      SPAN("HEAD"),      SPAN("PUT"),    SPAN("DELETE"), SPAN("OPTIONS"),
        SPAN("TRACE"),    SPAN("CONNECT"),   SPAN("MKCOL"),  SPAN("COPY"),   SPAN("MOVE"),
        SPAN("PROPFIND"), SPAN("PROPPATCH"), SPAN("UNLOCK"), SPAN("SEARCH"), SPAN("REPORT")};

    if (r->service->site->strict) /* nginx's rule */
        return span_equal(method, SPAN("POST")) || span_equal(method, SPAN("LOCK")) ||
               span_equal(method, SPAN("PATCH"));
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (span_equal(method, again[i]))
            return false;
    return true;
}

/* What was sent decides, or, before that, what the client asks for. */
static bool is_idempotent(const struct request *r)
{
    return r->request_sent
               ? !r->asked_once
               : !proxy_of(r)->has_method && !request_is_for_once(r, request_method(r));
}

bool request_may_be_sent(const struct request *r)
{
    return !r->sent_in_vain || is_idempotent(r) ||
           (proxy_of(r)->next_upstream & PROXY_NEXT_NON_IDEMPOTENT);
}

/* Of a group its servers, of a name that variables made its addresses. */
static size_t tries_there_are(const struct request *r)
{
    if (r->peers)
        return r->peers->count;
    return r->goes_out ? 0 : r->tries_count - r->tries_before + r->others_count;
}

bool request_may_try_again(const struct request *r, unsigned kind)
{
    const struct proxy_settings *p = proxy_of(r);
    const unsigned tries = r->tries_count - r->tries_before;

    return (p->next_upstream & kind) && (!r->head_sent || r->slice.goes_on) &&
           !r->up_unretained && tries < tries_there_are(r) &&
           (p->next_upstream_tries == 0 || tries < p->next_upstream_tries) &&
           (p->next_upstream_timeout_ms == 0 ||
            now_ms(r) - r->first_try_ms < p->next_upstream_timeout_ms) &&
           (is_idempotent(r) || !r->request_sent ||
            (p->next_upstream & PROXY_NEXT_NON_IDEMPOTENT));
}

/* The request is to be sent again, from its beginning. */
static void rewind_request(struct request *r)
{
    if (!r->is_kept) {
        r->up = request_body(r);
        r->used = r->head.head.len;
        r->up_total = 0;
    }
    r->up_failed = r->origin_timed_out = r->origin_extra = r->request_sent = false;
    r->upgrade_sent = r->answer_is_whole = false;
    r->down = (struct body){0};
    free(r->answer_bytes);
    r->answer_bytes = NULL;
    r->answer_got = 0;
}

void request_forget_origin(struct request *r)
{
    struct field *fields = r->answer.head.fields;
    uint32_t capacity = r->answer.head.capacity;

    request_leave_origin(r, false);
    r->tries_before = r->tries_count;
    if (r->request_sent && r->asked_once && !r->answer_is_whole && !r->service->site->strict)
        r->sent_in_vain = r->error_status;
    r->unforwardable = r->unforwardable || r->up_unretained;
    if (r->request_sent && !r->unforwardable) {
        bool whole = r->answer_is_whole;

        rewind_request(r);
        r->answer_is_whole = whole;
    }
    if (!r->answer_is_whole) /* else $upstream_http_... may be asked for */
        r->answer = (struct h1_response){.head = {.fields = fields, .capacity = capacity}};
    r->slice = (struct slice){0};
    r->window = (struct window){0};
    r->pass = (struct proxy_pass){0};
    r->target = (struct origin_target){0};
    r->peers = NULL;
    r->choice.tried = NULL;
    r->down = (struct body){0};
    r->trailer = (struct buffer){0};
    r->upgrade_sent = r->request_sent = r->origin_timed_out = r->up_failed = false;
}

void request_ask_again(struct request *r)
{
    request_leave_origin(r, false);
    r->tries_before = r->tries_count;
    rewind_request(r);
    r->choice.tried = NULL;
    r->step = STEP_CHOOSE;
}

/* The budget is the last thing to be asked, since that takes from it. */
bool request_takes_retry(struct request *r, unsigned kind)
{
    if (!request_may_try_again(r, kind))
        return false;
    if (!r->peers)
        return request_take_address(r);
    if (balance_may_retry(r->peers, now_ms(r)))
        return true;
    request_log(r, LOG_LEVEL_WARN, "the retry budget of upstream \"%.*s\" is used up",
                SPAN_ARG(r->target.upstream->name));
    return false;
}

static void leave_failed(struct request *r, unsigned kind)
{
    r->outcome = outcome_of(kind);
    request_leave_origin(r, kind != PROXY_NEXT_403 && kind != PROXY_NEXT_404);
}

enum rc request_retry(struct request *r, unsigned kind)
{
    leave_failed(r, kind);
    rewind_request(r);
    r->step = STEP_CHOOSE;
    return RC_OK;
}

enum rc request_fail_over(struct request *r, unsigned kind, unsigned status)
{
    last_try(r)->shown = status;
    if (request_goes_elsewhere(r, kind) || request_takes_retry(r, kind))
        return request_retry(r, kind);
    leave_failed(r, kind);
    if (r->head_sent)
        return RC_IO;
    if (!r->up.done)
        r->keep_alive = false;
    return request_answer_status(r, status);
}

static enum rc open_origin(struct request *r);

/* A connection that had been idle broke before it said anything: the same address, anew, costs no try. */
enum rc request_fail_error(struct request *r, const char *what)
{
    bool replayable = !r->up_unretained && (is_idempotent(r) || !r->request_sent);

    if (r->origin_reused && !r->answer_got && (!r->head_sent || r->slice.goes_on) &&
        replayable) {
        origin_close(r->origin);
        r->origin = NULL;
        request_drop_up(r);
        rewind_request(r);
        return open_origin(r);
    }
    request_log(r, LOG_LEVEL_ERROR, "%s", what);
    return request_fail_over(r, PROXY_NEXT_ERROR, 502);
}

enum rc request_fail_timeout(struct request *r, const char *doing)
{
    request_log(r, LOG_LEVEL_ERROR, "upstream timed out (110: Connection timed out) while %s",
                doing);
    return request_fail_over(r, PROXY_NEXT_TIMEOUT, 504);
}

enum rc request_abandon(struct request *r)
{
    request_log(r, LOG_LEVEL_INFO, "client prematurely closed connection");
    r->outcome = BALANCE_LEFT;
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
    enum rc rc = origin_open(&origin, r->service->origins, &r->target, &why);

    if (rc != RC_OK)
        request_log(r, LOG_LEVEL_ERROR, "%s while connecting to upstream", why.text);
    if (rc == RC_MEMORY) { /* no server is to blame, and none would help */
        r->outcome = BALANCE_LEFT;
        return r->head_sent ? RC_IO : request_answer_status(r, 500);
    }
    if (rc != RC_OK)
        return request_fail_over(r, PROXY_NEXT_ERROR, 502);
    attach(r, origin, false);
    request_wait(r, 0,
                 r->goes_out ? request_settings(r)->forward.connect_timeout_ms
                             : proxy_of(r)->connect_timeout_ms);
    return RC_OK;
}

/* "backend", "10.0.0.1:81", "[::1]" of a proxy_pass that variables made. */
static enum rc find_dynamic(struct request *r, struct span authority)
{
    const struct site *site = r->service->site;
    struct buffer with_port =
        buffer_over(request_memory(r, authority.len + 8), authority.len + 8);

    for (size_t i = 0; i < site->upstreams_count; i++) {
        if (!site->upstreams[i]->implicit &&
            span_equal_nocase(site->upstreams[i]->name, authority)) {
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

/* A variable may hold decoded bytes, and this becomes a field. */
static bool has_controls(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= 0x20 || s.at[i] == 0x7f)
            return true;
    return false;
}

static enum rc look_up_dynamic(struct request *r, struct span authority)
{
    struct authority parts;
    const char *wrong = authority_parse(authority, &parts);
    uint16_t usual = r->pass.tls ? 443 : 80;

    if (!wrong)
        return request_look_up(r, parts.host, parts.port ? parts.port : usual);
    request_log(r, LOG_LEVEL_ERROR, "%s in upstream \"%.*s\"", wrong, SPAN_ARG(authority));
    return request_answer_status(r, 500);
}

/* Up to the path, or to arguments without one. */
static size_t authority_length(struct span text)
{
    size_t path = span_find(text, '/'), args = span_find(text, '?');

    return path < args ? path : args;
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
    r->others_count = 0;
    if (span_starts(text, SPAN("https://"))) {
        r->pass.tls = true;
        span_cut(&text, 8);
    } else if (span_starts(text, SPAN("http://"))) {
        span_cut(&text, 7);
    } else {
        request_log(r, LOG_LEVEL_ERROR, "invalid URL prefix in \"%.*s\"", SPAN_ARG(text));
        return request_answer_status(r, 500);
    }
    authority = span_cut(&text, authority_length(text));
    if (authority.len == 0) {
        request_log(r, LOG_LEVEL_ERROR, "no host in upstream of \"proxy_pass\"");
        return request_answer_status(r, 500);
    }
    if (text.len > 0 && text.at[0] == '?') {
        text = span_text(arena_printf(&r->arena, "/%.*s", SPAN_ARG(text)));
        if (!text.at)
            return RC_MEMORY;
    }
    if (has_controls(authority)) {
        request_log(r, LOG_LEVEL_ERROR, "invalid host in upstream of \"proxy_pass\"");
        return request_answer_status(r, 500);
    }
    r->pass.host = authority;
    r->pass.uri = text;
    r->pass.has_uri = text.len > 0;
    rc = find_dynamic(r, authority);
    if (rc == RC_OK || rc == RC_MEMORY)
        return rc;
    if (request_settings(r)->resolver.is_set)
        return look_up_dynamic(r, authority);
    request_log(r, LOG_LEVEL_ERROR, "no resolver defined to resolve %.*s",
                SPAN_ARG(authority));
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

static struct span hashed_address(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return span_of(&address->v4.sin_addr, 3);
    return address->any.sa_family == AF_INET6 ? span_of(&address->v6.sin6_addr, 16)
                                              : SPAN("\0\0\0");
}

/* What the upstream's method makes its choice of. */
static enum rc find_balance_key(struct request *r, const struct upstream_settings *upstream)
{
    struct buffer text = buffer_over(r->service->in, SCRATCH_IN);
    struct address address;
    struct span key = {0};

    if (r->peers->balance->key == BALANCE_KEY_TEXT) {
        template_write(&upstream->balance_key, r, &text);
        key = buffer_span(&text);
    } else if (r->peers->balance->key == BALANCE_KEY_ADDRESS) {
        request_address(r, &address);
        key = hashed_address(&address);
    }
    if (key.len == 0)
        return RC_OK;
    r->choice.key = arena_copy(&r->arena, key);
    return text.full || !r->choice.key.at ? RC_MEMORY : RC_OK;
}

/* proxy_bind: where the connection comes from. What variables make of nothing binds nothing. */
static bool set_local(struct request *r)
{
    const struct forward_settings *out = &request_settings(r)->forward;
    struct buffer text = buffer_over(r->service->in, 256);

    r->target.local = (struct address){0};
    if (r->goes_out ? !out->binds : !proxy_of(r)->binds)
        return true;
    template_write(r->goes_out ? &out->bind : &proxy_of(r)->bind, r, &text);
    if (text.len > 0 && address_parse(buffer_span(&text), &r->target.local) != RC_OK &&
        address_from_literal(buffer_span(&text), 0, &r->target.local) != RC_OK) {
        r->target.local = (struct address){0};
        request_log(r, LOG_LEVEL_ERROR, "invalid local address \"%.*s\"",
                    SPAN_ARG(buffer_span(&text)));
    }
    return true;
}

/* proxy_protocol: whose connection it is. */
static bool set_announcement(struct request *r)
{
    struct buffer out;
    struct proxy_protocol said = {0};

    r->target.announcement = (struct span){0};
    if (proxy_of(r)->announce == 0 || r->goes_out)
        return true;
    out = buffer_over(request_memory(r, PROXY_PROTOCOL_WRITTEN), PROXY_PROTOCOL_WRITTEN);
    if (!out.at)
        return false;
    request_address(r, &said.from);
    if (socket_local(r->client->stream.fd, &said.to) != RC_OK)
        said.to = (struct address){0};
    proxy_protocol_write((int)proxy_of(r)->announce, &said, &out);
    r->target.announcement = buffer_span(&out);
    return true;
}

static void set_socket(struct request *r)
{
    const struct forward_settings *out = &request_settings(r)->forward;
    const struct proxy_settings *p = proxy_of(r);

    r->target.socket_keepalive = r->goes_out ? out->socket_keepalive : p->socket_keepalive;
    r->target.socket_rcvbuf = r->goes_out ? out->socket_rcvbuf : p->socket_rcvbuf;
    r->target.socket_sndbuf = r->goes_out ? out->socket_sndbuf : p->socket_sndbuf;
}

enum rc request_begin_choosing(struct request *r)
{
    const struct proxy_pass *pass;
    size_t words = 1;
    enum rc rc;

    r->choice = (struct balance_request){0};
    if (proxy_of(r)->pass.dynamic && !r->pass.is_set &&
        ((rc = evaluate_pass(r)) != RC_OK || r->step != STEP_CHOOSE))
        return rc;
    pass = pass_of(r);
    if (pass->upstream) {
        r->peers = pass->upstream->peers;
        words = BALANCE_WORDS(r->peers->count);
        if ((rc = find_balance_key(r, pass->upstream)) != RC_OK)
            return rc;
        request_find_session(r);
    }
    if (!(r->choice.tried =
              arena_take_array(&r->arena, words ? words : 1, sizeof *r->choice.tried)))
        return RC_MEMORY;
    r->target.upstream = pass->upstream;
    if (pass->upstream && pass->upstream->keepalive_local)
        r->target.owner = proxy_of(r);
    r->target.address = &r->address;
    set_socket(r);
    if (!set_local(r) || !set_announcement(r))
        return RC_MEMORY;
    return pass->tls ? find_tls_name(r) : RC_OK;
}

/* An idle connection that may be used for this request. */
static struct origin *take_idle(struct request *r)
{
    struct origin *origin;

    while ((origin = origins_take(r->service->origins, &r->target))) {
        if (is_idempotent(r) || origin_is_fresh(origin))
            return origin;
        origin_close(
            origin); /* what is not sent twice is not sent into a connection that has ended */
    }
    return NULL;
}

/* What $upstream_addr says of it. */
static struct span name_of_try(struct request *r)
{
    char text[ADDRESS_TEXT];

    if (r->peers)
        return server_place_name(&r->target.upstream->addresses[r->peer]);
    if (r->goes_out)
        return r->pass.host;
    return arena_copy(&r->arena, address_text(&r->address, text, false));
}

enum rc request_choose(struct request *r)
{
    struct origin *origin;
    struct span name;
    enum rc rc;

    if (!r->choice.tried &&
        ((rc = request_begin_choosing(r)) != RC_OK || r->step != STEP_CHOOSE))
        return rc;
    if (r->up.framing == FRAMING_CHUNKED && !r->is_kept && proxy_of(r)->http_version < 11)
        return request_answer_status(r, 411);
    if (r->peers) {
        const struct upstream_settings *upstream = r->target.upstream;

        r->peer = balance_pick(r->peers, now_ms(r), &r->choice);
        if (r->peer == BALANCE_NONE && balance_may_come_free(r->peers, &r->choice) &&
            (rc = request_queue(r)) == RC_AGAIN)
            return rc;
        if (r->peer == BALANCE_NONE) {
            request_log(r, LOG_LEVEL_ERROR, "no live upstreams while connecting to upstream");
            if (r->head_sent)
                return RC_IO;
            r->tries_count++;
            *last_try(r) = (struct try){.name = upstream->name, .shown = 502};
            return request_answer_status(r, 502);
        }
        request_leave_queue(r, false);
        r->target.peer = r->peer;
        r->target.address = server_place_address(&upstream->addresses[r->peer]);
    }
    if (r->goes_out && !request_may_go_out(r))
        return request_answer_status(r, 403);
    name = name_of_try(r);
    if (!name.at)
        return RC_MEMORY;
    if (r->tries_count == r->tries_before)
        r->first_try_ms = now_ms(r);
    r->tries_count++;
    *last_try(r) = (struct try){
        .name = name,
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
        return request_abandon(r);
    if (r->origin_timed_out)
        return request_fail_timeout(r, "connecting to upstream");
    rc = origin_finish_connect(r->origin, &why);
    if (rc == RC_AGAIN)
        return RC_AGAIN;
    if (rc != RC_OK) {
        request_log(r, LOG_LEVEL_ERROR, "%s while connecting to upstream", why.text);
        return request_fail_over(r, PROXY_NEXT_ERROR, 502);
    }
    r->step = STEP_SEND;
    return RC_OK;
}
