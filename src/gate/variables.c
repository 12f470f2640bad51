/* What templates may name: nginx's variables of a request, read from it when they are asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "codec/hex.h"
#include "crypto/random.h"
#include "gate/conf/regex.h"
#include "gate/journal/times.h"
#include "gate/request.h"
#include "gate/respond/file.h"
#include "gate/respond/status.h"
#include "gate/tls/tls_peer.h"
#include "gate/variables.h"
#include "gate/variables_room.h"

enum { NUMBER_MAX = 24 };

static bool give_number(struct request *r, uint64_t number, struct span *value)
{
    struct buffer b = room(r, NUMBER_MAX);

    if (b.at)
        buffer_add_number(&b, number);
    return give(&b, value);
}

/* Three digits; 000 where there is none yet. */
static bool give_status(struct request *r, unsigned status, struct span *value)
{
    struct buffer b = room(r, 3);

    if (b.at)
        status_write_number(status, &b);
    return give(&b, value);
}

/* Milliseconds as seconds: "0.012". */
static void add_seconds(struct buffer *b, uint64_t ms)
{
    buffer_add_number(b, ms / 1000);
    buffer_add_byte(b, '.');
    buffer_add_byte(b, (uint8_t)('0' + ms / 100 % 10));
    buffer_add_byte(b, (uint8_t)('0' + ms / 10 % 10));
    buffer_add_byte(b, (uint8_t)('0' + ms % 10));
}

/* ---- captures ---- */

static bool capture(struct request *r, unsigned i, struct span *value)
{
    const struct captures *c = &r->captures;

    if (i >= c->count || c->at[2 * i] == UINT32_MAX)
        return false;
    *value = span_of(c->subject.at + c->at[2 * i], c->at[2 * i + 1] - c->at[2 * i]);
    return true;
}

static bool get_capture(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)rest;
    return capture(subject, (unsigned)of, value);
}

static bool get_named_capture(void *subject, struct span rest, uintptr_t of,
                              struct span *value)
{
    struct request *r = subject;
    const struct captures_kept *kept = r->kept;

    (void)of;
    if (captures_named(&r->captures, rest, value))
        return true;
    while (kept && !captures_named(&kept->captures, rest, value))
        kept = kept->before;
    return kept;
}

/* ---- views into the request ---- */

enum view {
    VIEW_HOST,
    VIEW_URI,
    VIEW_ARGS,
    VIEW_IS_ARGS,
    VIEW_REQUEST,
    VIEW_METHOD,
    VIEW_REQUEST_URI,
    VIEW_SERVER_NAME,
    VIEW_SCHEME,
    VIEW_HTTPS,
    VIEW_PROTOCOL,
    VIEW_PROXY_HOST,
    VIEW_PROXY_PORT,
    VIEW_PIPE,
    VIEW_COMPLETION,
};

static struct span protocol(unsigned version)
{
    switch (version) {
    case 11:
        return SPAN("HTTP/1.1");
    case 10:
        return SPAN("HTTP/1.0");
    case 9:
        return SPAN("HTTP/0.9");
    default:
        return SPAN("");
    }
}

/* The whole answer is on its way; behind it, post_action asks whether that of the client was. */
static bool is_complete(struct request *r)
{
    if (r->kind == SUB_AFTER)
        r = client_s(r);
    return r->step >= STEP_DRAIN && !r->broken_off;
}

static bool get_view(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct proxy_pass *pass =
        r->pass.is_set ? &r->pass : &request_settings(r)->proxy.pass;
    bool tls = r->client->listener->tls;

    (void)rest;
    switch ((enum view)of) {
    case VIEW_HOST:
        *value = r->host;
        break;
    case VIEW_URI:
        *value = r->path;
        break;
    case VIEW_ARGS:
        *value = r->args;
        break;
    case VIEW_IS_ARGS:
        *value = r->args.len > 0 ? SPAN("?") : SPAN("");
        break;
    case VIEW_REQUEST:
        *value = h1_request_line(&r->head);
        break;
    case VIEW_METHOD:
        *value = request_method(client_s(r));
        break;
    case VIEW_REQUEST_URI:
        *value = h1_request_path(&r->head);
        if (value->len == 0)
            *value = SPAN("/");
        break;
    case VIEW_SERVER_NAME:
        *value = r->server->name;
        break;
    case VIEW_SCHEME:
        *value = tls ? SPAN("https") : SPAN("http");
        break;
    case VIEW_HTTPS:
        *value = tls ? SPAN("on") : SPAN("");
        break;
    case VIEW_PROTOCOL:
        *value = protocol(client_s(r)->head.version);
        break;
    case VIEW_PROXY_HOST:
        *value = pass->host;
        break;
    case VIEW_PROXY_PORT:
        *value = pass->port;
        break;
    case VIEW_PIPE:
        *value = r->client->requests > 0 && r->got > r->used ? SPAN("p") : SPAN(".");
        break;
    case VIEW_COMPLETION:
        *value = is_complete(r) ? SPAN("OK") : SPAN("");
        break;
    }
    if (of == VIEW_ARGS)
        return value->at != NULL; /* empty is not the same as none */
    return value->len > 0 || of == VIEW_URI || of == VIEW_IS_ARGS || of == VIEW_HTTPS ||
           of == VIEW_COMPLETION;
}

