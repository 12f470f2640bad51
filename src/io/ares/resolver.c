#include "io/ares/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum {
    SOCKETS = 32,
    TICK_MS = 50,  /* while something is asked: what an event does not tell of */
    TRY_MS = 2000, /* of one server */
    TTL_MAX_MS = 24 * 3600 * 1000,
    NAME_MAX_LEN = 255,
};

struct resolver {
    struct loop *loop;
    ares_channel channel;
    struct resolver_options options;
    struct timer tick;
    size_t asked; /* questions that are not answered */
    bool closing;
    struct ares_socket {
        struct watch watch; /* fd -1: free */
        struct resolver *resolver;
    } sockets[SOCKETS];
};

/* What one query asks: parts of it are several questions of DNS. */
struct question {
    struct resolver *resolver;
    struct resolver_query *query; /* NULL: it was cancelled */
    struct task task;             /* tells the query */
    struct timer timeout;
    size_t parts; /* not answered */
    bool failed;  /* of some part nobody could say */
    uint16_t port;
    struct resolver_answer answer;
    struct fault why;
};

/* One name of a question, of both families. */
struct part {
    struct question *question;
    uint16_t port, priority, weight;
    char name[NAME_MAX_LEN + 1];
};

/* ---- the library's sockets on our loop ---- */

static void on_event(struct watch *watch, unsigned what)
{
    struct ares_socket *socket = LIST_OWNER(watch, struct ares_socket, watch);
    bool read = what & (LOOP_READ | LOOP_HANGUP), write = what & LOOP_WRITE;

    ares_process_fd(socket->resolver->channel, read ? watch->fd : ARES_SOCKET_BAD,
                    write ? watch->fd : ARES_SOCKET_BAD);
}

static void forget(struct resolver *r, int fd)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        if (r->sockets[i].watch.fd != fd)
            continue;
        loop_remove(r->loop, &r->sockets[i].watch);
        r->sockets[i].watch.fd = -1;
    }
}

static void on_socket(void *of, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = of;

    if (!readable && !writable) {
        forget(r, fd);
        return;
    }
    for (size_t i = 0; i < SOCKETS; i++)
        if (r->sockets[i].watch.fd == fd)
            return;
    for (size_t i = 0; i < SOCKETS; i++) {
        struct ares_socket *socket = &r->sockets[i];

        if (socket->watch.fd >= 0)
            continue;
        *socket = (struct ares_socket){{.fd = fd, .ready = on_event}, r};
        if (loop_add(r->loop, &socket->watch, NULL) != RC_OK)
            socket->watch.fd = -1; /* the tick reads it */
        return;
    }
}

static void on_tick(struct timer *timer)
{
    struct resolver *r = LIST_OWNER(timer, struct resolver, tick);
    int fds[SOCKETS];
    size_t count = 0;

    for (size_t i = 0; i < SOCKETS; i++)
        if (r->sockets[i].watch.fd >= 0)
            fds[count++] = r->sockets[i].watch.fd;
    for (size_t i = 0; i < count; i++)
        ares_process_fd(r->channel, fds[i], fds[i]);
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (r->asked > 0)
        timer_set(loop_timers(r->loop), &r->tick, TICK_MS);
}

static void begin_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

static enum rc set_servers(struct resolver *r, const struct resolver_options *options,
                           struct fault *why)
{
    struct text csv = {0};
    enum rc rc = RC_OK;

    for (size_t i = 0; i < options->servers_count; i++) {
        char text[ADDRESS_TEXT];

        text_printf(&csv, "%s%.*s", i ? "," : "",
                    SPAN_ARG(address_text(&options->servers[i], text, false)));
    }
    if (!text_ok(&csv) ||
        (csv.at && ares_set_servers_ports_csv(r->channel, csv.at) != ARES_SUCCESS))
        rc = fail(why, RC_MEMORY, "no memory for the servers of a resolver");
    text_clear(&csv);
    return rc;
}

