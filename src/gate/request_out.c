/* The way out: CONNECT, and requests with an absolute target. Neither takes a kept connection, nor leaves one. */
#include "gate/http/uri.h"
#include "gate/request_proxy.h"
#include "gate/respond/status.h"

enum { OUT_TRIES = 3 /* addresses of one name that are tried */ };

static bool is_absolute(const struct request *r)
{
    return r->head.authority_len > 0 && r->head.method != METHOD_CONNECT;
}

static bool is_https(const struct request *r)
{
    struct span target = h1_request_target(&r->head);

    return span_equal_nocase(span_cut(&target, 8), SPAN("https://"));
}

bool request_goes_out(const struct request *r)
{
    const struct forward_settings *s = &request_settings(r)->forward;

    return r->head.method == METHOD_CONNECT ? s->tunnels : s->on && is_absolute(r);
}

const struct field *request_credentials(const struct request *r)
{
    return head_find(&r->head.head,
                     request_goes_out(r) ? FIELD_PROXY_AUTHORIZATION : FIELD_AUTHORIZATION);
}

/* Where to: what the request says, or tunnel_pass. Empty: no memory. */
static struct span find_authority(struct request *r)
{
    const struct forward_settings *s = &request_settings(r)->forward;
    struct buffer text = buffer_over(r->service->in, 1024);

    if (r->head.method != METHOD_CONNECT || s->tunnel.count == 0)
        return h1_request_authority(&r->head);
    template_write(&s->tunnel, r, &text);
    if (text.full)
        return (struct span){0};
    return arena_copy(&r->arena, buffer_span(&text));
}

enum rc request_go_out(struct request *r)
{
    struct span authority = find_authority(r), host;
    bool tunnels = r->head.method == METHOD_CONNECT;
    int port = -1;

    if (uri_authority(authority, &host, &port) != RC_OK || host.len == 0 || port == 0) {
        request_log(r, LOG_LEVEL_INFO, "client sent an invalid destination");
        return request_answer_status(r, 400);
    }
    if (!tunnels && is_https(r)) {
        request_log(r, LOG_LEVEL_INFO, "client asked for https:// without CONNECT");
        return request_answer_status(r, 400);
    }
    if (port < 0 && tunnels)
        return request_answer_status(r, 400);
    r->goes_out = true;
    r->pass = (struct proxy_pass){.is_set = true, .host = authority};
    r->out_port = (uint16_t)(port < 0 ? 80 : port);
    r->choice.tried = NULL;
    r->others_count = 0;
    r->step = STEP_CHOOSE;
    if (host.at[0] == '[') {
        r->lookup_host = span_of(host.at + 1, host.len - 2);
        if (address_from_literal(host, r->out_port, &r->address) != RC_OK)
            return request_answer_status(r, 400);
        return RC_OK;
    }
    r->lookup_host = host;
    if (address_from_literal(host, r->out_port, &r->address) == RC_OK)
        return RC_OK;
    return request_look_up(r, host, r->out_port);
}

bool request_take_address(struct request *r)
{
    if (r->others_count == 0)
        return false;
    r->address = *r->others++;
    r->others_count--;
    return true;
}

bool request_goes_elsewhere(struct request *r, unsigned kind)
{
    const struct forward_settings *s = &request_settings(r)->forward;
    const uint64_t most = s->next_tries ? s->next_tries : OUT_TRIES;

    return r->goes_out && !r->request_sent && !r->head_sent && r->step <= STEP_CONNECT &&
           (s->next & kind) && r->tries_count - r->tries_before < most &&
           (s->next_timeout_ms == 0 || now_ms(r) - r->first_try_ms < s->next_timeout_ms) &&
           request_take_address(r);
}

bool request_may_go_out(struct request *r)
{
    const struct forward_settings *s = &request_settings(r)->forward;
    struct destination to = {r->lookup_host, r->out_port, r->address};
    char text[ADDRESS_TEXT];

    do {
        to.address = r->address;
        if (destination_is_allowed(s->rules, s->rules_count, s->open, &to))
            return true;
    } while (request_take_address(r));
    request_log(r, LOG_LEVEL_WARN, "the way to %.*s (%.*s) is not allowed",
                SPAN_ARG(r->lookup_host), SPAN_ARG(address_text(&r->address, text, false)));
    return false;
}

enum rc request_begin_tunnel(struct request *r)
{
    static const char text[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct iovec piece = {(void *)(uintptr_t)text, sizeof text - 1};
    enum rc rc;

    r->status = 200;
    last_try(r)->connected_ms = last_try(r)->header_ms = now_ms(r);
    rc = request_send(r, &piece, 1);
    if (rc != RC_OK && rc != RC_AGAIN)
        return rc;
    r->keep_alive = false;
    r->step = STEP_TUNNEL;
    return RC_OK;
}
