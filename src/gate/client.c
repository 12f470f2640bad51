#include "gate/client.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "gate/request.h"
#include "gate/service_state.h"
#include "gate/tls/tls.h"
#include "gate/tls/tls_server.h"
#include "io/socket.h"

enum {
    LINGER_READS = 16, /* for one client, before others have their turn */
    DRAIN_MS = 500     /* for a request that was on its way when the end began */
};

static const struct http_settings *http_of(const struct client *client)
{
    return &client->server->outer.settings.http;
}

static void set_timer(struct client *client, uint64_t ms)
{
    timer_set(loop_timers(client->service->loop), &client->timer, ms);
}

/* Throws away what comes; closes at the end, or when it has gone on for too long. */
static void drop_input(struct client *client)
{
    struct service *s = client->service;
    size_t got;
    enum rc rc;

    for (int reads = 0; (rc = client_read(client, s->in, SCRATCH_IN, &got)) == RC_OK;
         reads++) {
        if (loop_now_ms(s->loop) >= client->opened_ms)
            break;
        if (reads == LINGER_READS) {
            set_timer(client, 1);
            return;
        }
    }
    if (rc == RC_AGAIN)
        set_timer(client, http_of(client)->lingering_timeout_ms);
    else
        client_close(client);
}

static void handshake(struct client *client)
{
    struct fault why = {0};
    enum rc rc = stream_handshake(&client->stream, &why);

    if (rc == RC_AGAIN)
        return;
    if (rc == RC_FORMAT) {
        tls_make_plain(&client->stream);
        client->plain_at_tls = true;
    } else if (rc != RC_OK) {
        log_line(rc == RC_NOT_FOUND ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
                 "*%" PRIu64 " %s while SSL handshaking", client->number, why.text);
        client_close(client);
        return;
    }
    client->readable = true; /* the library may hold the first request already */
    client_wait(client);
    request_begin(client);
}

/* The server that a client's hello names, whose certificate it is shown. */
static const struct tls_server *choose_server(void *of, struct span name)
{
    struct client *client = of;
    struct captures captures;
    const struct server *server = server_names_find(client->listener->names, name, &captures);

    if (server)
        client->server = server;
    return client->server->tls.server;
}

static bool write_source(const struct template *text, struct request *r, void *at, size_t size,
                         struct span *source)
{
    struct buffer out = buffer_over(at, size);

    template_write(text, r, &out);
    *source = buffer_span(&out);
    return !out.full;
}

/* What the variables of its certificate come to, of which no request has come yet. */
static bool name_pair(void *of, size_t i, struct tls_sources *sources)
{
    struct client *client = of;
    struct service *s = client->service;
    const struct tls_settings *tls = &client->server->tls;
    struct request *r = service_take_request(s, client);
    bool fits;

    if (!r)
        return false;
    request_renew(r);
    fits = write_source(&tls->certificate_texts[i], r, s->in, SCRATCH_IN,
                        &sources->certificate) &&
           write_source(&tls->key_texts[i], r, s->out, SCRATCH_OUT, &sources->key);
    request_drop(r);
    return fits;
}

/* RC_OK also where the listener speaks no TLS. */
static enum rc begin_tls(struct client *client, struct fault *why)
{
    if (!client->listener->tls)
        return RC_OK;
    client->state = CLIENT_HANDSHAKE;
    return tls_server_start(&client->stream, client->server->tls.server, choose_server,
                            name_pair, client, why);
}

/* Keeps what stands behind the addresses, of which it has a view as yet, in memory behind itself. */
static enum rc keep_more(struct client *client)
{
    struct proxy_protocol *said = client->announced;
    const struct span more = said->more;

    if (more.len == 0)
        return RC_OK;
    said = realloc(said, sizeof *said + more.len);
    if (!said)
        return RC_MEMORY;
    client->announced = said;
    said->more = span_of(memcpy(said + 1, more.at, more.len), more.len);
    return RC_OK;
}