enum rc resolver_open(struct resolver **out, struct loop *loop,
                      const struct resolver_options *options, struct fault *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct resolver *r = calloc(1, sizeof *r);
    struct ares_options library = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = options->timeout_ms < TRY_MS ? (int)options->timeout_ms : TRY_MS,
        .tries = 3,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = r,
    };
    enum rc rc;
    int status;

    pthread_once(&once, begin_library);
    if (!r)
        return fail(why, RC_MEMORY, "no memory for a resolver");
    r->loop = loop;
    r->options = *options;
    r->tick.fire = on_tick;
    for (size_t i = 0; i < SOCKETS; i++)
        r->sockets[i].watch.fd = -1;
    status = ares_init_options(&r->channel, &library,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_ROTATE);
    if (status != ARES_SUCCESS) {
        free(r);
        return fail(why, RC_IO, "the resolver cannot begin: %s", ares_strerror(status));
    }
    if ((rc = set_servers(r, options, why)) != RC_OK) {
        resolver_close(r);
        return rc;
    }
    *out = r;
    return RC_OK;
}

void resolver_close(struct resolver *r)
{
    if (!r)
        return;
    r->closing = true;
    ares_destroy(r->channel); /* calls back what runs */
    timer_clear(&r->tick);
    free(r);
}

/* ---- questions ---- */

static void end_question(struct question *q)
{
    timer_clear(&q->timeout);
    loop_cancel(q->resolver->loop, &q->task);
    if (q->query)
        q->query->question = NULL;
    q->query = NULL;
    if (q->parts == 0)
        free(q);
}

static void tell(struct task *task)
{
    struct question *q = LIST_OWNER(task, struct question, task);
    struct resolver_query *query = q->query;
    struct resolver_answer answer = q->answer;
    struct fault why = q->why;
    enum rc rc = answer.count > 0 ? RC_OK : q->failed ? RC_IO : RC_NOT_FOUND;

    end_question(q);
    if (query)
        query->done(query, rc, &answer, &why);
}

static void on_timeout(struct timer *timer)
{
    struct question *q = LIST_OWNER(timer, struct question, timeout);

    q->failed = true;
    (void)fail(&q->why, RC_IO, "Operation timed out");
    tell(&q->task);
}

void resolver_cancel(struct resolver_query *query)
{
    if (query->question)
        end_question(query->question);
}

/* One part is answered. The last one tells, when the library has returned. */
static void end_part(struct question *q)
{
    q->parts--;
    q->resolver->asked--;
    if (q->resolver->closing) {
        if (q->query)
            q->query->question = NULL;
        q->query = NULL;
        timer_clear(&q->timeout);
        loop_cancel(q->resolver->loop, &q->task);
        if (q->parts == 0)
            free(q);
        return;
    }
    if (q->parts > 0)
        return;
    if (q->query)
        loop_defer(q->resolver->loop, &q->task);
    else
        free(q);
}

static void add(struct part *part, const struct address *address, int ttl_s)
{
    struct resolver_answer *answer = &part->question->answer;
    uint64_t ttl_ms = ttl_s < 0 ? 0 : (uint64_t)ttl_s * 1000;

    for (size_t i = 0; i < answer->count; i++)
        if (address_equal(&answer->all[i].address, address))
            return;
    if (answer->count == RESOLVER_ADDRESSES)
        return;
    answer->all[answer->count++] = (struct resolved){*address, part->priority, part->weight};
    if (ttl_ms < answer->ttl_ms)
        answer->ttl_ms = ttl_ms;
}

/* No such name, or no such record: said by the server. All else is nobody's word. */
static void note_failure(struct question *q, int status)
{
    bool said = status == ARES_ENOTFOUND || status == ARES_ENODATA;

    q->failed = q->failed || !said;
    (void)fail(&q->why, said ? RC_NOT_FOUND : RC_IO, "%s",
               said ? "Host not found" : ares_strerror(status));
}

static void on_v4(void *of, int status, int timeouts, unsigned char *bytes, int len)
{
    struct part *part = of;
    struct ares_addrttl found[RESOLVER_ADDRESSES];
    int count = RESOLVER_ADDRESSES;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_a_reply(bytes, len, NULL, found, &count);
    if (status != ARES_SUCCESS)
        note_failure(part->question, status);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct address address = {.len = sizeof address.v4,
                                  .v4 = {.sin_family = AF_INET,
                                         .sin_port = htons(part->port),
                                         .sin_addr = found[i].ipaddr}};

        add(part, &address, found[i].ttl);
    }
    end_part(part->question);
    free(part);
}

static void on_v6(void *of, int status, int timeouts, unsigned char *bytes, int len)
{
    struct part *part = of;
    struct ares_addr6ttl found[RESOLVER_ADDRESSES];
    int count = RESOLVER_ADDRESSES;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_aaaa_reply(bytes, len, NULL, found, &count);
    if (status != ARES_SUCCESS)
        note_failure(part->question, status);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct address address = {
            .len = sizeof address.v6,
            .v6 = {.sin6_family = AF_INET6, .sin6_port = htons(part->port)}};

        memcpy(&address.v6.sin6_addr, &found[i].ip6addr, 16);
        add(part, &address, found[i].ttl);
    }
    end_part(part->question);
    free(part);
}

