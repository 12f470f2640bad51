#include "gate/request_proxy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/conf/regex.h"
#include "gate/http/uri.h"
#include "gate/respond/status.h"
#include "gate/trace.h"
#include "io/socket.h"

/* ---- a request's beginning and end ---- */

static void release(struct request *r);

/* Gives its memory back, but for `surplus`: bytes that came behind it. request_renew before its next use. */
static void drop(struct request *r)
{
    while (r->subs) {
        struct request *sub = r->subs;

        r->subs = sub->next_sub;
        release(sub);
    }
    if (r->parent)
        r->head.head.fields = r->fields; /* they were its parent's */
    if (r->bytes != r->inline_bytes)
        free(r->bytes);
    if (r->head.head.fields != r->fields)
        free(r->head.head.fields);
    if (r->answer.head.fields != r->answer_fields)
        free(r->answer.head.fields);
    free(r->answer_bytes);
    request_leave_limits(r);
    resolver_cancel(&r->lookup);
    timer_clear(&r->pause);
    timer_clear(&r->ahead_timer);
    timer_clear(&r->origin_pause);
    gzip_stream_release(r->gzip, &r->service->spare_gzip);
    transform_close(r->transforms);
    spill_clear(&r->to_client);
    spill_clear(&r->to_origin);
    body_store_clear(&r->store);
    stored_file_clear(&r->stored);
    arena_reset(&r->arena);
}

void request_renew(struct request *r)
{
    struct client *client = r->client;

    memset((char *)r + offsetof(struct request, step), 0,
           offsetof(struct request, arena) - offsetof(struct request, step));
    r->bytes = r->inline_bytes;
    r->size = sizeof r->inline_bytes;
    r->head.head.fields = r->fields;
    r->head.head.capacity = REQUEST_FIELDS;
    r->answer.head.fields = r->answer_fields;
    r->answer.head.capacity = REQUEST_FIELDS;
    r->server = client->server;
    r->location = &client->server->outer;
    r->peer = BALANCE_NONE;
    r->file = -1;
    r->step = STEP_READ_HEAD;
}

void request_close_file(struct request *r)
{
    file_way_close(r->file, r->file_held);
    r->file = -1;
    r->file_held = NULL;
}

static void release(struct request *r)
{
    request_leave_origin(r, false);
    loop_cancel(r->service->loop, &r->turn);
    request_close_file(r);
    spill_clear(&r->surplus);
    drop(r);
    service_give_request(r->service, r);
}

void request_drop(struct request *r)
{
    release(r);
}

void request_begin(struct client *client)
{
    struct request *r = service_take_request(client->service, client);

    if (!r) {
        log_line(LOG_LEVEL_ALERT, "no memory for a request");
        client_close(client);
        return;
    }
    request_renew(r);
    client->request = r;
    client->state = CLIENT_BUSY;
    request_run(r);
}

/* Some of the answer is on its way, but not all. */
static bool is_partial(const struct request *r)
{
    return r->head_sent && (r->step < STEP_TUNNEL || !spill_is_empty(&r->to_client));
}

/* Nothing but the end of the connection says where the answer ends. */
static bool ends_by_close(const struct request *r)
{
    return r->head.version == 9 || (r->step == STEP_ADD && !r->down_chunked) ||
           (r->step == STEP_RELAY && !r->down_chunked && r->down.framing != FRAMING_LENGTH);
}

/* Without an answer, or in the middle of one. */
static void break_off(struct request *r)
{
    struct client *client = r->client;
    bool partial, reset;

    if (!r->broken_off) {
        r->breaks_partial = is_partial(r);
        r->breaks_reset = r->breaks_partial && ends_by_close(r);
    }
    if (r->step != STEP_READ_HEAD && request_act_afterwards(r)) {
        r->broken_off = r->unheard = r->up.done = true;
        request_leave_origin(r, false);
        resolver_cancel(&r->lookup);
        spill_clear(&r->to_client);
        r->step = STEP_DONE;
        request_wait(r, 0, 0);
        return;
    }
    if (r->step != STEP_READ_HEAD || r->got > 0)
        request_log_access(r);
    if (r->parent) {
        request_end_sub(r, true);
        return;
    }
    partial = r->breaks_partial;
    reset = r->breaks_reset;
    release(r);
    if (partial)
        client_break(client, reset);
    else
        client_close(client);
}