/* ---- addresses ---- */

enum place {
    PLACE_REMOTE,
    PLACE_REMOTE_PORT,
    PLACE_REMOTE_BINARY,
    PLACE_SERVER,
    PLACE_SERVER_PORT
};

static bool get_place(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    struct address address = {.len = sizeof address - sizeof address.len};
    char text[ADDRESS_TEXT];

    (void)rest;
    if (of == PLACE_SERVER || of == PLACE_SERVER_PORT) {
        if (getsockname(r->client->stream.fd, &address.any, &address.len) != 0)
            return false;
    } else {
        request_address(r, &address);
    }
    if (of == PLACE_REMOTE_PORT || of == PLACE_SERVER_PORT)
        return address.any.sa_family != AF_UNIX &&
               give_number(r, address_port(&address), value);
    if (of == PLACE_REMOTE_BINARY) {
        *value = address.any.sa_family == AF_INET
                     ? arena_copy(&r->arena, span_of(&address.v4.sin_addr, 4))
                 : address.any.sa_family == AF_INET6
                     ? arena_copy(&r->arena, span_of(&address.v6.sin6_addr, 16))
                     : SPAN("unix:");
        return value->at != NULL;
    }
    *value = arena_copy(&r->arena, address_text(&address, text, true));
    return value->at != NULL;
}

/* ---- numbers and times ---- */

enum number {
    NUMBER_STATUS,
    NUMBER_SENT,
    NUMBER_BODY_SENT,
    NUMBER_RECEIVED,
    NUMBER_CONNECTION,
    NUMBER_CONNECTION_REQUESTS,
    NUMBER_PID,
};

static bool get_number(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    uint64_t before;

    (void)rest;
    switch ((enum number)of) {
    case NUMBER_STATUS:
        return give_status(r, r->status ? r->status : r->error_status, value);
    case NUMBER_SENT:
        return give_number(r, r->sent, value);
    case NUMBER_BODY_SENT:
        before = r->head_bytes + r->hints_bytes;
        return give_number(r, r->sent > before ? r->sent - before : 0, value);
    case NUMBER_RECEIVED:
        return give_number(r, r->head.head.len + r->up_total, value);
    case NUMBER_CONNECTION:
        return give_number(r, r->client->number, value);
    case NUMBER_CONNECTION_REQUESTS:
        return give_number(r, r->client->requests + 1, value);
    case NUMBER_PID:
        return give_number(r, (uint64_t)getpid(), value);
    }
    return false;
}

enum time { TIME_LOCAL, TIME_ISO8601, TIME_MSEC, TIME_REQUEST, TIME_CONNECTION };

