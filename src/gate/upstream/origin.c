#include "gate/upstream/origin.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct idle_list {
    struct list ring; /* the one used last is first */
    size_t count;
};

struct origins {
    struct loop *loop;
    struct list spare; /* closed ones, to be used again */
    size_t count;
    bool draining;
    struct idle_list idle[]; /* by upstream; the last is for those without */
};

static struct idle_list *list_of(struct origins *pool,
                                 const struct upstream_settings *upstream)
{
    return &pool->idle[upstream && upstream->index < pool->count ? upstream->index
                                                                 : pool->count];
}

enum rc origins_open(struct origins **out, struct loop *loop, size_t count, struct fault *why)
{
    struct origins *pool = calloc(1, sizeof *pool + (count + 1) * sizeof *pool->idle);

    if (!pool)
        return fail(why, RC_MEMORY, "no memory for the pool of upstream connections");
    pool->loop = loop;
    pool->count = count;
    list_init(&pool->spare);
    for (size_t i = 0; i <= count; i++)
        list_init(&pool->idle[i].ring);
    *out = pool;
    return RC_OK;
}

void origins_drain(struct origins *pool)
{
    pool->draining = true;
    for (size_t i = 0; i <= pool->count; i++)
        while (!list_is_empty(&pool->idle[i].ring))
            origin_close(LIST_OWNER(pool->idle[i].ring.next, struct origin, idle));
}

void origins_close(struct origins *pool)
{
    if (!pool)
        return;
    origins_drain(pool);
    while (!list_is_empty(&pool->spare)) {
        struct origin *origin = LIST_OWNER(pool->spare.next, struct origin, idle);

        list_remove(&origin->idle);
        free(origin);
    }
    free(pool);
}

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; name && *name; name++)
        hash = (hash ^ (uint8_t)*name) * 1099511628211u;
    return hash;
}

/* Nothing waits to be read. TLS may have had something of its own to say, such as a session ticket. */
static bool is_quiet(struct origin *origin)
{
    size_t got;
    uint8_t byte;

    if (origin->hangup)
        return false;
    if (origin->readable && stream_read(&origin->stream, &byte, 1, &got) != RC_AGAIN)
        return false;
    origin->readable = false;
    return true;
}

static void on_event(struct watch *watch, unsigned what)
{
    struct origin *origin = LIST_OWNER(watch, struct origin, watch);

    if (what & LOOP_READ)
        origin->readable = true;
    if (what & LOOP_WRITE)
        origin->writable = true;
    if (what & LOOP_HANGUP)
        origin->readable = origin->hangup = true;
    if (!stream_is_plain(
            &origin->stream)) /* whose reads may wait to write, and the other way round */
        origin->readable = origin->writable = true;
    if (origin->ready)
        origin->ready(origin);
    else if (!is_quiet(origin))
        origin_close(origin);
}

static void on_idle_timeout(struct timer *timer)
{
    origin_close(LIST_OWNER(timer, struct origin, timer));
}

static bool are_bound_alike(const struct address *a, const struct address *b)
{
    return a->len == b->len && (a->len == 0 || address_equal(a, b));
}

struct origin *origins_take(struct origins *pool, const struct origin_target *target)
{
    struct idle_list *idle = list_of(pool, target->upstream);
    uint64_t hash = target->tls ? hash_name(target->name) : 0;

    for (struct list *at = idle->ring.next; at != &idle->ring; at = at->next) {
        struct origin *origin = LIST_OWNER(at, struct origin, idle);

        if (target->announcement.len > 0 || !are_bound_alike(&origin->local, &target->local) ||
            origin->upstream != target->upstream || origin->address != target->address ||
            origin->tls != target->tls || origin->name_hash != hash ||
            loop_has_news(pool->loop, &origin->watch))
            continue;
        list_remove(&origin->idle);
        idle->count--;
        timer_clear(&origin->timer);
        return origin;
    }
    return NULL;
}

static enum rc start_tls(struct origin *origin, const struct origin_target *target,
                         struct fault *why)
{
    return target->tls
               ? tls_client_start(&origin->stream, target->tls, span_text(target->name), why)
               : RC_OK;
}