void request_abort(struct request *r)
{
    r->acted_after = true; /* there is no time for more */
    break_off(r);
}

void request_time_out(struct request *r)
{
    request_log(r, LOG_LEVEL_INFO, "client timed out");
    if (request_outlives_client(r)) {
        request_run(r);
        return;
    }
    if (r->step == STEP_READ_HEAD || !r->head_sent)
        r->status = 408;
    if (request_settings(r)->http.reset_timedout_connection)
        socket_reset_on_close(r->client->stream.fd);
    break_off(r);
}

static bool has_surplus(const struct request *r)
{
    return r->used < r->got || r->surplus.begin < r->surplus.end;
}

/* All of the body that is on its way behind this request is the next one's. */
static enum rc keep_surplus(struct request *r)
{
    struct spill rest = r->surplus;
    struct span left = span_of(r->bytes + r->used, r->got - r->used);

    if (left.len > 0) { /* both cannot be: bytes are dealt with before any more are read */
        struct iovec piece = {r->bytes + r->used, left.len};

        rest = (struct spill){0};
        if (spill_add(&rest, &piece, 1, 0) == RC_MEMORY)
            return RC_MEMORY;
    }
    drop(r);
    request_renew(r);
    if (rest.end == rest.begin) {
        spill_clear(&rest);
        return RC_OK;
    }
    r->got = rest.end - rest.begin;
    if (r->got <= sizeof r->inline_bytes) {
        memcpy(r->bytes, rest.at + rest.begin, r->got);
        spill_clear(&rest);
        return RC_OK;
    }
    memmove(rest.at, rest.at + rest.begin, r->got);
    r->bytes = rest.at;
    r->size = r->got;
    return RC_OK;
}

/*
 * The answer is complete. RC_OK: the next request begins in the same place. RC_END: `r` is gone, or its parent's.
 * RC_AGAIN: requests inside have not ended.
 */
static enum rc finish(struct request *r)
{
    struct client *client = r->client;
    const struct http_settings *http = &request_settings(r)->http;
    bool unread = !r->up.done || r->used < r->got || client->readable;

    if (request_is_waiting_for_subs(r) || request_act_afterwards(r)) {
        request_wait(r, 0, 0); /* for those that nobody else waits for */
        return RC_AGAIN;
    }
    if (r->broken_off) {
        break_off(r);
        return RC_END;
    }
    request_leave_origin(r, false);
    request_close_file(r);
    request_log_access(r);
    if (r->parent) {
        request_end_sub(r, false);
        return RC_END;
    }
    client->requests++;
    if (r->keep_alive && r->up.done && !has_surplus(r) && !client->readable) {
        release(r);
        client_wait(client);
        return RC_END;
    }
    if (r->keep_alive && r->up.done && keep_surplus(r) == RC_OK) {
        timer_clear(&client->timer);
        return RC_OK;
    }
    release(r);
    if (unread || http->lingering_close == 2)
        client_linger(client);
    else
        client_close(client);
    return RC_END;
}

/* ---- STEP_READ_HEAD ---- */

static enum rc more_fields(struct head *head, struct field *own)
{
    uint32_t capacity = head->capacity * 4;
    struct field *fields = malloc(capacity * sizeof *fields);

    if (!fields)
        return RC_MEMORY;
    if (head->fields != own)
        free(head->fields);
    head->fields = fields;
    head->capacity = capacity;
    return RC_OK;
}

enum rc request_more_answer_fields(struct request *r)
{
    return more_fields(&r->answer.head, r->answer_fields);
}

static enum rc more_bytes(struct request *r, size_t most)
{
    size_t size = r->size * 2 < most ? r->size * 2 : most;
    uint8_t *at = malloc(size);

    if (!at)
        return RC_MEMORY;
    memcpy(at, r->bytes, r->got);
    if (r->bytes != r->inline_bytes)
        free(r->bytes);
    r->bytes = at;
    r->head.head.at = at; /* what was understood of it so far may be asked for */
    r->size = size;
    return RC_OK;
}

/* Begins to count: the first byte of a request is here. */
static void begin_counting(struct request *r)
{
    if (r->began_ms == 0) {
        r->began_ms = loop_now_ms(r->service->loop);
        service_count_request();
        timer_set(loop_timers(r->service->loop), &r->client->timer,
                  r->client->server->outer.settings.http.client_header_timeout_ms);
    }
}

