/* The answer as the client gets it, and both bodies on their ways. */
#include <string.h>

#include "gate/request_proxy.h"
#include "gate/respond/redirect.h"

enum { READ_AHEAD_MS = 10 }; /* that a client may pause before its answer is stored for it */

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

/* The same, unless proxy_hide_header names it. */
static struct span shown_value(const struct request *r, enum field_id id)
{
    const struct head *head = &r->answer.head;
    const struct field *field = head_find(head, id);

    return field && !filter_response_drops(&r->location->filter, head, field, false)
               ? field_value(head, field)
               : (struct span){0};
}

/* Location, Refresh or Set-Cookie, as the location's rules have it; the value itself where nothing fits. */
static struct span rewrite(struct request *r, struct span value,
                           bool (*how)(const struct filter *, struct span,
                                       const struct rewriting_turn *, struct buffer *))
{
    const struct rewriting_turn turn = {r, &r->captures};
    struct captures before;
    bool fits;
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
    if (!to.at)
        return value;
    before = r->captures;
    fits = how(&r->location->filter, value, &turn, &to);
    r->captures = before;
    if (!fits || to.full)
        return value;
    for (size_t i = 0; i < to.len; i++) /* a variable may hold decoded bytes */
        to.at[i] = to.at[i] == '\r' || to.at[i] == '\n' || to.at[i] == '\0' ? ' ' : to.at[i];
    if (how == filter_cookie)
        return buffer_span(&to);
    base.absolute = base.absolute && how == filter_location;
    size = redirect_size(&base, buffer_span(&to));
    absolute = buffer_over(request_memory(r, size), size);
    if (!absolute.at)
        return value;
    redirect_write(&base, buffer_span(&to), &absolute);
    return buffer_span(&absolute);
}

/* Fields that request_write_head has written, each in its place. */
static bool is_placed(enum field_id id)
{
    return id == FIELD_CONTENT_TYPE || id == FIELD_LAST_MODIFIED || id == FIELD_LOCATION ||
           id == FIELD_SERVER || id == FIELD_DATE;
}

/* What a body says of ranges that are cut anew. */
static bool is_of_ranges(enum field_id id)
{
    return id == FIELD_ACCEPT_RANGES || id == FIELD_CONTENT_RANGE;
}

static bool has_cookie_rules(const struct proxy_settings *p)
{
    return p->cookie_domains_count + p->cookie_paths_count + p->cookie_flags_count > 0;
}

struct span request_rewrite_cookie(struct request *r, struct span value)
{
    return has_cookie_rules(proxy_of(r)) ? rewrite(r, value, filter_cookie) : value;
}

static void add_answer_fields(struct request *r, const struct headers_turn *added,
                              struct buffer *out)
{
    const struct head *head = &r->answer.head;
    const struct filter *filter = &r->location->filter;
    bool nominates =
        r->answer.code != 101 && !r->service->site->strict && filter_nominates(head);

    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];
        struct span value = field_value(head, field);

        if (is_placed(field->id) ||
            (field->id == FIELD_ETAG && i + 1 != head->first[FIELD_ETAG]))
            continue; /* also what stands a second time where once is right */
        if (headers_replaces(added, field->id))
            continue;
        if (filter_response_drops(filter, head, field, nominates) &&
            !(r->answer.code == 101 && field->id == FIELD_UPGRADE))
            continue;
        if (field->id == FIELD_REFRESH)
            value = rewrite(r, value, filter_refresh);
        if (field->id == FIELD_SET_COOKIE)
            value = request_rewrite_cookie(r, value);
        if (r->drops_ranges && field->id == FIELD_ACCEPT_RANGES)
            continue;
        if (r->window.is_on && is_of_ranges(field->id))
            continue;
        if ((r->unpacks && field->id == FIELD_CONTENT_ENCODING) ||
            (r->drops_etag && field->id == FIELD_ETAG))
            continue;
        if (r->reshaped && field->id == FIELD_ETAG && !span_starts(value, SPAN("\"")) &&
            !span_starts(value, SPAN("W/")))
            continue;
        buffer_add(out, field_name(head, field));
        buffer_add(out, SPAN(": "));
        if (r->reshaped && field->id == FIELD_ETAG && value.at[0] == '"')
            buffer_add(out, SPAN("W/"));
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
    bool unknown =
        !r->window.is_on && (a->framing == FRAMING_CHUNKED || a->framing == FRAMING_CLOSE);

    r->down_chunked = unknown && r->head.version >= 11 &&
                      request_settings(r)->http.chunked_transfer_encoding;
    if (unknown && !r->down_chunked)
        r->keep_alive = false;
    if (r->continue_due && !r->up.done)
        r->keep_alive = false; /* the client may send the body it was not asked for, or not */
    r->down = body_begin((enum framing)a->framing, a->length);
    if (r->is_head)
        r->down_chunked = r->down_chunked && r->asked_head;
}

