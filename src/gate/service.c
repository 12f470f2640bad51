#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/request.h"
#include "gate/service_health.h"
#include "gate/service_resolve.h"
#include "gate/service_state.h"

enum {
    CLIENTS_A_BLOCK = 64,
    SPARE_REQUESTS = 128, /* kept for the next ones */
};

struct client_block {
    struct client_block *before;
    struct client clients[CLIENTS_A_BLOCK];
};

static atomic_uint_fast64_t connections; /* of this worker, ever */
static atomic_uint_fast64_t open_connections;
static atomic_uint_fast64_t requests, busy; /* those of clients: begun ever, and in work now */
static atomic_uint_fast64_t began;          /* when the first loop opened */

/* Idle clients are many, and so they are cut from blocks. */
static struct client *take_client(struct service *s)
{
    struct client *client;

    if (list_is_empty(&s->spare_clients)) {
        struct client_block *block = calloc(1, sizeof *block);

        if (!block)
            return NULL;
        block->before = s->blocks;
        s->blocks = block;
        for (size_t i = 0; i < CLIENTS_A_BLOCK; i++)
            list_add_last(&s->spare_clients, &block->clients[i].all);
    }
    client = LIST_OWNER(s->spare_clients.next, struct client, all);
    list_remove(&client->all);
    return client;
}

void service_give_client(struct service *s, struct client *client)
{
    list_remove(&client->all);
    list_add(&s->spare_clients, &client->all);
    s->clients_count--;
    atomic_fetch_sub_explicit(&open_connections, 1, memory_order_relaxed);
}

struct request *service_take_request(struct service *s, struct client *client)
{
    struct request *r = s->spare_requests;

    if (r) {
        s->spare_requests = r->next_spare;
        s->spare_requests_count--;
    } else if (!(r = calloc(1, sizeof *r))) {
        return NULL;
    }
    r->service = s;
    r->client = client;
    atomic_fetch_add_explicit(&busy, 1, memory_order_relaxed);
    return r;
}

void service_count_request(void)
{
    atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed);
}

void service_requests(uint64_t *begun, uint64_t *in_work)
{
    *begun = atomic_load_explicit(&requests, memory_order_relaxed);
    *in_work = atomic_load_explicit(&busy, memory_order_relaxed);
}

void service_give_request(struct service *s, struct request *r)
{
    atomic_fetch_sub_explicit(&busy, 1, memory_order_relaxed);
    if (s->spare_requests_count == SPARE_REQUESTS) {
        arena_clear(&r->arena);
        free(r);
        return;
    }
    r->next_spare = s->spare_requests;
    s->spare_requests = r;
    s->spare_requests_count++;
}

static void write_log(struct task *task)
{
    journal_turn_end(&LIST_OWNER(task, struct service, log_task)->log_turn);
}

enum rc service_open(struct service **out, struct loop *loop, struct site *site,
                     unsigned index, struct fault *why)
{
    struct service *s = calloc(1, sizeof *s);
    enum rc rc;

    if (!s)
        return fail(why, RC_MEMORY, "no memory for a worker's loop");
    site_hold(site);
    if (index == 0)
        site_begin(site, loop_now_ms(loop));
    if (atomic_load(&began) == 0)
        atomic_store(&began, loop_now_ms(loop));
    s->loop = loop;
    s->site = site;
    s->index = index;
    s->log_task.run = write_log;
    list_init(&s->clients);
    list_init(&s->spare_clients);
    list_init(&s->woken);
    pthread_mutex_init(&s->woken_lock, NULL);
    s->in = malloc(SCRATCH_IN);
    s->out = malloc(SCRATCH_OUT);
    if (!s->in || !s->out)
        rc = fail(why, RC_MEMORY, "no memory for a loop's buffers");
    else
        rc = origins_open(&s->origins, loop, site->upstreams_count, why);
    if (rc == RC_OK)
        rc = resolvers_open(&s->resolvers, loop, site, index == 0, why);
    if (rc == RC_OK && index == 0)
        rc = health_watch_open(&s->health, loop, site, why);
    if (rc != RC_OK) {
        service_close(s);
        return rc;
    }
    *out = s;
    return RC_OK;
}