enum rc request_refuse(struct request *r, unsigned status, const char *why)
{
    request_log(r, LOG_LEVEL_INFO, "%s", why);
    r->keep_alive = false;
    r->up.done = true;
    r->used = r->got;
    r->unforwardable = true;
    if (r->host.len == 0)
        r->host = r->server->name;
    return request_answer_status(r, status);
}

/* By the server that it names, where it got that far. */
static enum rc refuse_head(struct request *r, unsigned status, const char *why)
{
    request_guess_server(r);
    return request_refuse(r, status, why);
}

static enum rc read_head(struct request *r)
{
    const struct h1_limits *limits = &r->client->server->outer.settings.http.limits;

    for (;;) {
        struct fault why = {0};
        enum rc rc = RC_AGAIN;
        size_t got = 0;

        if (r->got > 0) {
            begin_counting(r);
            rc = h1_request_parse(&r->head, r->bytes, r->got, limits, &why);
        }
        if (rc == RC_OK) {
            r->is_head = r->head.method == METHOD_HEAD;
            r->step = STEP_ROUTE;
            return RC_OK;
        }
        if (rc == RC_MEMORY && more_fields(&r->head.head, r->fields) == RC_OK)
            continue;
        if (rc != RC_AGAIN)
            return refuse_head(r, rc == RC_MEMORY ? 500 : r->head.status, why.text);
        if (r->got == r->size && r->size >= limits->head_max)
            return refuse_head(r, 494, "client sent too large a head");
        if (r->got == r->size && more_bytes(r, limits->head_max) != RC_OK)
            return request_refuse(r, 500, "no memory for the head of a request");
        rc = client_read(r->client, r->bytes + r->got, r->size - r->got, &got);
        if (rc != RC_OK)
            return rc; /* RC_AGAIN, or the client has gone */
        r->got += got;
    }
}

/* ---- STEP_ROUTE ---- */

static enum rc normalise(struct request *r)
{
    struct span path = h1_request_path(&r->head);
    char *at;
    size_t len = 0;

    if (path.len == 0)
        path = SPAN("/");
    if (!(at = request_memory(r, path.len + 1)))
        return RC_MEMORY;
    if (uri_normalise(path, request_settings(r)->http.merge_slashes, at, &len, &r->args,
                      &r->has_args, &r->path_is_plain) != RC_OK)
        return request_refuse(r, 400,
                              "client sent invalid request while reading client request line");
    r->path = span_of(at, len);
    return RC_OK;
}

static void begin_body(struct request *r)
{
    const struct h1_request *head = &r->head;

    r->up = request_body(r);
    r->used = head->head.len;
    r->continue_due = head->expects_continue && !r->up.done;
    r->keep_alive = head->keep_alive;
}

/* Is there more of a body than the location takes? Not asked again on the way to an error page. */
static bool is_too_large(struct request *r)
{
    const uint64_t most = request_settings(r)->http.client_max_body_size;

    if (r->unforwardable || !r->head.has_length || most == 0 || r->head.length <= most)
        return false;
    r->keep_alive = false;
    r->unforwardable = true;
    request_log(r, LOG_LEVEL_ERROR,
                "client intended to send too large body: %" PRIu64 " bytes", r->head.length);
    return true;
}

/* mirror: once for a request, with its body where that is to be copied. */
static bool is_to_mirror(struct request *r)
{
    const struct subrequest_settings *s = &request_settings(r)->subrequest;

    if (s->mirrors_count == 0 || r->mirrored || r->parent || r->unforwardable ||
        r->service->trace)
        return false;
    r->after_keeping = STEP_MIRROR;
    r->step =
        s->mirror_body && !r->up.done && !r->up_unretained ? STEP_KEEP_BODY : STEP_MIRROR;
    return true;
}

/* Where an error page would be fetched from. */
static enum rc refuse_origin(struct request *r, unsigned status, const char *why)
{
    request_log(r, LOG_LEVEL_ERROR, "%s", why);
    r->error_paged = true;
    return request_answer_status(r, status);
}