/* A body that is changed on its way has no parts: all of it goes out, where its beginning is here. */
static void shape_window(struct request *r, struct reply *reply)
{
    struct window *w = &r->window;
    const struct window whole = {
        .is_on = true, .code = 200, .left = w->whole, .whole = w->whole};

    if (w->code == 206 && r->slice.start > 0) {
        reply->is_shaped = true;
    } else {
        struct window wanted = *w;

        *w = whole;
        request_write_window(r, reply);
        request_shape_body(r, reply, &r->answer.head);
        if (r->gzip || r->transforms || r->reshaped)
            return;
        *w = wanted;
    }
    request_write_window(r, reply);
}

static void write_answer(struct request *r, struct buffer *out)
{
    const struct h1_response *a = &r->answer;
    /* of an answer that cannot have a body, where the status it is given can */
    const bool is_empty =
        (r->error_status || r->asked_head) && a->framing == FRAMING_NONE && !r->is_head;
    struct reply reply = {
        .code = a->code,
        .status = !r->error_status ? h1_response_status(a) : (struct span){0},
        .server = keeps(r, FIELD_SERVER) ? answer_value(r, FIELD_SERVER) : (struct span){0},
        .date = keeps(r, FIELD_DATE) ? answer_value(r, FIELD_DATE) : (struct span){0},
        .content_type = shown_value(r, FIELD_CONTENT_TYPE),
        .has_length = is_empty ||
                      (a->has_length && !r->down_chunked && a->code >= 200 && a->code != 204),
        .length = is_empty ? 0 : a->length,
        .last_modified = shown_value(r, FIELD_LAST_MODIFIED),
        .location = rewrite(r, shown_value(r, FIELD_LOCATION), filter_location),
        .chunked = r->down_chunked,
    };

    if (r->window.is_on)
        shape_window(r, &reply);
    else
        request_shape_body(r, &reply, &a->head);
    request_write_head(r, &reply, out);
    add_answer_fields(r, &reply.added, out);
    request_keep_session(r, out);
    request_add_fields(r, &reply, out);
    if (r->window.is_on)
        request_add_window(r, &reply, out);
    request_end_head(r, &reply, out);
    r->head_bytes = out->len;
}

/* It has come to its end, and nothing else is added behind it. */
static bool is_last(const struct request *r)
{
    return r->down.done && !r->adds_after && !request_has_more_slices(r);
}

/* Sends what `in` has of the answer's body, behind `first` where that has a length. */
static enum rc send_body_down(struct request *r, struct iovec first, struct span in)
{
    bool with_trailer = proxy_of(r)->pass_trailers && r->down_chunked;

