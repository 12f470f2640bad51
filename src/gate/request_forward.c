/* The request as its origin gets it: head and body. */
#include <string.h>

#include "gate/http/uri.h"
#include "gate/request_proxy.h"

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

/* Blanks and control bytes of what variables made must not end the request line. */
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

void request_write_target(struct request *r, struct buffer *out)
{
    const struct proxy_pass *pass = pass_of(r);
    struct span path = r->path;

    if (r->pass.is_set && pass->has_uri) {
        add_evaluated(pass->uri, out);
        return;
    }
    if (!pass->has_uri && !r->path_changed) {
        struct span raw = h1_request_path(&r->head);

        if (raw.len == 0 || raw.at[0] == '?')
            buffer_add_byte(out, '/');
        buffer_add(out, raw);
        return;
    }
    if (pass->has_uri && !r->path_left) {
        buffer_add(out, pass->uri);
        span_cut(&path, r->location->pattern.text.len);
    }
    add_path(r, path, out);
    if (r->args.len > 0) {
        buffer_add_byte(out, '?');
        add_evaluated(r->args, out);
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

/* Not any protocol: what a request for h2c brings behind it would pass by all that locations say. */
static bool wants_websocket(const struct request *r)
{
    const struct head *head = &r->head.head;

    return r->head.wants_upgrade && !head_repeats(head, FIELD_UPGRADE) &&
           span_equal_nocase(field_value(head, head_find(head, FIELD_UPGRADE)),
                             SPAN("websocket"));
}

static void add_own_fields(struct request *r, struct buffer *out)
{
    const struct proxy_settings *p = proxy_of(r);
    const struct filter *filter = &r->location->filter;
    bool websocket = p->websocket && wants_websocket(r);

    if (!filter_sets(filter, FIELD_HOST)) {
        buffer_add(out, SPAN("Host: "));
        buffer_add(out, pass_of(r)->host);
        buffer_add(out, SPAN("\r\n"));
    }
    if (websocket) {
        buffer_add(out, SPAN("Upgrade: websocket\r\nConnection: upgrade\r\n"));
        r->upgrade_sent = true;
    } else if ((p->http_version < 11 || p->closes) && !filter_sets(filter, FIELD_CONNECTION)) {
        buffer_add(out, SPAN("Connection: close\r\n"));
    }
    for (size_t i = 0; i < p->headers_count; i++)
        add_set_header(r, &p->headers[i], out);
    if (r->sent_up) {
        buffer_add(out, SPAN("Content-Length: "));
        buffer_add_number(out, r->sent_up->total);
        buffer_add(out, SPAN("\r\n"));
    } else if (r->up.framing == FRAMING_CHUNKED) {
        buffer_add(out, SPAN("Transfer-Encoding: chunked\r\n"));
    } else if (r->head.has_length) {
        buffer_add(out, SPAN("Content-Length: "));
        buffer_add_number(out, p->pass_request_body ? r->head.length : 0);
        buffer_add(out, SPAN("\r\n"));
    }
}

static void add_method(struct request *r, struct buffer *out)
{
    const size_t before = out->len;

    if (proxy_of(r)->has_method)
        template_write(&proxy_of(r)->method, r, out);
    for (size_t i = before; i < out->len; i++) /* a variable's bytes must stay one word */
        out->at[i] = out->at[i] > ' ' && out->at[i] != 0x7f ? out->at[i] : '_';
    if (out->len == before)
        buffer_add(out, request_method(r));
    r->asked_head = span_equal(span_of(out->at + before, out->len - before), SPAN("HEAD"));
    r->asked_once = request_is_for_once(r, span_of(out->at + before, out->len - before));
}

/* What is for us, or says where the client is: it does not go out. */
static bool tells_of_client(const struct head *head, const struct field *field)
{
    return field->id == FIELD_PROXY_AUTHORIZATION || field->id == FIELD_X_FORWARDED_FOR ||
           span_equal_nocase(field_name(head, field), SPAN("forwarded")) ||
           span_equal_nocase(field_name(head, field), SPAN("x-real-ip"));
}

void request_write_forwarded(struct request *r, struct buffer *out)
{
    const struct head *head = &r->head.head;
    const struct filter *filter = &r->location->filter;
    bool nominates =
        r->head.has_nominated && !r->service->site->strict && filter_nominates(head);

    add_method(r, out);
    buffer_add_byte(out, ' ');
    request_write_target(r, out);
    buffer_add(out,
               proxy_of(r)->http_version < 11 ? SPAN(" HTTP/1.0\r\n") : SPAN(" HTTP/1.1\r\n"));
    add_own_fields(r, out);
    for (uint32_t i = 0; i < head->count; i++) {
        const struct field *field = &head->fields[i];

        if (filter_request_drops(filter, head, field, nominates) ||
            (r->goes_out && tells_of_client(head, field)))
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
        struct body_cut cut;
        char line[BODY_LINE];
        int n = first.iov_len > 0;
        enum rc rc = body_take(&r->up, &in, &cut, NULL);

        if (rc != RC_OK && rc != RC_END)
            return rc;
        if (!request_body_fits(r, cut.total))
            return RC_LIMIT;
        pieces[0] = first;
        first.iov_len = 0;
        if (!proxy_of(r)->pass_request_body)
            cut = (struct body_cut){.count = 0};
        if (r->up.framing == FRAMING_CHUNKED) {
            n += body_wrap(&cut, r->up.done, (struct span){0}, line, pieces + n);
        } else {
            memcpy(pieces + n, cut.pieces, (size_t)cut.count * sizeof *pieces);
            n += cut.count;
        }
        rc = request_send_up(r, pieces, n);
        if (rc == RC_MEMORY)
            return rc;
        if (rc != RC_OK && rc != RC_AGAIN) {
            r->up_failed = true;
            request_drop_up(r);
            break;
        }
    } while (in.len > 0 && !r->up.done);
    return request_unread(r, in) != RC_OK ? RC_MEMORY : r->up_failed ? RC_END : RC_OK;
}

enum rc request_refuse_body(struct request *r, enum rc rc)
{
    r->keep_alive = false;
    if (r->head_sent || rc == RC_MEMORY)
        return rc;
    if (rc == RC_LIMIT)
        request_log(r, LOG_LEVEL_ERROR, "client intended to send too large chunked body");
    else
        request_log(r, LOG_LEVEL_INFO, "client sent invalid chunked body");
    r->up.done = true;
    r->used = r->got;
    r->unforwardable = true;
    return request_answer_status(r, rc == RC_LIMIT ? 413 : 400);
}

enum rc request_forward(struct request *r)
{
    struct buffer head = buffer_over(r->service->out, SCRATCH_OUT);
    struct span in = {0};
    enum rc rc;

    last_try(r)->connected_ms = now_ms(r);
    if (r->goes_out && r->head.method == METHOD_CONNECT)
        return request_begin_tunnel(r);
    if ((rc = request_choose_body(r)) != RC_OK || r->step != STEP_SEND)
        return rc;
    request_write_forwarded(r, &head);
    if (head.full) {
        request_log(r, LOG_LEVEL_ERROR, "the request's head is too large for its origin");
        return request_answer_status(r, 500);
    }
    r->request_sent = true;
    r->step = STEP_RECEIVE;
    if (r->sent_up) {
        rc = request_send_kept(r, (struct iovec){head.at, head.len});
        return rc == RC_AGAIN ? RC_OK : rc;
    }
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
    return rc == RC_OK || rc == RC_END ? RC_OK : request_refuse_body(r, rc);
}

enum rc request_pump_up(struct request *r)
{
    const uint64_t before = r->up_total;

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
        if (r->sent_up)
            return request_is_sent(r) ? RC_OK : request_send_kept(r, (struct iovec){0});
        if (r->up.done)
            return RC_OK;
        if (r->up_total - before >= REQUEST_AT_ONCE)
            return request_yield(r);
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