enum rc request_content(struct request *r)
{
    if (is_to_mirror(r))
        return RC_OK;
    if (request_settings(r)->status.tells)
        return request_answer_own_status(r);
    if (request_settings(r)->listing.fixed != LISTING_FIXED_NONE)
        return request_answer_fixed(r);
    if (r->head.method == METHOD_CONNECT)
        r->keep_alive = false; /* what the client sends behind it was meant for a tunnel */
    if (request_goes_out(r))
        return request_go_out(r);
    if (r->head.method == METHOD_CONNECT)
        return request_answer_status(r, 405);
    if (!request_settings(r)->proxy.pass.is_set)
        return request_answer_file(r);
    if (r->unforwardable)
        return refuse_origin(r, r->error_status >= 400 ? r->error_status : 500,
                             "the request's body is gone, it cannot be sent again");
    if (!request_may_be_sent(r))
        return refuse_origin(r, r->sent_in_vain,
                             "the request has been sent once, and is not one to be repeated");
    r->choice.tried = NULL;
    r->step = r->after_keeping = STEP_CHOOSE;
    if (request_must_keep_body(r))
        r->step = STEP_KEEP_BODY;
    return RC_OK;
}

enum rc request_act(struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    const struct span after = request_settings(r)->subrequest.after_all;

    if (after.len > 0)
        request_trace(r, NULL, "behind the answer, %.*s would be asked", SPAN_ARG(after));

    return respond->try_files ? request_try_files(r, respond->try_files) : request_content(r);
}

/* limit_except: the settings for methods that are not named. */
static const struct location *for_method(const struct request *r,
                                         const struct location *location)
{
    if (!location->except)
        return location;
    for (size_t i = 0; i < location->methods_count; i++)
        if (span_equal(location->methods[i], h1_request_method(&r->head)))
            return location;
    return location->except;
}

enum rc request_enter(struct request *r, const struct location *location)
{
    enum rc rc;

    location = for_method(r, location);
    r->location = location;
    r->alias_is_folder = false;
    if (is_too_large(r))
        return request_answer_status(r, 413);
    if (location != &r->server->outer && request_rewrite(r, &rc))
        return rc;
    request_find_address(r);
    return r->parent ? request_act(r) : request_limit(r);
}

enum rc request_search(struct request *r)
{
    const uint64_t given_up = regex_given_up();
    struct location_found found;
    const struct location *location;

    request_keep_captures(r);
    found = location_find(&r->server->outer.inner, r->path, &r->captures);
    if (regex_given_up() != given_up) {
        request_log(r, LOG_LEVEL_ERROR,
                    "the regular expression of a location takes too many steps");
        return request_answer_status(r, 500);
    }
    location = found.location ? found.location : &r->server->outer;
    request_trace(r, location->node, "%s \"%.*s\"",
                  found.location ? "the location of" : "no location has", SPAN_ARG(r->path));
    if (location->internal && !r->is_internal) {
        r->location = location;
        return request_answer_status(r, 404);
    }
    if (!found.add_slash)
        return request_enter(r, location);
    r->location = location;
    return is_too_large(r) ? request_answer_status(r, 413) : request_answer_slash(r);
}

enum rc request_locate(struct request *r)
{
    enum rc rc;

    r->location = &r->server->outer;
    request_find_address(r);
    return request_rewrite(r, &rc) ? rc : request_search(r);
}

/* client_body_early_read: all of the body comes first, where the server wants to look at it. */
static enum rc read_early(struct request *r)
{
    const struct predicates *early = &request_settings(r)->http.body_early;

    if (!predicates_hold(early, r, buffer_over(r->service->out, SCRATCH_OUT)))
        return request_locate(r);
    if (is_too_large(r))
        return request_answer_status(r, 413);
    r->after_keeping = STEP_REDIRECT; /* that is, to where it leads by itself */
    r->step = STEP_KEEP_BODY;
    return RC_OK;
}

static enum rc route(struct request *r)
{
    enum rc rc;

    if (r->client->plain_at_tls)
        return request_refuse(r, 497,
                              "client sent plain HTTP request to HTTPS port while reading "
                              "client request headers");
    if ((rc = request_find_server(r)) != RC_OK || r->step != STEP_ROUTE ||
        (rc = normalise(r)) != RC_OK || r->step != STEP_ROUTE)
        return rc;
    begin_body(r);
    if (r->head.method == METHOD_TRACE)
        return request_answer_status(r, 405);
    if (r->head.method == METHOD_CONNECT && !r->up.done)
        return request_refuse(r, 400, "client sent a CONNECT with a body");
    return r->up.done ? request_locate(r) : read_early(r);
}

/* ---- STEP_DRAIN ---- */

/* Throws some of the body away. RC_END: it is done; anything but RC_OK and RC_AGAIN: it cannot be read on. */
static enum rc drop_body(struct request *r)
{
    struct span in;
    enum rc rc = request_read_body(r, &in);