void service_accept(struct service *s, const struct listener *listener, int fd,
                    const struct address *from)
{
    struct client *client = take_client(s);

    if (!client) {
        log_line(LOG_LEVEL_ALERT, "no memory for a connection");
        close(fd);
        return;
    }
    *client = (struct client){
        .service = s,
        .listener = listener,
        .number = atomic_fetch_add_explicit(&connections, 1, memory_order_relaxed) + 1,
    };
    memcpy(&client->from, &from->any,
           from->len < sizeof client->from ? from->len : sizeof client->from);
    if (from->len < sizeof(sa_family_t))
        client->from.family = AF_UNIX;
    list_add_last(&s->clients, &client->all);
    s->clients_count++;
    atomic_fetch_add_explicit(&open_connections, 1, memory_order_relaxed);
    client_begin(client, fd);
}

void service_wake_request(struct service *s, struct request *r)
{
    pthread_mutex_lock(&s->woken_lock);
    list_add_last(&s->woken, &r->woken);
    pthread_mutex_unlock(&s->woken_lock);
    loop_wake(s->loop);
}

void service_forget_woken(struct service *s, struct request *r)
{
    pthread_mutex_lock(&s->woken_lock);
    list_remove(&r->woken);
    pthread_mutex_unlock(&s->woken_lock);
}

static struct request *first_woken(struct service *s)
{
    struct request *r = NULL;

    pthread_mutex_lock(&s->woken_lock);
    if (!list_is_empty(&s->woken)) {
        r = LIST_OWNER(s->woken.next, struct request, woken);
        list_remove(&r->woken);
    }
    pthread_mutex_unlock(&s->woken_lock);
    return r;
}

void service_take_woken(struct service *s)
{
    struct request *r;

    while ((r = first_woken(s)))
        request_run(r);
}

void service_drain(struct service *s)
{
    struct list *at = s->clients.next, *next;

    s->draining = true;
    health_watch_close(s->health);
    s->health = NULL;
    site_leave(s->site, loop_now_ms(s->loop));
    origins_drain(s->origins);
    for (; at != &s->clients; at = next) {
        struct client *client = LIST_OWNER(at, struct client, all);

        next = at->next;
        client_drain(client);
    }
}

size_t service_connections(const struct service *s)
{
    return s->clients_count;
}

void service_totals(uint64_t *accepted, uint64_t *active, uint64_t *began_ms)
{
    *accepted = atomic_load_explicit(&connections, memory_order_relaxed);
    *active = atomic_load_explicit(&open_connections, memory_order_relaxed);
    *began_ms = atomic_load_explicit(&began, memory_order_relaxed);
}

bool service_is_idle(const struct service *s)
{
    return s->clients_count == 0;
}

void service_close(struct service *s)
{
    if (!s)
        return;
    while (!list_is_empty(&s->clients)) {
        struct client *client = LIST_OWNER(s->clients.next, struct client, all);

        if (client->request)
            request_abort(client->request);
        else
            client_close(client);
    }
    loop_cancel(s->loop, &s->log_task);
    journal_turn_end(&s->log_turn);
    while (s->spare_requests) {
        struct request *r = s->spare_requests;

        s->spare_requests = r->next_spare;
        arena_clear(&r->arena);
        free(r);
    }
    while (s->blocks) {
        struct client_block *block = s->blocks;

        s->blocks = block->before;
        free(block);
    }
    health_watch_close(s->health);
    resolvers_close(s->resolvers);
    origins_close(s->origins);
    gzip_stream_close(s->spare_gzip);
    pthread_mutex_destroy(&s->woken_lock);
    free(s->in);
    free(s->out);
    site_release(s->site);
    free(s);
}