/* Takes just the header off the socket. RC_OK: `client->announced` has what it says. */
static enum rc take_announcement(struct client *client)
{
    uint8_t bytes[PROXY_PROTOCOL_MAX];
    size_t used = 0;
    ssize_t n = recv(client->stream.fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    enum rc rc;

    if (n <= 0)
        return n < 0 && errno == EAGAIN ? RC_AGAIN : RC_END;
    if (!client->announced && !(client->announced = calloc(1, sizeof *client->announced)))
        return RC_MEMORY;
    rc = proxy_protocol_parse(span_of(bytes, (size_t)n), client->announced, &used);
    if (rc == RC_OK)
        rc = keep_more(client);
    if (rc == RC_OK && recv(client->stream.fd, bytes, used, MSG_DONTWAIT) != (ssize_t)used)
        rc = RC_IO;
    return rc;
}

static enum rc begin_tls(struct client *client, struct fault *why);
static void handshake(struct client *client);

static void hear_announcement(struct client *client)
{
    struct fault why = {0};
    enum rc rc = take_announcement(client);

    if (rc == RC_AGAIN && !client->hangup)
        return;
    if (rc != RC_OK) {
        log_line(LOG_LEVEL_INFO, "*%" PRIu64 " broken header while reading PROXY protocol",
                 client->number);
        client_close(client);
        return;
    }
    client->state = CLIENT_IDLE;
    if (begin_tls(client, &why) != RC_OK) {
        log_line(LOG_LEVEL_ALERT, "*%" PRIu64 " %s", client->number, why.text);
        client_close(client);
    } else if (client->state == CLIENT_HANDSHAKE) {
        handshake(client);
    } else {
        request_begin(client);
    }
}

static void on_event(struct watch *watch, unsigned what)
{
    struct client *client = LIST_OWNER(watch, struct client, watch);

    if (what & LOOP_READ)
        client->readable = true;
    if (what & LOOP_WRITE)
        client->writable = true;
    if (what & LOOP_HANGUP)
        client->readable = client->hangup = true;
    if (!stream_is_plain(
            &client->stream)) /* whose reads may wait to write, and the other way round */
        client->readable = client->writable = true;
    switch ((enum client_state)client->state) {
    case CLIENT_ANNOUNCED:
        hear_announcement(client);
        break;
    case CLIENT_HANDSHAKE:
        handshake(client);
        break;
    case CLIENT_IDLE:
        if (client->readable)
            request_begin(client);
        break;
    case CLIENT_BUSY:
        request_run(client->request);
        break;
    case CLIENT_LINGERING:
        drop_input(client);
        break;
    case CLIENT_CLOSED:
        break;
    }
}

static void on_time(struct timer *timer)
{
    struct client *client = LIST_OWNER(timer, struct client, timer);

    if (client->state == CLIENT_BUSY)
        request_time_out(client->request);
    else if (client->state == CLIENT_LINGERING && client->readable)
        drop_input(client);
    else
        client_close(client);
}

void client_begin(struct client *client, int fd)
{
    const int on = 1;
    struct fault why = {0};

    client->watch = (struct watch){.fd = fd, .ready = on_event};
    client->stream = (struct stream){.kind = &stream_socket, .fd = fd};
    client->timer = (struct timer){.fire = on_time};
    client->server = client->listener->default_server;
    client->opened_ms = loop_now_ms(client->service->loop);
    client->state = client->listener->proxy_protocol ? CLIENT_ANNOUNCED : CLIENT_IDLE;
    client->writable = true;
    if (client->from.family != AF_UNIX && http_of(client)->tcp_nodelay)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if ((client->state != CLIENT_ANNOUNCED && begin_tls(client, &why) != RC_OK) ||
        loop_add(client->service->loop, &client->watch, &why) != RC_OK) {
        log_line(LOG_LEVEL_ALERT, "*%" PRIu64 " %s", client->number, why.text);
        client_close(client);
        return;
    }
    set_timer(client, http_of(client)->client_header_timeout_ms);
}

enum rc client_read(struct client *client, void *at, size_t size, size_t *got)
{
    enum rc rc;

    if (!client->readable)
        return RC_AGAIN;
    rc = stream_read(&client->stream, at, size, got);
    if (rc == RC_AGAIN ||
        (rc == RC_OK && *got < size && !client->hangup && stream_is_plain(&client->stream)))
        client->readable = false;
    return rc;
}

/* What an idle connection has left when the end begins. */
static uint64_t drain_ms(const struct client *client)
{
    uint64_t least_ms = http_of(client)->keepalive_min_ms;

    return least_ms > DRAIN_MS ? least_ms : DRAIN_MS;
}

void client_wait(struct client *client)
{
    uint64_t keep_ms = http_of(client)->keepalive_timeout_ms;

    if (client->service->draining && keep_ms > drain_ms(client))
        keep_ms = drain_ms(client);
    client->state = CLIENT_IDLE;
    client->request = NULL;
    set_timer(client,
              client->requests == 0 ? http_of(client)->client_header_timeout_ms : keep_ms);
}

void client_drain(struct client *client)
{
    uint64_t ends_ms = client->timer.at_ms, now = loop_now_ms(client->service->loop);
    uint64_t left_ms = ends_ms > now ? ends_ms - now : 0;
    uint64_t idle_ms = http_of(client)->keepalive_timeout_ms - left_ms;
    uint64_t drain = drain_ms(client);

    if (client->state != CLIENT_IDLE || client->requests == 0)
        return;
    if (idle_ms >= drain)
        client_close(client);
    else if (left_ms > drain - idle_ms)
        set_timer(client, drain - idle_ms);
}

void client_wait_on(struct client *client)
{
    if (!timer_is_set(&client->timer)) {
        client_wait(client);
        return;
    }
    client->state = CLIENT_IDLE;
    client->request = NULL;
}

void client_linger(struct client *client)
{
    const struct http_settings *http = http_of(client);

    client->request = NULL;
    if (http->lingering_close == 0) {
        client_close(client);
        return;
    }
    client->state = CLIENT_LINGERING;
    client->opened_ms = loop_now_ms(client->service->loop) + http->lingering_time_ms;
    stream_shut(&client->stream);
    drop_input(client);
}

static void end(struct client *client)
{
    free(client->announced);
    client->announced = NULL;
    client->state = CLIENT_CLOSED;
    client->request = NULL;
    timer_clear(&client->timer);
    loop_forget(client->service->loop, &client->watch);
    stream_close(&client->stream);
    service_give_client(client->service, client);
}

void client_close(struct client *client)
{
    if (client->state == CLIENT_CLOSED)
        return;
    if (!stream_is_plain(&client->stream))
        stream_shut(&client->stream); /* close_notify: the end is meant */
    end(client);
}

void client_break(struct client *client, bool reset)
{
    if (reset)
        socket_reset_on_close(client->stream.fd);
    end(client);
}

void client_address(const struct client *client, struct address *address)
{
    *address = (struct address){0};
    if (client->from.family == AF_INET) {
        address->len = sizeof address->v4;
        address->v4 = client->from.v4;
    } else if (client->from.family == AF_INET6) {
        address->len = sizeof address->v6;
        address->v6 = client->from.v6;
    } else {
        address->len = sizeof address->path.sun_family;
        address->path.sun_family = AF_UNIX;
    }
}