    if (rc != RC_OK)
        return rc == RC_END ? RC_IO : rc;
    while (rc == RC_OK && in.len > 0) {
        struct body_cut cut;

        rc = body_take(&r->up, &in, &cut, NULL);
        if (!request_body_fits(r, cut.total))
            return RC_LIMIT;
    }
    return (rc == RC_OK || rc == RC_END) && request_unread(r, in) != RC_OK ? RC_MEMORY : rc;
}

/* RC_AGAIN, unless it has taken too long already. */
static enum rc drain_later(struct request *r)
{
    const struct http_settings *http = &request_settings(r)->http;
    uint64_t now = loop_now_ms(r->service->loop);

    if (r->drain_until_ms == 0)
        r->drain_until_ms = now + http->lingering_time_ms;
    if (now >= r->drain_until_ms)
        return RC_LIMIT;
    request_wait(r, http->lingering_timeout_ms, 0);
    return RC_AGAIN;
}

/*
 * The answer is complete and its sender does not want the rest: read it, so that the next request is found.
 * Where there will be none, or the client still waits to be asked for the body, lingering is enough.
 */
static enum rc drain(struct request *r)
{
    const uint64_t before = r->up_total;
    enum rc rc = r->up.done ? RC_END : RC_OK;

    if (r->continue_due)
        r->keep_alive = false;
    while (rc == RC_OK && r->keep_alive) {
        if (r->up_total - before >= REQUEST_AT_ONCE)
            return request_yield(r);
        rc = drop_body(r);
        if (rc == RC_AGAIN && (rc = drain_later(r)) == RC_AGAIN)
            return rc;
    }
    if (rc != RC_END)
        r->keep_alive = false;
    r->step = STEP_DONE;
    return RC_OK;
}

/* ---- the way through ---- */

static const struct {
    const char *name;
    enum rc (*run)(struct request *r);
} steps[] = {
    [STEP_READ_HEAD] = {"read head", read_head},
    [STEP_ROUTE] = {"route", route},
    [STEP_REDIRECT] = {"redirect", request_redirect_continue},
    [STEP_DELAY] = {"delay", request_delay},
    [STEP_ANSWER] = {"answer", request_answer_continue},
    [STEP_ACCESS] = {"access", request_continue_access},
    [STEP_MIRROR] = {"mirror", request_mirror},
    [STEP_ADD] = {"add", request_add},
    [STEP_KEEP_BODY] = {"keep body", request_keep_body},
    [STEP_RESOLVE] = {"resolve", request_resolve},
    [STEP_CHOOSE] = {"choose", request_choose},
    [STEP_CONNECT] = {"connect", request_connect},
    [STEP_SEND] = {"send", request_forward},
    [STEP_RECEIVE] = {"receive", request_receive},
    [STEP_RELAY] = {"relay", request_relay},
    [STEP_TUNNEL] = {"tunnel", request_tunnel},
    [STEP_DRAIN] = {"drain", drain},
};

/* Nothing of a request came: the client is idle, or has ended. */
static void give_up_idle(struct request *r, enum rc rc)
{
    struct client *client = r->client;

    release(r);
    if (rc == RC_AGAIN)
        client_wait_on(client);
    else
        client_close(client);
}

void request_run(struct request *r)
{
    for (unsigned finished = 0;;) {
        enum rc rc;

        if (r->step == STEP_DONE) {
            if (finish(r) != RC_OK)
                return;
            if (++finished < REQUESTS_AT_ONCE)
                continue;
            (void)request_yield(r);
            return;
        }
        if (r->service->trace && !r->service->trace->goes_on(r->service->trace, r)) {
            break_off(r);
            return;
        }
        rc = steps[r->step].run(r);
        if (rc == RC_OK)
            continue;
        if (r->step == STEP_READ_HEAD && r->got == 0) {
            give_up_idle(r, rc);
            return;
        }
        if (rc == RC_AGAIN)
            return; /* the step left a timer, and the loop calls when there is news */
        if (rc == RC_MEMORY)
            log_line(LOG_LEVEL_ALERT, "no memory for a request's step \"%s\"",
                     steps[r->step].name);
        if (!r->head_sent && !status_is_silent(r->status))
            r->status = rc == RC_MEMORY ? 500 : r->step == STEP_READ_HEAD ? 400 : 499;
        break_off(r);
        return;
    }
}
