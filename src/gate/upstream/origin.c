#include "gate/upstream/origin.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/socket.h"

struct idle_list {
    struct list ring; /* the one used last is first */
    size_t count;
};

/*
 * `lock` is for the idle ones and the withdrawn ones, which other loops look at; what is in use is its own
 * thread's alone.
 */
struct origins {
    struct loop *loop;
    struct list link; /* in `pools` */
    pthread_mutex_t lock;
    struct list withdrawn;
    struct list spare; /* closed ones, to be used again */
    size_t count;
    bool draining;
    struct idle_list idle[]; /* by upstream; the last is for those without */
};

/* All of this process. The lock is taken before that of a pool. */
static struct list pools = {&pools, &pools};
static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint_fast64_t pools_count;

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
    list_init(&pool->withdrawn);
    pthread_mutex_init(&pool->lock, NULL);
    for (size_t i = 0; i <= count; i++)
        list_init(&pool->idle[i].ring);
    pthread_mutex_lock(&pools_lock);
    list_add_last(&pools, &pool->link);
    atomic_fetch_add(&pools_count, 1);
    pthread_mutex_unlock(&pools_lock);
    *out = pool;
    return RC_OK;
}

/* One more idle connection of the upstream, or one less: all loops' are counted together. */
static uint64_t count_idle(const struct upstream_settings *upstream, int64_t more)
{
    return upstream ? atomic_fetch_add(upstream->idle, (uint64_t)more) + (uint64_t)more : 0;
}

/* Out of a list, with the lock held. */
static void take_out(struct idle_list *idle, struct origin *origin)
{
    list_remove(&origin->idle);
    idle->count--;
    (void)count_idle(origin->upstream, -1);
}

/* What other loops have left here may be used again. With the lock held. */
static void reap(struct origins *pool)
{
    while (!list_is_empty(&pool->withdrawn)) {
        struct origin *origin = LIST_OWNER(pool->withdrawn.next, struct origin, idle);

        list_remove(&origin->idle);
        timer_clear(&origin->timer);
        loop_forget(pool->loop, &origin->watch);
        list_add(&pool->spare, &origin->idle);
    }
}

/* The idle one of a list that was used longest ago, taken out of it; NULL: it has fewer than `least`. */
static struct origin *take_oldest(struct origins *pool, struct idle_list *idle, size_t least)
{
    struct origin *origin = NULL;

    pthread_mutex_lock(&pool->lock);
    reap(pool);
    if (idle->count >= least) {
        origin = LIST_OWNER(idle->ring.prev, struct origin, idle);
        take_out(idle, origin);
    }
    pthread_mutex_unlock(&pool->lock);
    return origin;
}

void origins_drain(struct origins *pool)
{
    struct origin *origin;

    pool->draining = true;
    for (size_t i = 0; i <= pool->count; i++)
        while ((origin = take_oldest(pool, &pool->idle[i], 1)))
            origin_close(origin);
}

void origins_close(struct origins *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pools_lock);
    list_remove(&pool->link);
    atomic_fetch_sub(&pools_count, 1);
    pthread_mutex_unlock(&pools_lock);
    origins_drain(pool);
    pthread_mutex_destroy(&pool->lock);
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