static void send_part(const struct part *model, int type, ares_callback done)
{
    struct question *q = model->question;
    struct part *part = malloc(sizeof *part);

    if (!part) {
        q->failed = true;
        (void)fail(&q->why, RC_MEMORY, "no memory for a question of DNS");
        return;
    }
    *part = *model;
    q->parts++;
    q->resolver->asked++;
    ares_query(q->resolver->channel, part->name, ns_c_in, type, done, part);
}

static void send_both(const struct part *part)
{
    const struct resolver_options *o = &part->question->resolver->options;

    if (!o->no_ipv4)
        send_part(part, ns_t_a, on_v4);
    if (!o->no_ipv6)
        send_part(part, ns_t_aaaa, on_v6);
}

/* The TTL of the first record of an answer; the library does not tell it of services. */
static int first_ttl(const unsigned char *bytes, int len)
{
    const unsigned char *at = bytes + NS_HFIXEDSZ;
    unsigned questions = len >= NS_HFIXEDSZ ? (unsigned)(bytes[4] << 8 | bytes[5]) : 0;
    char *name;
    long used;

    for (unsigned i = 0; i <= questions; i++) {
        if (at >= bytes + len ||
            ares_expand_name(at, bytes, len, &name, &used) != ARES_SUCCESS)
            return 0;
        ares_free_string(name);
        at += used + (i < questions ? NS_QFIXEDSZ : 0);
    }
    if (len < NS_HFIXEDSZ || at + NS_RRFIXEDSZ > bytes + len)
        return 0;
    return (int)((unsigned)at[4] << 24 | (unsigned)at[5] << 16 | (unsigned)at[6] << 8 | at[7]);
}

static void ask_hosts(struct question *q, const struct ares_srv_reply *list)
{
    int count = 0;

    for (; list && count < RESOLVER_SERVICES; list = list->next, count++) {
        struct part part = {.question = q,
                            .port = list->port,
                            .priority = list->priority,
                            .weight = list->weight};

        if (snprintf(part.name, sizeof part.name, "%s", list->host) < (int)sizeof part.name)
            send_both(&part);
    }
}

static void on_service(void *of, int status, int timeouts, unsigned char *bytes, int len)
{
    struct part *part = of;
    struct question *q = part->question;
    struct ares_srv_reply *list = NULL;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(bytes, len, &list);
    if (status != ARES_SUCCESS) {
        note_failure(q, status);
    } else if (!q->resolver->closing) {
        uint64_t ttl_ms = (uint64_t)first_ttl(bytes, len) * 1000;

        q->answer.ttl_ms = ttl_ms < q->answer.ttl_ms ? ttl_ms : q->answer.ttl_ms;
        ask_hosts(q, list);
    }
    ares_free_data(list);
    end_part(q);
    free(part);
}

static void begin(struct resolver *r, struct resolver_query *query, struct span name,
                  uint16_t port, bool service)
{
    struct question *q = calloc(1, sizeof *q);
    struct part part = {.question = q, .port = port};

    if (!q) /* the caller's own timer is what is left */
        return;
    *q = (struct question){.resolver = r,
                           .query = query,
                           .task = {.run = tell},
                           .timeout = {.fire = on_timeout},
                           .answer = {.ttl_ms = TTL_MAX_MS}};
    query->question = q;
    timer_set(loop_timers(r->loop), &q->timeout, r->options.timeout_ms);
    q->parts++; /* until all are sent: an answer may come at once */
    r->asked++;
    if (name.len > 0 && name.len <= NAME_MAX_LEN) {
        memcpy(part.name, name.at, name.len);
        if (service)
            send_part(&part, ns_t_srv, on_service);
        else
            send_both(&part);
    }
    if (!timer_is_set(&r->tick))
        timer_set(loop_timers(r->loop), &r->tick, TICK_MS);
    end_part(q);
}

void resolver_ask(struct resolver *resolver, struct resolver_query *query, struct span name,
                  uint16_t port)
{
    begin(resolver, query, name, port, false);
}

void resolver_ask_service(struct resolver *resolver, struct resolver_query *query,
                          struct span name)
{
    begin(resolver, query, name, 0, true);
}
