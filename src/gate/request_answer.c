/* Answers of our own: pages, redirects, texts; their heads. */
#include <string.h>
#include <unistd.h>

#include "gate/http/browser.h"
#include "gate/http/uri.h"
#include "gate/journal/times.h"
#include "gate/request.h"
#include "gate/respond/file.h"
#include "gate/respond/mime_types.h"
#include "gate/respond/redirect.h"
#include "gate/respond/status.h"

enum {
    WITH_HEAD = 32 * 1024, /* bytes of a file that go out with its head, in one call */
};

static void add_field(struct buffer *out, struct span name, struct span value)
{
    if (value.len == 0)
        return;
    buffer_add(out, name);
    buffer_add(out, value);
    buffer_add(out, SPAN("\r\n"));
}

static struct span own_server(const struct request *r)
{
    return status_server(r->service->site->as_nginx,
                         request_settings(r)->respond.server_tokens);
}

static struct span user_agent(const struct request *r)
{
    const struct field *agent = head_find(&r->head.head, FIELD_USER_AGENT);

    return agent ? field_value(&r->head.head, agent) : (struct span){0};
}

/* A browser that keepalive_disable names. */
static bool loses_requests(const struct request *r, unsigned disabled)
{
    const bool posts = span_equal(request_method(r), SPAN("POST"));

    return (disabled & KEEPALIVE_DISABLE_MSIE6 && posts && browser_is_msie6(user_agent(r))) ||
           (disabled & KEEPALIVE_DISABLE_SAFARI && browser_is_safari(user_agent(r)));
}

/* What the location that answers says of the connection. */
static bool may_keep_alive(const struct request *r)
{
    const struct http_settings *http = &request_settings(r)->http;

    return !r->service->draining && !loses_requests(r, http->keepalive_disable) &&
           http->keepalive_timeout_ms > 0 &&
           r->client->requests + 1 < http->keepalive_requests &&
           loop_now_ms(r->service->loop) - r->client->opened_ms <= http->keepalive_time_ms;
}

void request_write_head(struct request *r, struct reply *reply, struct buffer *out)
{
    const struct http_settings *http = &request_settings(r)->http;
    const struct headers_settings *headers = &request_settings(r)->headers;

    const unsigned code = request_status(r, reply->code);
    const bool emptied = r->error_status == 204;

    r->keep_alive = r->keep_alive && may_keep_alive(r);
    r->status = code;
    if (emptied)
        reply->content_type = reply->plain_type = (struct span){0};
    r->content_type = reply->is_shaped ? reply->plain_type : reply->content_type;
    r->location_field = reply->location.len > 0 ? reply->location : r->kept_location;
    if (r->error_status != 0 && code != 200 && code != 206 && code != 304)
        reply->last_modified = (struct span){0};
    r->sent_etag = reply->etag;
    if (headers->used)
        reply->added = headers_begin(headers, code, r);
    reply->added.weak_etag = r->reshaped;
    r->head_at_work = out;
    buffer_add(out, SPAN("HTTP/1.1 "));
    if (reply->status.len > 0)
        buffer_add(out, reply->status);
    else
        status_write(status_on_wire(code), out);
    buffer_add(out, SPAN("\r\n"));
    add_field(out, SPAN("Server: "), reply->server.len > 0 ? reply->server : own_server(r));
    add_field(out, SPAN("Date: "),
              reply->date.len > 0 ? reply->date : times_span(times_now()->http));
    r->head_own = reply->server.len == 0 ? out->len : 0;
    add_field(out, SPAN("Content-Type: "), reply->content_type);
    if (reply->has_length && !emptied) {
        buffer_add(out, SPAN("Content-Length: "));
        buffer_add_number(out, reply->length);
        buffer_add(out, SPAN("\r\n"));
    }
    if (!headers_replaces(&reply->added, FIELD_LAST_MODIFIED))
        add_field(out, SPAN("Last-Modified: "), reply->last_modified);
    add_field(out, SPAN("Location: "), r->location_field);
    if (reply->chunked)
        buffer_add(out, SPAN("Transfer-Encoding: chunked\r\n"));
    if (code == 101) {
        buffer_add(out, SPAN("Connection: upgrade\r\n"));
    } else if (!r->keep_alive) {
        buffer_add(out, SPAN("Connection: close\r\n"));
    } else {
        buffer_add(out, SPAN("Connection: keep-alive\r\n"));
        if (http->keepalive_header_s > 0) {
            buffer_add(out, SPAN("Keep-Alive: timeout="));
            buffer_add_number(out, http->keepalive_header_s);
            buffer_add(out, SPAN("\r\n"));
        }
    }
    buffer_add(out, r->told_fields);
    if (reply->vary)
        buffer_add(out, SPAN("Vary: Accept-Encoding\r\n"));
}

