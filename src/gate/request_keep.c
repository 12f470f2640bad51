/* The request's body, all of it before an origin is asked: so that a slow client holds none, and a second one gets it too. */
#include "gate/request_proxy.h"

static struct body_store_place place_of(const struct request *r)
{
    const struct http_settings *http = &request_settings(r)->http;

    return (struct body_store_place){
        .directory = http->body_temp_path,
        .levels = http->body_temp_levels,
        .memory = http->body_buffer_size + http->body_buffer_size / 4, /* as nginx has it */
        .named = http->body_in_file_only != BODY_IN_FILE_OFF,
        .keeps = http->body_in_file_only == BODY_IN_FILE_ON,
    };
}

bool request_must_keep_body(const struct request *r)
{
    const struct proxy_settings *p = proxy_of(r);
    const bool is_here =
        r->up.framing == FRAMING_LENGTH && !r->up_unretained && r->got - r->used >= r->up.left;

    if (r->up.done || r->is_kept || r->up_unretained)
        return false;
    if (p->has_set_body || !p->pass_request_body ||
        request_settings(r)->http.body_in_file_only != BODY_IN_FILE_OFF)
        return true;
    if (r->up.framing == FRAMING_CHUNKED && p->http_version < 11)
        return true; /* it wants a length */
    return p->request_buffering &&
           (!is_here || request_settings(r)->subrequest.after_all.len > 0);
}

static enum rc store_failed(struct request *r, enum rc rc, const struct fault *why)
{
    if (rc == RC_MEMORY)
        return rc;
    request_log(r, LOG_LEVEL_CRIT, "%s", why->text);
    r->keep_alive = false;
    r->up.done = r->unforwardable = true;
    r->used = r->got;
    return request_answer_status(r, 500);
}

/* What body_take gave. RC_OK: it is kept. */
static enum rc keep(struct request *r, const struct body_store_place *place,
                    const struct body_cut *cut, struct fault *why)
{
    enum rc rc = RC_OK;

    if (!request_body_fits(r, cut->total))
        return RC_LIMIT;
    for (int i = 0; rc == RC_OK && i < cut->count; i++)
        rc = body_store_add(&r->store, place,
                            span_of(cut->pieces[i].iov_base, cut->pieces[i].iov_len), why);
    return rc;
}

/* All that there is of it now. RC_END: it is complete. */
static enum rc keep_some(struct request *r, const struct body_store_place *place,
                         struct fault *why)
{
    struct span in;
    enum rc rc = request_read_body(r, &in);

    if (rc != RC_OK)
        return rc == RC_END ? RC_IO : rc;
    while (rc == RC_OK && in.len > 0) {
        struct body_cut cut;
        enum rc kept;

        rc = body_take(&r->up, &in, &cut, NULL);
        if ((rc == RC_OK || rc == RC_END) && (kept = keep(r, place, &cut, why)) != RC_OK)
            return kept == RC_IO ? RC_UNSUPPORTED : kept;
    }
    return (rc == RC_OK || rc == RC_END) && request_unread(r, in) != RC_OK ? RC_MEMORY : rc;
}

enum rc request_keep_body(struct request *r)
{
    const struct body_store_place place = place_of(r);
    const uint64_t before = r->up_total;
    struct fault why = {0};
    enum rc rc = RC_OK;

    while (rc == RC_OK && !r->up.done) {
        if (r->up_total - before >= REQUEST_AT_ONCE)
            return request_yield(r);
        rc = keep_some(r, &place, &why);
    }
    if (rc == RC_AGAIN) {
        request_wait(r, request_settings(r)->http.client_body_timeout_ms, 0);
        return rc;
    }
    if (rc == RC_FORMAT || rc == RC_LIMIT)
        return request_refuse_body(r, rc);
    if (rc == RC_IO) {
        request_log(r, LOG_LEVEL_INFO, "client prematurely closed connection");
        r->status = 400;
        return RC_IO;
    }
    if (rc == RC_OK || rc == RC_END)
        rc = body_store_end(&r->store, &place, &why);
    if (rc != RC_OK)
        return store_failed(r, rc, &why);
    request_wait(r, 0, 0);
    r->is_kept = true;
    r->body = &r->store;
    r->up_unretained = false;
    r->step = r->after_keeping;
    return RC_OK;
}

enum rc request_choose_body(struct request *r)
{
    const struct proxy_settings *p = proxy_of(r);
    struct buffer text;

    r->sent_up = r->is_kept ? r->body : NULL;
    r->sent_up_at = 0;
    if (p->has_set_body) {
        text = buffer_over(request_memory(r, SCRATCH_OUT), SCRATCH_OUT);
        if (!text.at)
            return RC_MEMORY;
        template_write(&p->set_body, r, &text);
        if (text.full) {
            request_log(r, LOG_LEVEL_ERROR, "the text of \"proxy_set_body\" is too long");
            return request_answer_status(r, 500);
        }
        r->text_body = (struct body_store){.at = text.at, .total = text.len};
        r->sent_up = &r->text_body;
    } else if (!p->pass_request_body && r->up.done &&
               (r->head.has_length || r->head.chunked)) {
        r->text_body = (struct body_store){0};
        r->sent_up = &r->text_body;
    }
    return RC_OK;
}

bool request_is_sent(const struct request *r)
{
    return r->sent_up ? r->sent_up_at == r->sent_up->total : r->up.done;
}

enum rc request_send_kept(struct request *r, struct iovec first)
{
    const uint64_t before = r->sent_up_at;

    do {
        struct span bytes = {0};
        struct iovec pieces[2] = {first, {0}};
        enum rc rc;

        if (r->sent_up_at - before >= REQUEST_AT_ONCE)
            return request_yield(r);
        if (!request_is_sent(r) && body_store_read(r->sent_up, r->sent_up_at, r->service->in,
                                                   SCRATCH_IN, &bytes) != RC_OK) {
            request_log(r, LOG_LEVEL_CRIT, "the request's body could not be read again");
            return RC_IO;
        }
        pieces[1] = (struct iovec){(void *)(uintptr_t)bytes.at, bytes.len};
        first.iov_len = 0;
        r->sent_up_at += bytes.len;
        rc = request_send_up(r, pieces, 2);
        if (rc == RC_MEMORY || rc == RC_AGAIN)
            return rc;
        if (rc != RC_OK) {
            r->up_failed = true;
            request_drop_up(r);
            return RC_OK;
        }
    } while (!request_is_sent(r));
    return RC_OK;
}