/* An idle one is this thread's alone again; false: another loop has taken it meanwhile. */
static bool take_back(struct origin *origin)
{
    struct origins *pool = origin->pool;
    bool taken;

    pthread_mutex_lock(&pool->lock);
    taken = !origin->withdrawn;
    if (taken)
        take_out(list_of(pool, origin->upstream), origin);
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

/* How many the upstream has then. */
static uint64_t add_idle(struct origin *origin)
{
    struct origins *pool = origin->pool;
    struct idle_list *idle = list_of(pool, origin->upstream);
    uint64_t count;

    pthread_mutex_lock(&pool->lock);
    list_add(&idle->ring, &origin->idle);
    idle->count++;
    count = count_idle(origin->upstream, 1);
    pthread_mutex_unlock(&pool->lock);
    return count;
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
    else if (take_back(origin)) {
        if (is_quiet(origin))
            (void)add_idle(origin);
        else
            origin_close(origin);
    }
}

static void on_idle_timeout(struct timer *timer)
{
    struct origin *origin = LIST_OWNER(timer, struct origin, timer);

    if (take_back(origin))
        origin_close(origin);
}

static bool are_bound_alike(const struct address *a, const struct address *b)
{
    return a->len == b->len && (a->len == 0 || address_equal(a, b));
}

static bool fits(const struct origin *origin, const struct origin_target *target,
                 uint64_t hash)
{
    return origin->address == target->address && origin->upstream == target->upstream &&
           origin->tls == target->tls && origin->name_hash == hash &&
           origin->owner == target->owner && are_bound_alike(&origin->local, &target->local);
}

static struct origin *take_own(struct origins *pool, const struct origin_target *target,
                               uint64_t hash)
{
    struct idle_list *idle = list_of(pool, target->upstream);

    reap(pool);
    for (struct list *at = idle->ring.next; at != &idle->ring; at = at->next) {
        struct origin *origin = LIST_OWNER(at, struct origin, idle);

        if (!fits(origin, target, hash) || loop_has_news(pool->loop, &origin->watch))
            continue;
        take_out(idle, origin);
        timer_clear(&origin->timer);
        return origin;
    }
    return NULL;
}

/* Nothing has come: asked from another loop, so that what its own knows of it does not count. */
static bool is_silent(struct origin *origin)
{
    size_t got;
    uint8_t byte;

    return stream_is_plain(&origin->stream)
               ? origin_is_fresh(origin)
               : stream_read(&origin->stream, &byte, 1, &got) == RC_AGAIN;
}

/* Takes what the connection is made of; with the lock of its pool. What is left waits to be used again. */
static void withdraw(struct origin *origin, struct origin *into)
{
    struct origins *other = origin->pool;

    loop_withdraw(other->loop, origin->stream.fd);
    *into = (struct origin){.stream = origin->stream,
                            .upstream = origin->upstream,
                            .tls = origin->tls,
                            .name_hash = origin->name_hash,
                            .owner = origin->owner,
                            .address = origin->address,
                            .local = origin->local,
                            .opened_ms = origin->opened_ms,
                            .requests = origin->requests};
    origin->withdrawn = true;
    take_out(list_of(other, origin->upstream), origin);
    list_add(&other->withdrawn, &origin->idle);
}

/* One of another loop that fits, of which there is no news. */
static bool withdraw_fit(struct origins *other, const struct origin_target *target,
                         uint64_t hash, struct origin *into)
{
    struct idle_list *idle = list_of(other, target->upstream);
    bool found = false;

    pthread_mutex_lock(&other->lock);
    for (struct list *at = idle->ring.next; at != &idle->ring && !found; at = at->next) {
        struct origin *origin = LIST_OWNER(at, struct origin, idle);

        found = fits(origin, target, hash) && is_silent(origin);
        if (found)
            withdraw(origin, into);
    }
    pthread_mutex_unlock(&other->lock);
    return found;
}

static struct origin *new_origin(struct origins *pool)
{
    struct origin *origin;

    if (list_is_empty(&pool->spare))
        return malloc(sizeof *origin);
    origin = LIST_OWNER(pool->spare.next, struct origin, idle);
    list_remove(&origin->idle);
    return origin;
}

/* Makes the connection that was another loop's one of this loop. */
static struct origin *adopt(struct origins *pool, struct origin *model)
{
    struct origin *origin = new_origin(pool);

    if (!origin) {
        stream_close(&model->stream);
        return NULL;
    }
    *origin = *model;
    origin->watch = (struct watch){.fd = model->stream.fd, .ready = on_event};
    origin->pool = pool;
    origin->writable = true;
    list_init(&origin->idle);
    if (loop_add(pool->loop, &origin->watch, NULL) == RC_OK)
        return origin;
    origin_close(origin);
    return NULL;
}

static struct origin *take_of_others(struct origins *pool, const struct origin_target *target,
                                     uint64_t hash)
{
    struct origin model;
    bool found = false;

    pthread_mutex_lock(&pools_lock);
    for (struct list *at = pools.next; at != &pools && !found; at = at->next) {
        struct origins *other = LIST_OWNER(at, struct origins, link);

        if (other != pool && other->count == pool->count)
            found = withdraw_fit(other, target, hash, &model);
    }
    pthread_mutex_unlock(&pools_lock);
    return found ? adopt(pool, &model) : NULL;
}

/* Closes the one that another loop has used longest ago. */
static void close_of_others(struct origins *pool, const struct upstream_settings *upstream)
{
    struct origin model;
    bool found = false;

    pthread_mutex_lock(&pools_lock);
    for (struct list *at = pools.next; at != &pools && !found; at = at->next) {
        struct origins *other = LIST_OWNER(at, struct origins, link);
        struct idle_list *idle = list_of(other, upstream);

        if (other == pool || other->count != pool->count)
            continue;
        pthread_mutex_lock(&other->lock);
        found = idle->count > 0;
        if (found)
            withdraw(LIST_OWNER(idle->ring.prev, struct origin, idle), &model);
        pthread_mutex_unlock(&other->lock);
    }
    pthread_mutex_unlock(&pools_lock);
    if (found)
        stream_close(&model.stream);
}

/* The upstream has one idle connection too many: this loop's oldest goes, or another's where it has none but the last. */
static void make_room(struct origins *pool, const struct upstream_settings *upstream)
{
    struct origin *oldest = take_oldest(pool, list_of(pool, upstream), 2);

    if (oldest)
        origin_close(oldest);
    else
        close_of_others(pool, upstream);
}

struct origin *origins_take(struct origins *pool, const struct origin_target *target)
{
    uint64_t hash = target->tls ? hash_name(target->name) : 0;
    struct origin *origin;

    if (target->announcement.len > 0 || !target->upstream)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    origin = take_own(pool, target, hash);
    pthread_mutex_unlock(&pool->lock);
    return origin ? origin : take_of_others(pool, target, hash);
}

static enum rc start_tls(struct origin *origin, const struct origin_target *target,
                         struct fault *why)
{
    return target->tls
               ? tls_client_start(&origin->stream, target->tls, span_text(target->name), why)
               : RC_OK;
}

/* errno says why. */
static enum rc refused(struct fault *why)
{
    return fail(why, RC_IO, "connect() failed (%d: %s)", errno, strerror(errno));
}

static void set_buffer(int fd, int option, uint64_t size)
{
    const int wanted = size < INT_MAX ? (int)size : INT_MAX;

    if (size > 0)
        setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof wanted);
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
        return fail_errno(why, socket_is_short(errno) ? RC_MEMORY : RC_IO,
                          "no socket for an upstream connection");
    if (target->address->any.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (target->socket_keepalive)
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    set_buffer(fd, SO_RCVBUF, target->socket_rcvbuf);
    set_buffer(fd, SO_SNDBUF, target->socket_sndbuf);
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
        rc = refused(why);
        close(fd);
        return rc;
    }
    if (!(origin = new_origin(pool))) {
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
        .owner = target->owner,
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
        return refused(why);
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

bool origin_has_ended(struct origin *origin)
{
    char byte;
    ssize_t got;

    if (!stream_is_plain(&origin->stream))
        return false; /* its bytes are not those of the socket */
    got = recv(origin->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

void origins_give(struct origin *origin)
{
    struct origins *pool = origin->pool;
    const struct upstream_settings *u = origin->upstream;

    origin->requests++;
    if (pool->draining || origin->announced || !u || u->keepalive == 0 ||
        origin->requests >= u->keepalive_requests ||
        loop_now_ms(pool->loop) - origin->opened_ms >= u->keepalive_time_ms ||
        !is_quiet(origin)) {
        origin_close(origin);
        return;
    }
    origin->ready = NULL;
    origin->user = NULL;
    origin->timer.fire = on_idle_timeout;
    timer_set(loop_timers(pool->loop), &origin->timer, u->keepalive_timeout_ms);
    if (add_idle(origin) > u->keepalive * atomic_load(&pools_count))
        make_room(pool, u);
}

void origin_close(struct origin *origin)
{
    if (!origin)
        return;
    timer_clear(&origin->timer);
    loop_forget(origin->pool->loop, &origin->watch);
    stream_close(&origin->stream);
    list_add(&origin->pool->spare, &origin->idle);
}