static bool get_time(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    uint64_t now = loop_now_ms(r->service->loop);
    struct buffer b;
    struct timespec wall;

    (void)rest;
    if (of == TIME_LOCAL || of == TIME_ISO8601) {
        *value = of == TIME_LOCAL ? times_span(times_now()->local)
                                  : times_span(times_now()->iso8601);
        return true;
    }
    b = room(r, NUMBER_MAX + 8);
    if (!b.at)
        return false;
    if (of == TIME_MSEC) {
        clock_gettime(CLOCK_REALTIME_COARSE, &wall);
        add_seconds(&b, (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000);
    } else {
        add_seconds(&b, now - (of == TIME_REQUEST ? r->began_ms : r->client->opened_ms));
    }
    return give(&b, value);
}

/* ---- the origins that were tried, joined with ", " ---- */

enum trial {
    TRIAL_ADDRESS,
    TRIAL_STATUS,
    TRIAL_CONNECT_TIME,
    TRIAL_HEADER_TIME,
    TRIAL_RESPONSE_TIME,
    TRIAL_SENT,
    TRIAL_RECEIVED,
    TRIAL_LENGTH,
};

static void add_span_of_time(struct buffer *b, uint64_t from, uint64_t to)
{
    if (to == 0)
        buffer_add_byte(b, '-');
    else
        add_seconds(b, to - from);
}

static void add_trial(struct request *r, const struct try *t, enum trial what,
                      struct buffer *b)
{
    uint64_t now = loop_now_ms(r->service->loop);

    switch (what) {
    case TRIAL_ADDRESS:
        buffer_add(b, t->name);
        break;
    case TRIAL_STATUS:
        buffer_add_number(b, t->status ? t->status : t->shown ? t->shown : r->status);
        break;
    case TRIAL_CONNECT_TIME:
        add_span_of_time(b, t->began_ms, t->connected_ms);
        break;
    case TRIAL_HEADER_TIME:
        add_span_of_time(b, t->began_ms, t->header_ms);
        break;
    case TRIAL_RESPONSE_TIME:
        add_span_of_time(b, t->began_ms, t->ended_ms ? t->ended_ms : now);
        break;
    case TRIAL_SENT:
        buffer_add_number(b, t->sent);
        break;
    case TRIAL_RECEIVED:
        buffer_add_number(b, t->received);
        break;
    case TRIAL_LENGTH:
        buffer_add_number(b, t->received > t->head ? t->received - t->head : 0);
        break;
    }
}

static bool get_trial(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    unsigned kept = r->tries_count < REQUEST_TRIES ? r->tries_count : REQUEST_TRIES;
    struct buffer b;

    (void)rest;
    if (kept == 0)
        return false;
    b = room(r, kept * (ADDRESS_TEXT + 3));
    for (unsigned i = r->tries_count - kept; b.at && i < r->tries_count; i++) {
        if (b.len > 0)
            buffer_add(&b, i == r->tries_before ? SPAN(" : ") : SPAN(", "));
        add_trial(r, &r->tries[i % REQUEST_TRIES], (enum trial)of, &b);
    }
    return give(&b, value);
}

/* ---- the rest, one by one ---- */

static bool get_forwarded_for(void *subject, struct span rest, uintptr_t of,
                              struct span *value)
{
    struct request *r = subject;
    struct span came = {0}, address = {0};
    struct buffer b;

    (void)rest;
    (void)of;
    get_place(r, (struct span){0}, PLACE_REMOTE, &address);
    if (!request_field_list(r, SPAN("x_forwarded_for"), &came)) {
        *value = address;
        return true;
    }
    b = room(r, came.len + 2 + address.len);
    if (b.at) {
        buffer_add(&b, came);
        buffer_add(&b, SPAN(", "));
        buffer_add(&b, address);
    }
    return give(&b, value);
}

static bool get_request_id(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = client_s(subject);
    uint8_t bytes[16];
    char *text;

    (void)rest;
    (void)of;
    if (r->id.len == 0) { /* the same one, however often it is asked for */
        text = request_memory(r, 2 * sizeof bytes + 1);
        if (!text || random_bytes(bytes, sizeof bytes, NULL) != RC_OK)
            return false;
        hex_encode(span_of(bytes, sizeof bytes), text);
        r->id = span_of(text, 2 * sizeof bytes);
    }
    *value = r->id;
    return true;
}

static bool get_document_root(void *subject, struct span rest, uintptr_t of,
                              struct span *value)
{
    struct request *r = subject;
    const struct respond_settings *respond = &request_settings(r)->respond;
    struct buffer b = room(r, 4096 + r->path.len);

    (void)rest;
    if (!b.at)
        return false;
    template_write(&respond->root, r, &b);
    if (of) { /* $request_filename */
        struct span path = r->path;

        span_cut(&path, request_replaced_by_alias(r));
        buffer_add(&b, path);
    }
    return give(&b, value);
}

static bool get_host_name(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    char name[256];

    (void)rest;
    (void)of;
    if (gethostname(name, sizeof name) != 0)
        return false;
    name[sizeof name - 1] = '\0';
    *value = arena_copy(&r->arena, span_text(name));
    return value->at != NULL;
}

static bool get_version(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;

    (void)rest;
    (void)of;
    *value = status_server(r->service->site->as_nginx, true);
    span_cut(value, span_find(*value, '/') + 1);
    return true;
}

static const struct variable rows[] = {
    {"1", get_capture, 1},
    {"2", get_capture, 2},
    {"3", get_capture, 3},
    {"4", get_capture, 4},
    {"5", get_capture, 5},
    {"6", get_capture, 6},
    {"7", get_capture, 7},
    {"8", get_capture, 8},
    {"9", get_capture, 9},
    {VARIABLE_CAPTURE, get_named_capture, 0},
    {"ancient_browser", variables_browser, VARIABLES_BROWSER_ANCIENT},
    {"arg_", variables_argument, 0},
    {"args", get_view, VIEW_ARGS},
    {"binary_remote_addr", get_place, PLACE_REMOTE_BINARY},
    {"body_bytes_sent", get_number, NUMBER_BODY_SENT},
    {"bytes_sent", get_number, NUMBER_SENT},
    {"connection", get_number, NUMBER_CONNECTION},
    {"connection_requests", get_number, NUMBER_CONNECTION_REQUESTS},
    {"connection_time", get_time, TIME_CONNECTION},
    {"connections_active", variables_connections, VARIABLES_CONNECTIONS_ACTIVE},
    {"connections_reading", variables_connections, VARIABLES_CONNECTIONS_READING},
    {"connections_waiting", variables_connections, VARIABLES_CONNECTIONS_WAITING},
    {"connections_writing", variables_connections, VARIABLES_CONNECTIONS_WRITING},
    {"content_length", variables_field, FIELD_CONTENT_LENGTH},
    {"content_type", variables_field, FIELD_CONTENT_TYPE},
    {"cookie_", variables_cookies, 0},
    {"date_gmt", variables_date, 1},
    {"date_local", variables_date, 0},
    {"document_root", get_document_root, 0},
    {"document_uri", get_view, VIEW_URI},
    {"gzip_ratio", variables_gzip_ratio, 0},
    {"host", get_view, VIEW_HOST},
    {"hostname", get_host_name, 0},
    {"http_", variables_http, 0},
    {"http2", variables_nothing, VARIABLES_NOTHING_EMPTY},
    {"http3", variables_nothing, VARIABLES_NOTHING_EMPTY},
    {"https", get_view, VIEW_HTTPS},
    {"invalid_referer", variables_invalid_referer, 0},
    {"is_args", get_view, VIEW_IS_ARGS},
    {"is_request_port", variables_request_port, 1},
    {"limit_rate", variables_rate, 0},
    {"modern_browser", variables_browser, VARIABLES_BROWSER_MODERN},
    {"msec", get_time, TIME_MSEC},
    {"msie", variables_browser, VARIABLES_BROWSER_MSIE},
    {"nginx_version", get_version, 0},
    {"pid", get_number, NUMBER_PID},
    {"pipe", get_view, VIEW_PIPE},
    {"proxy_add_x_forwarded_for", get_forwarded_for, 0},
    {"proxy_host", get_view, VIEW_PROXY_HOST},
    {"proxy_port", get_view, VIEW_PROXY_PORT},
    {"query_string", get_view, VIEW_ARGS},
    {"remote_addr", get_place, PLACE_REMOTE},
    {"remote_port", get_place, PLACE_REMOTE_PORT},
    {"realpath_root", variables_real_root, 0},
    {"realip_remote_addr", variables_real_address, 0},
    {"realip_remote_port", variables_real_address, 1},
    {"remote_user", variables_user, 0},
    {"request", get_view, VIEW_REQUEST},
    {"request_body", variables_body, 0},
    {"request_body_file", variables_body_file, 0},
    {"request_completion", get_view, VIEW_COMPLETION},
    {"request_filename", get_document_root, 1},
    {"limit_conn_status", variables_limit, offsetof(struct request, limit_conn)},
    {"limit_req_status", variables_limit, offsetof(struct request, limit_req)},
    {"proxy_protocol_addr", variables_announced, 0},
    {"proxy_protocol_port", variables_announced, 1},
    {"proxy_protocol_server_addr", variables_announced, 2},
    {"proxy_protocol_server_port", variables_announced, 3},
    {"proxy_protocol_tlv_", variables_announced_more, 0},
    {"request_id", get_request_id, 0},
    {"request_length", get_number, NUMBER_RECEIVED},
    {"request_method", get_view, VIEW_METHOD},
    {"request_port", variables_request_port, 0},
    {"request_time", get_time, TIME_REQUEST},
    {"request_uri", get_view, VIEW_REQUEST_URI},
    {"scheme", get_view, VIEW_SCHEME},
    {"secure_link", variables_secure_link, 0},
    {"secure_link_expires", variables_secure_link, 1},
    {"sent_http_", variables_sent_http, 0},
    {"sent_trailer_", variables_sent_trailer, 0},
    {"server_addr", get_place, PLACE_SERVER},
    {"server_name", get_view, VIEW_SERVER_NAME},
    {"server_port", get_place, PLACE_SERVER_PORT},
    {"server_protocol", get_view, VIEW_PROTOCOL},
    {"slice_range", variables_slice_range, 0},
    {"ssl_alpn_protocol", variables_peer, TLS_PEER_ALPN},
    {"ssl_cipher", variables_tls, VARIABLES_TLS_CIPHER},
    {"ssl_ciphers", variables_peer, TLS_PEER_CIPHERS},
    {"ssl_client_cert", variables_peer, TLS_PEER_PEM_LINES},
    {"ssl_client_escaped_cert", variables_peer, TLS_PEER_PEM_ESCAPED},
    {"ssl_client_fingerprint", variables_peer, TLS_PEER_FINGERPRINT},
    {"ssl_client_i_dn", variables_peer, TLS_PEER_ISSUER},
    {"ssl_client_i_dn_legacy", variables_peer, TLS_PEER_ISSUER_LEGACY},
    {"ssl_client_raw_cert", variables_peer, TLS_PEER_PEM},
    {"ssl_client_s_dn", variables_peer, TLS_PEER_SUBJECT},
    {"ssl_client_s_dn_legacy", variables_peer, TLS_PEER_SUBJECT_LEGACY},
    {"ssl_client_serial", variables_peer, TLS_PEER_SERIAL},
    {"ssl_client_sigalg", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"ssl_client_v_end", variables_peer, TLS_PEER_END},
    {"ssl_client_v_remain", variables_peer, TLS_PEER_REMAIN},
    {"ssl_client_v_start", variables_peer, TLS_PEER_BEGIN},
    {"ssl_client_verify", variables_peer, TLS_PEER_VERIFY},
    {"ssl_curve", variables_peer, TLS_PEER_CURVE},
    {"ssl_curves", variables_peer, TLS_PEER_CURVES},
    {"ssl_early_data", variables_tls, VARIABLES_TLS_EARLY},
    {"ssl_ech_outer_server_name", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"ssl_ech_status", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"ssl_protocol", variables_tls, VARIABLES_TLS_PROTOCOL},
    {"ssl_server_name", variables_tls, VARIABLES_TLS_NAME},
    {"ssl_session_id", variables_peer, TLS_PEER_SESSION},
    {"ssl_session_reused", variables_tls, VARIABLES_TLS_REUSED},
    {"ssl_sigalg", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"ssl_sigalgs", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"status", get_number, NUMBER_STATUS},
    {"tcpinfo_rcv_space", variables_tcp, VARIABLES_TCP_SPACE},
    {"tcpinfo_rtt", variables_tcp, VARIABLES_TCP_RTT},
    {"tcpinfo_rttvar", variables_tcp, VARIABLES_TCP_RTTVAR},
    {"tcpinfo_snd_cwnd", variables_tcp, VARIABLES_TCP_WINDOW},
    {"time_iso8601", get_time, TIME_ISO8601},
    {"time_local", get_time, TIME_LOCAL},
    {"uid_got", variables_userid, VARIABLES_UID_GOT},
    {"uid_reset", variables_nothing, VARIABLES_NOTHING_EMPTY},
    {"uid_set", variables_userid, VARIABLES_UID_SET},
    {"upstream_addr", get_trial, TRIAL_ADDRESS},
    {"upstream_bytes_received", get_trial, TRIAL_RECEIVED},
    {"upstream_bytes_sent", get_trial, TRIAL_SENT},
    {"upstream_cache_etag", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"upstream_cache_last_modified", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"upstream_cache_status", variables_nothing, VARIABLES_NOTHING_AT_ALL},
    {"upstream_connect_time", get_trial, TRIAL_CONNECT_TIME},
    {"upstream_cookie_", variables_upstream_cookie, 0},
    {"upstream_header_time", get_trial, TRIAL_HEADER_TIME},
    {"upstream_http_", variables_upstream_http, 0},
    {"upstream_response_length", get_trial, TRIAL_LENGTH},
    {"upstream_response_time", get_trial, TRIAL_RESPONSE_TIME},
    {"upstream_status", get_trial, TRIAL_STATUS},
    {"upstream_trailer_", variables_upstream_trailer, 0},
    {"uri", get_view, VIEW_URI},
    {0},
};

static const char *const changeable[] = {"ancient_browser", "modern_browser", "msie",
                                         "uid_reset", NULL};

const struct variables request_variables = {
    .rows = rows, .changeable = changeable, .computed = variables_computed};