enum rc origin_open(struct origin **out, struct origins *pool,
                    const struct origin_target *target, struct fault *why)
{
    struct origin *origin;
    const int on = 1;
    enum rc rc;
    int fd =
        socket(target->address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail_errno(why, RC_IO, "no socket for an upstream connection");
    if (target->address->any.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (target->socket_keepalive)
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (target->local.len > 0) {
        setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, &target->local.any, target->local.len) != 0) {
            rc = fail_errno(why, RC_IO, "bind() failed");
            close(fd);
            return rc;
        }
    }
    if (connect(fd, &target->address->any, target->address->len) != 0 &&
        errno != EINPROGRESS) {
        rc = fail_errno(why, RC_IO, "connect() failed");
        close(fd);
        return rc;
    }
    if (!list_is_empty(&pool->spare)) {
        origin = LIST_OWNER(pool->spare.next, struct origin, idle);
        list_remove(&origin->idle);
    } else if (!(origin = malloc(sizeof *origin))) {
        close(fd);
        return fail(why, RC_MEMORY, "no memory for an upstream connection");
    }
    *origin = (struct origin){
        .watch = {.fd = fd, .ready = on_event},
        .stream = {.kind = &stream_socket, .fd = fd},
        .pool = pool,
        .upstream = target->upstream,
        .address = target->address,
        .tls = target->tls,
        .name_hash = target->tls ? hash_name(target->name) : 0,
        .opened_ms = loop_now_ms(pool->loop),
        .connecting = true,
        .local = target->local,
        .announcement = target->announcement,
    };
    list_init(&origin->idle);
    if ((rc = loop_add(pool->loop, &origin->watch, why)) != RC_OK ||
        (rc = start_tls(origin, target, why)) != RC_OK) {
        origin_close(origin);
        return rc;
    }
    *out = origin;
    return RC_OK;
}

/* A connection that is new has room for so few bytes. */
static enum rc announce(struct origin *origin, struct fault *why)
{
    struct span bytes = origin->announcement;

    if (bytes.len == 0 || origin->announced)
        return RC_OK;
    if (send(origin->stream.fd, bytes.at, bytes.len, MSG_NOSIGNAL) != (ssize_t)bytes.len)
        return fail_errno(why, RC_IO, "the PROXY protocol's header could not be sent");
    origin->announced = true;
    return RC_OK;
}

enum rc origin_finish_connect(struct origin *origin, struct fault *why)
{
    int cause = 0;
    socklen_t len = sizeof cause;
    enum rc rc;

    if (!origin->writable && !origin->readable)
        return RC_AGAIN;
    if (getsockopt(origin->stream.fd, SOL_SOCKET, SO_ERROR, &cause, &len) != 0 || cause != 0) {
        errno = cause;
        return fail_errno(why, RC_IO, "connect() failed");
    }
    if ((rc = announce(origin, why)) != RC_OK)
        return rc;
    if ((rc = stream_handshake(&origin->stream, why)) != RC_OK)
        return rc;
    origin->connecting = false;
    return RC_OK;
}

bool origin_is_fresh(struct origin *origin)
{
    char byte;

    return recv(origin->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void origins_give(struct origin *origin)
{
    struct origins *pool = origin->pool;
    const struct upstream_settings *u = origin->upstream;
    struct idle_list *idle = list_of(pool, u);

    origin->requests++;
    if (pool->draining || origin->announced || !u || u->keepalive == 0 ||
        origin->requests >= u->keepalive_requests ||
        loop_now_ms(pool->loop) - origin->opened_ms >= u->keepalive_time_ms ||
        !is_quiet(origin)) {
        origin_close(origin);
        return;
    }
    if (idle->count >= u->keepalive)
        origin_close(LIST_OWNER(idle->ring.prev, struct origin, idle));
    origin->ready = NULL;
    origin->user = NULL;
    list_add(&idle->ring, &origin->idle);
    idle->count++;
    origin->timer.fire = on_idle_timeout;
    timer_set(loop_timers(pool->loop), &origin->timer, u->keepalive_timeout_ms);
}

void origin_close(struct origin *origin)
{
    if (!origin)
        return;
    if (!list_is_empty(&origin->idle)) {
        list_of(origin->pool, origin->upstream)->count--;
        list_remove(&origin->idle);
    }
    timer_clear(&origin->timer);
    loop_forget(origin->pool->loop, &origin->watch);
    stream_close(&origin->stream);
    list_add(&origin->pool->spare, &origin->idle);
}