void request_add_fields(struct request *r, const struct reply *reply, struct buffer *out)
{
    request_add_userid(r, out);
    if (reply->added.settings)
        headers_write(&reply->added, time(NULL), reply->last_modified, r, out);
    if (r->squeezed || (r->precompressed && r->file >= 0 && r->status != 304 && !r->unpacks))
        buffer_add(out, SPAN("Content-Encoding: gzip\r\n"));
}

void request_end_head(struct request *r, const struct reply *reply, struct buffer *out)
{
    r->head_at_work = NULL;
    r->content_type = reply->content_type;
    if (!out->full)
        r->sent_lines =
            arena_copy(&r->arena, span_of(out->at + r->head_own, out->len - r->head_own));
    buffer_add(out, SPAN("\r\n"));
}

/* What our own answers have besides. */
static void add_own_fields(struct request *r, const struct reply *reply, struct buffer *out)
{
    if (!headers_replaces(&reply->added, FIELD_ETAG))
        add_field(out, r->reshaped ? SPAN("ETag: W/") : SPAN("ETag: "), reply->etag);
    request_add_fields(r, reply, out);
    add_field(out, SPAN("Content-Range: "), reply->content_range);
    add_field(out,
              r->status == 407 ? SPAN("Proxy-Authenticate: ") : SPAN("WWW-Authenticate: "),
              r->challenge);
    if (reply->accept_ranges && !r->reshaped)
        buffer_add(out, SPAN("Accept-Ranges: bytes\r\n"));
    request_end_head(r, reply, out);
}

/* Of a small file: what is there goes out with the head. The rest, or the fault, is STEP_ANSWER's. */
static struct span take_small_file(struct request *r)
{
    struct file_part *part = r->parts;
    ssize_t got;

    if (r->parts_count != 1 || part->before.len > 0 || part->len > WITH_HEAD ||
        r->open_ended || r->rate > 0)
        return (struct span){0};
    got = pread(r->file, r->service->in, part->len, (off_t)part->offset);
    if (got <= 0)
        return (struct span){0};
    part->offset += (uint64_t)got;
    part->len -= (uint64_t)got;
    if (part->len == 0)
        r->parts_count = 0;
    return span_of(r->service->in, (size_t)got);
}

enum rc request_answer(struct request *r, struct reply *reply, struct span body)
{
    struct buffer head = buffer_over(r->service->out, SCRATCH_OUT - REQUEST_TRAILER);
    struct iovec pieces[2];
    enum rc rc;

    if (!reply->is_shaped)
        request_shape_body(r, reply, NULL);
    request_write_head(r, reply, &head);
    add_own_fields(r, reply, &head);
    if (head.full) {
        request_log(r, LOG_LEVEL_ERROR, "the head of the answer is too large");
        return RC_LIMIT;
    }
    if (r->head.version == 9)
        head.len = 0;
    if (r->is_head || request_is_bodiless(r->status)) {
        body.len = 0;
        r->parts_count = 0;
    }
    r->head_bytes = head.len;
    r->step = STEP_ANSWER;
    r->open_ended = r->gzip || r->transforms || reply->chunked;
    if (r->parts_count > 0 && !r->adds_before)
        body = take_small_file(r);
    pieces[0] = (struct iovec){head.at, head.len};
    pieces[1] = (struct iovec){(void *)(uintptr_t)body.at, body.len};
    if (r->adds_before) {
        rc = request_send(r, pieces, 1);
        return rc != RC_OK && rc != RC_AGAIN ? rc
                                             : request_begin_additions(r, body, STEP_ANSWER);
    }
    if (r->open_ended && r->parts_count == 0)
        return request_send_own_body(r, pieces[0], body, !r->adds_after);
    r->body_sent += body.len;
    rc = request_send(r, pieces, 2);
    return rc == RC_AGAIN ? RC_OK : rc;
}

/* A page in the scratch for input, which is free while an answer is made. */
static struct span page(struct request *r, unsigned code)
{
    struct span name = user_agent(r);
    struct buffer out = buffer_over(r->service->in, STATUS_PAGE_MAX);
    bool padding = name.len > 0 && (memmem(name.at, name.len, "MSIE ", 5) ||
                                    memmem(name.at, name.len, "Chrome/", 7));