    do {
        struct iovec pieces[1 + BODY_WRAPPED + 3];
        struct body_cut cut;
        char line[BODY_LINE];
        int n = first.iov_len > 0;
        enum rc rc = body_take(&r->down, &in, &cut, with_trailer ? &r->trailer : NULL);

        if (rc != RC_OK && rc != RC_END) {
            request_log(r, LOG_LEVEL_ERROR, "upstream sent invalid chunked response");
            return RC_FORMAT;
        }
        request_store(r, &cut);
        if (r->down.done)
            request_end_store(r);
        if (r->window.is_on)
            request_cut_window(r, &cut);
        if (r->gzip || r->transforms) {
            rc = (r->transforms ? request_transform : request_squeeze)(
                r, first, cut.pieces, cut.count, is_last(r) ? GZIP_END : GZIP_MORE);
            if (rc != RC_OK)
                return rc;
            first.iov_len = 0;
            continue;
        }
        pieces[0] = first;
        first.iov_len = 0;
        if (r->down_chunked) {
            const bool last = is_last(r);
            struct span trailer = last ? request_trailer(r) : (struct span){0};

            n += body_wrap(&cut, last, trailer, line, pieces + n);
        } else {
            memcpy(pieces + n, cut.pieces, (size_t)cut.count * sizeof *pieces);
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

enum rc request_send_held(struct request *r)
{
    return send_body_down(r, (struct iovec){0}, r->held);
}

/* An answer whose body nobody gets: what there is of it is read, and its connection is kept where that was all. */
static struct span ignore_body(struct request *r, struct span rest)
{
    enum rc rc = r->down.done ? RC_END : RC_OK;

    while (rc == RC_OK && rest.len > 0) {
        struct body_cut cut;

        rc = body_take(&r->down, &rest, &cut, NULL);
    }
    r->origin_extra = rc != RC_END || rest.len > 0;
    r->down = body_begin(FRAMING_NONE, 0);
    return (struct span){0};
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

static bool has_error_page(const struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;

    return error_page_find(respond->error_pages, respond->error_pages_count, r->answer.code);
}

/* What the origin wants to know of whoever asks: it stays with the page that takes its answer's place. */
static struct span challenge_of(const struct head *head)
{
    for (uint32_t i = 0; i < head->count; i++)
        if (span_equal_nocase(field_name(head, &head->fields[i]), SPAN("WWW-Authenticate")))
            return field_value(head, &head->fields[i]);
    return (struct span){0};
}

static bool head_has_accel(const struct head *head)
{
    return head_has(head, FIELD_X_ACCEL_REDIRECT) || head_has(head, FIELD_X_ACCEL_BUFFERING) ||
           head_has(head, FIELD_X_ACCEL_LIMIT_RATE) || head_has(head, FIELD_X_ACCEL_CHARSET);
}

/* The head has been sent with the first one. */
static enum rc begin_slice(struct request *r, struct span rest)
{
    r->down = body_begin((enum framing)r->answer.framing, r->answer.length);
    r->step = STEP_RELAY;
    return send_body_down(r, (struct iovec){0}, rest);
}

enum rc request_begin_answer(struct request *r, struct span rest)
{
    unsigned next = next_of_status(r->answer.code);
    struct buffer head = buffer_over(r->service->out, SCRATCH_OUT - REQUEST_TRAILER);
    struct span copy;
    enum rc rc;

    last_try(r)->header_ms = now_ms(r);
    last_try(r)->status = r->answer.code;
    last_try(r)->head = r->answer.head.len;
    if (next && request_takes_retry(r, next))
        return request_retry(r, next);
    if (request_is_cut_short(r, rest) && request_takes_retry(r, PROXY_NEXT_ERROR)) {
        request_log(r, LOG_LEVEL_ERROR,
                    "upstream prematurely closed connection while reading "
                    "upstream");
        return request_retry(r, PROXY_NEXT_ERROR);
    }
    if (r->answer.code == 101 && (!r->upgrade_sent || !r->up.done || r->parent)) {
        request_log(r, LOG_LEVEL_ERROR, "upstream switched protocols without being asked");
        return request_fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
    }
    copy = arena_copy(&r->arena, span_of(r->answer.head.at, r->answer.head.len));
    if (!copy.at)
        return RC_MEMORY;
    r->answer.head.at = copy.at;
    r->answer_is_whole = true;
    if (r->slice.goes_on)
        return request_shape_window(r, &rc) ? rc : begin_slice(r, rest);
    if (r->answer.code == 401)
        r->challenge = challenge_of(&r->answer.head);
    if (proxy_of(r)->intercept_errors && r->answer.code >= 300 && has_error_page(r))
        return request_answer_status(r, r->answer.code);
    if (head_has_accel(&r->answer.head) && request_obeys_origin(r, &rc))
        return rc;
    if (r->answer.code == 101)
        r->error_status = 0;
    if (request_is_bodiless(r->error_status))
        return request_answer_bare(r);
    if (proxy_of(r)->pass_trailers && r->answer.framing == FRAMING_CHUNKED) {
        r->trailer = buffer_over(request_memory(r, REQUEST_TRAILER), REQUEST_TRAILER);
        if (!r->trailer.at)
            return RC_MEMORY;
    }
    if (request_shape_window(r, &rc))
        return rc;
    if (r->window.code == 416)
        return request_answer_unsatisfied(r);
    request_begin_store(r);
    plan_body(r);
    write_answer(r, &head);
    if (head.full) {
        request_log(r, LOG_LEVEL_ERROR, "the head of the answer is too large");
        return request_fail_over(r, PROXY_NEXT_INVALID_HEADER, 502);
    }
    if (r->head.version == 9)
        head.len = 0;
    if (r->answer.code == 101)
        return begin_tunnel(r, (struct iovec){head.at, head.len}, rest);
    r->step = STEP_RELAY;
    if (r->is_head && !r->asked_head)
        rest = ignore_body(r, rest);
    if (r->adds_before) {
        struct iovec piece = {head.at, head.len};
        rc = request_send(r, &piece, 1);
        return rc != RC_OK && rc != RC_AGAIN ? rc
                                             : request_begin_additions(r, rest, STEP_RELAY);
    }
    return send_body_down(r, (struct iovec){head.at, head.len}, rest);
}

/* The origin's connection has ended. */
static enum rc end_of_origin(struct request *r, enum rc rc)
{
    struct iovec pieces[BODY_WRAPPED + 3];
    struct body_cut none = {.count = 0};
    char line[BODY_LINE];

    if (rc != RC_END || r->down.framing != FRAMING_CLOSE) {
        request_log(r, LOG_LEVEL_ERROR,
                    "upstream prematurely closed connection while reading "
                    "upstream");
        request_leave_origin(r, true);
        return RC_IO;
    }
    r->down.done = true;
    request_end_store(r);
    if (r->transforms)
        return request_transform(r, (struct iovec){0}, NULL, 0, GZIP_END);
    if (r->adds_after)
        return RC_OK;
    if (r->gzip)
        return request_squeeze(r, (struct iovec){0}, NULL, 0, GZIP_END);
    if (!r->down_chunked)
        return RC_OK;
    rc = request_send(r, pieces, body_wrap(&none, true, request_trailer(r), line, pieces));
    return rc == RC_AGAIN ? RC_OK : rc;
}

static void on_time(struct timer *timer)
{
    struct request *r = LIST_OWNER(timer, struct request, ahead_timer);

    r->reads_ahead = true;
    request_run(r);
}

/* The client takes no more now. Is the origin read all the same, and stored? One that is merely busy is waited for. */
static bool may_read_ahead(struct request *r)
{
    const struct proxy_settings *p = proxy_of(r);
    const struct spill *spill = &r->to_client;
    const uint64_t memory = p->buffers.count * p->buffers.size;

    if (!(p->buffering || r->buffered) || r->unbuffered || r->down.done || r->parent)
        return false;
    if (!r->reads_ahead) {
        if (!timer_is_set(&r->ahead_timer)) {
            r->ahead_timer.fire = on_time;
            timer_set(loop_timers(r->service->loop), &r->ahead_timer, READ_AHEAD_MS);
        }
        return false;
    }
    r->to_client.memory_max = p->buffers.max_temp_size > 0 ? memory : 0;
    r->to_client.directory = p->temp_path;
    return spill->end - spill->begin + (spill->file_end - spill->file_begin) <
           (p->buffers.max_temp_size > 0 ? p->buffers.max_temp_size : memory);
}

/* All that the client wants is through: the rest is not waited for. */
static void end_window(struct request *r)
{
    if (r->origin)
        request_leave_origin(r, false);
    r->down = body_begin(FRAMING_NONE, 0);
}

static void on_pause(struct timer *timer)
{
    request_run(LIST_OWNER(timer, struct request, origin_pause));
}

/* proxy_limit_rate: how many bytes may be read now; 0: request_run is called when it is time. */
static size_t origin_allowance(struct request *r)
{
    const uint64_t rate = proxy_of(r)->limit_rate, now = now_ms(r);
    const struct try *try = last_try(r);
    uint64_t allowed;

    if (rate == 0 || !(proxy_of(r)->buffering || r->buffered) || r->unbuffered)
        return SCRATCH_IN;
    allowed = rate * ((now - try->header_ms) / 1000 + 1);
    if (try->received < allowed)
        return allowed - try->received < SCRATCH_IN ? (size_t)(allowed - try->received)
                                                    : SCRATCH_IN;
    r->origin_pause.fire = on_pause;
    timer_set(loop_timers(r->service->loop), &r->origin_pause,
              1000 - (now - try->header_ms) % 1000);
    request_wait(r, 0, 0);
    return 0;
}

enum rc request_relay(struct request *r)
{
    size_t taken = 0; /* from the origin, in this turn */

    for (;;) {
        enum rc up = RC_OK, rc;
        size_t got = 0, room;
        bool ahead;

        if (r->origin && (up = request_pump_up(r)) != RC_OK && up != RC_AGAIN)
            return up == RC_IO ? request_abandon(r) : up;
        if (r->window.code == 206 && r->window.left == 0 && !r->down.done && !r->stored.path)
            end_window(r);
        if (r->down.done && r->origin)
            request_leave_origin(r, false);
        rc = request_flush(r);
        ahead = rc == RC_AGAIN && may_read_ahead(r);
        if (rc == RC_AGAIN && !ahead) {
            request_wait(r, request_settings(r)->http.send_timeout_ms, 0);
            return rc;
        }
        if (rc != RC_OK && !ahead)
            return rc;
        if (r->down.done && request_has_more_slices(r))
            return request_next_slice(r);
        if (r->down.done) {
            r->step = r->adds_after ? STEP_ADD : STEP_DRAIN;
            return RC_OK;
        }
        if (r->origin_timed_out) {
            request_log(r, LOG_LEVEL_ERROR,
                        "upstream timed out (110: Connection timed out) while "
                        "reading upstream");
            request_leave_origin(r, true);
            return RC_IO;
        }
        if (taken >= (r->gzip ? REQUEST_AT_ONCE_GZIP : REQUEST_AT_ONCE))
            return request_yield(r);
        if ((room = origin_allowance(r)) == 0)
            return RC_AGAIN;
        rc = request_read_origin(r, r->service->in, room, &got);
        taken += got;
        if (rc == RC_AGAIN && r->gzip &&
            gzip_stream_holds(r->gzip)) { /* the origin pauses: nothing is kept back */
            if ((rc = request_squeeze(r, (struct iovec){0}, NULL, 0, GZIP_FLUSH)) != RC_OK)
                return rc;
            continue;
        }
        if (rc == RC_AGAIN && ahead) {
            request_wait(r, request_settings(r)->http.send_timeout_ms,
                         proxy_of(r)->read_timeout_ms);
            return rc;
        }
        if (rc == RC_AGAIN)
            return is_abandoned(r) ? request_abandon(r) : request_wait_for_both(r, up);
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
    const uint64_t before = r->body_sent;

    for (;;) {
        struct iovec piece = {r->service->in, 0};
        enum rc rc = request_flush(r);

        if (rc == RC_OK && r->body_sent - before >= REQUEST_AT_ONCE)
            return request_yield(r);
        if (rc == RC_OK)
            rc = request_read_origin(r, r->service->in, SCRATCH_IN, &piece.iov_len);
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
    const uint64_t before = r->up_total;

    for (;;) {
        struct iovec piece = {r->service->in, 0};
        enum rc rc = request_flush_up(r);

        if (rc == RC_OK && r->up_total - before >= REQUEST_AT_ONCE)
            return request_yield(r);
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
        r->up_total += piece.iov_len;
        rc = request_send_up(r, &piece, 1);
        if (rc != RC_OK && rc != RC_AGAIN)
            return RC_OK;
    }
}

enum rc request_tunnel(struct request *r)
{
    enum rc down = tunnel_to_client(r), up = tunnel_to_origin(r);

    if (down == RC_AGAIN && up == RC_AGAIN && !r->origin_timed_out) {
        request_wait(r, 0,
                     r->goes_out ? request_settings(r)->forward.read_timeout_ms
                                 : proxy_of(r)->read_timeout_ms);
        return RC_AGAIN;
    }
    request_leave_origin(r, false);
    r->up.done = true;
    r->step = STEP_DONE;
    return RC_OK;
}