    status_page(code, own_server(r),
                padding && code >= 400 && request_settings(r)->http.msie_padding, &out);
    return buffer_span(&out);
}

enum rc request_answer_page(struct request *r, struct reply *reply)
{
    struct span body = page(r, reply->code);

    if (body.len > 0)
        reply->content_type = SPAN("text/html");
    reply->has_length = reply->code != 204 && reply->code != 304 && reply->code >= 200;
    reply->length = body.len;
    return request_answer(r, reply, body);
}

enum rc request_answer_status(struct request *r, unsigned code)
{
    const struct error_page *page;
    struct reply reply = {.code = code};

    request_leave_origin(r, false);
    if (status_is_silent(code)) {
        r->status = code;
        return RC_IO;
    }
    if (status_ends_connection(code))
        r->keep_alive = false;
    r->error_status = code;
    if ((page = request_error_page(r, code)))
        return request_redirect_error(r, page);
    return request_answer_page(r, &reply);
}

enum rc request_answer_bare(struct request *r)
{
    struct reply reply = {.code = r->error_status};

    request_leave_origin(r, false);
    return request_answer(r, &reply, (struct span){0});
}

/* What a Location of ours begins with. */
static struct redirect_base redirect_base(const struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;

    return (struct redirect_base){
        .absolute = respond->absolute_redirect,
        .tls = r->client->listener->tls,
        .host = respond->server_name_in_redirect ? r->server->name : r->host,
        .port = respond->port_in_redirect ? address_port(&r->client->listener->address) : 0,
    };
}

enum rc request_answer_redirect(struct request *r, unsigned code, struct span to)
{
    struct redirect_base base = redirect_base(r);
    struct reply reply = {.code = code};
    size_t size = redirect_size(&base, to);
    struct buffer location = buffer_over(request_memory(r, size), size);
    const struct error_page *page;

    if (!location.at)
        return RC_MEMORY;
    redirect_write(&base, to, &location);
    r->error_status = code;
    reply.location = buffer_span(&location);
    if ((page = request_error_page(r, code))) {
        r->kept_location = reply.location;
        return request_redirect_error(r, page);
    }
    return request_answer_page(r, &reply);
}

enum rc request_answer_slash(struct request *r)
{
    size_t size = 3 * r->path.len + r->args.len + 2;
    struct buffer to = buffer_over(request_memory(r, size), size);

    if (!to.at)
        return RC_MEMORY;
    redirect_add_slash(r->path, r->args, &to);
    return request_answer_redirect(r, 301, buffer_span(&to));
}

struct span request_type(const struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    struct span type = r->told_type.len > 0
                           ? r->told_type
                           : mime_types_find(respond->types, file_extension(r->path));

    return type.len > 0 ? type : respond->default_type;
}

enum rc request_answer_return(struct request *r, const struct rewrite_code *code)
{
    struct reply reply = {.code = code->status, .has_length = true};
    struct buffer text = buffer_over(r->service->in, SCRATCH_IN);
    struct span copy;

    if (code->text.count == 0 && code->status >= 400)
        return request_answer_status(r, code->status);
    r->status = r->error_status ? r->error_status : code->status; /* which the text may name */
    template_write(&code->text, r, &text);
    if (text.full) {
        request_log(r, LOG_LEVEL_ERROR, "the text of \"return\" is too long");
        return request_answer_status(r, 500);
    }
    copy = arena_copy(&r->arena, buffer_span(&text));
    if (!copy.at)
        return RC_MEMORY;
    if (code->is_redirect)
        return request_answer_redirect(r, code->status, copy);
    reply.has_length = reply.code != 204 && reply.code != 304;
    reply.content_type = reply.has_length ? request_type(r) : (struct span){0};
    reply.length = copy.len;
    return request_answer(r, &reply, reply.has_length ? copy : (struct span){0});
}

enum rc request_answer_text(struct request *r, struct span type, struct span text)
{
    struct reply reply = {
        .code = 200, .has_length = true, .content_type = type, .length = text.len};

    return request_answer(r, &reply, text);
}

enum rc request_answer_open_text(struct request *r, struct span type, struct span text)
{
    struct reply reply = {.code = 200, .content_type = type};

    request_shape_body(r, &reply, NULL);
    if (!r->is_head)
        request_open_end(r, &reply);
    r->down_chunked = reply.chunked;
    return request_answer(r, &reply, text);
}
