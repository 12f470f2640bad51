#include "keep/mount/fuse_ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <liburing.h>

#include "keep/mount/cpu_list.h"
#include "keep/mount/fuse_uring.h"

enum {
    PAGE = 4096,
    CACHE_LINE = 64,
    THREADS = 4,               /* of one processor: one may wait for a disk */
    MEMORY_MAX = 32 << 20,     /* of buffers, where it can be kept */
    PAYLOAD_LEAST = 128 << 10, /* of one buffer, whatever their number */
    RETRY_US = 1000,
};

/* Where one request comes, and its reply goes: a page and the payload. */
struct entry {
    uint16_t queue; /* the number of a processor */
    uint8_t *page;  /* begins with what the kernel reads and writes beside the payload; its end
                       takes the request's head, so that all lies in one piece */
    struct iovec pieces[2]; /* as the kernel wants to know them */
};

struct server {
    alignas(CACHE_LINE) struct fuse_ring *ring;
    struct io_uring uring;
    bool has_uring, failed;
    unsigned cpu;
    unsigned count, alive; /* entries; those of them that the kernel still uses */
    struct entry *entries; /* one of its own, then those of absent processors */
    atomic_ulong requests; /* no other thread counts here */
    pthread_t thread;
};

struct fuse_ring {
    struct fuse_link *link;
    size_t payload;
    unsigned count, started;
    struct server *servers;
    uint8_t *buffers; /* of all servers' own entries, in one piece */
    sem_t registered; /* posted by each thread */
};

static struct fuse_uring_req_header *header_of(const struct entry *entry)
{
    return (struct fuse_uring_req_header *)(void *)entry->page;
}

static uint8_t *payload_of(const struct entry *entry)
{
    return entry->page + PAGE;
}

/* There is room: each entry has one command at most under way. */
static void command(struct server *server, struct entry *entry, uint32_t what,
                    uint64_t commit_id)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&server->uring);
    struct fuse_uring_cmd_req req = {.commit_id = commit_id, .qid = entry->queue};

    assert(sqe);
    memset(sqe, 0, 2 * sizeof *sqe);
    sqe->opcode = IORING_OP_URING_CMD;
    sqe->fd = server->ring->link->fd;
    sqe->cmd_op = what;
    sqe->user_data = (uint64_t)(uintptr_t)entry;
    if (what == FUSE_IO_URING_CMD_REGISTER) {
        sqe->addr = (uint64_t)(uintptr_t)entry->pieces;
        sqe->len = 2;
    }
    memcpy(sqe->cmd, &req, sizeof req);
}

/* The request in one piece, as it would come by /dev/fuse: its head goes before the payload. */
static uint8_t *gather(struct entry *entry, size_t *len)
{
    const struct fuse_uring_req_header *header = header_of(entry);
    struct fuse_in_header in;
    size_t head_len;
    uint8_t *request;

    memcpy(&in, header->in_out, sizeof in);
    head_len = in.len - header->ring_ent_in_out.payload_sz - sizeof in;
    assert(head_len <= sizeof header->op_in);
    request = payload_of(entry) - head_len - sizeof in;
    memcpy(request, &in, sizeof in);
    memcpy(request + sizeof in, header->op_in, head_len);
    *len = in.len;
    return request;
}

/* All behind the reply's head is payload. */
static void scatter(struct entry *entry, const struct fuse_reply *reply)
{
    struct fuse_uring_req_header *header = header_of(entry);
    uint8_t *payload = payload_of(entry);

    memcpy(header->in_out, &reply->head, sizeof reply->head);
    if (reply->data_len > 0 && reply->data != payload + reply->body_len)
        memmove(payload + reply->body_len, reply->data, reply->data_len);
    memcpy(payload, &reply->body, reply->body_len);
    header->ring_ent_in_out.payload_sz = (uint32_t)(reply->body_len + reply->data_len);
}

static void answer(struct server *server, struct entry *entry)
{
    uint64_t commit_id = header_of(entry)->ring_ent_in_out.commit_id;
    struct fuse_reply reply;
    size_t len;
    uint8_t *request = gather(entry, &len);

    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
    if (fuse_link_answer(server->ring->link, request, len, payload_of(entry), &reply) != RC_OK)
        reply = (struct fuse_reply){
            .head = {.len = sizeof reply.head, .error = -EIO, .unique = commit_id}};
    scatter(entry, &reply);
    command(server, entry, FUSE_IO_URING_CMD_COMMIT_AND_FETCH, commit_id);
}

/* Answers what has come. A command that failed takes its entry with it: the connection ends. */
static void answer_all(struct server *server)
{
    struct io_uring_cqe *done;

    while (io_uring_peek_cqe(&server->uring, &done) == 0) {
        struct entry *entry = (struct entry *)(uintptr_t)done->user_data;
        bool good = done->res >= 0;

        io_uring_cqe_seen(&server->uring, done);
        if (good)
            answer(server, entry);
        else
            server->alive--;
    }
}

/* From this thread: the kernel brings requests to the one that asked for them. */
static void register_entries(struct server *server)
{
    int submitted;

    for (unsigned i = 0; i < server->count; i++)
        command(server, &server->entries[i], FUSE_IO_URING_CMD_REGISTER, 0);
    server->alive = server->count;
    /* io_uring_enable_rings() is declared by liburing 2.3, and is not in it. */
    syscall(SYS_io_uring_register, server->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
            0);
    do
        submitted = io_uring_submit(&server->uring);
    while (submitted == -EINTR);
    server->failed = submitted != (int)server->count;
    if (!server->failed)
        answer_all(server);
    if (server->alive < server->count)
        server->failed = true;
}

/* On the processor whose requests it answers, where that is permitted. */
static void stay(const struct server *server)
{
    cpu_set_t here;

    CPU_ZERO(&here);
    CPU_SET(server->cpu, &here);
    pthread_setaffinity_np(pthread_self(), sizeof here, &here);
}

/* Every second thread, where long requests come several at a time: it helps another processor's. */
static bool roams(const struct server *server)
{
    return server->ring->link->handler.bulk && (server - server->ring->servers) % 2 == 1;
}

static void *serve(void *of)
{
    struct server *server = of;

    if (!roams(server))
        stay(server);
    fuse_link_enter();
    register_entries(server);
    sem_post(&server->ring->registered);
    while (!server->failed && server->alive > 0) {
        int got = io_uring_submit_and_wait(&server->uring, 1);

        if (got < 0 && got != -EINTR)
            usleep(RETRY_US); /* short of memory: whoever waits for us needs us all the more */
        answer_all(server);
    }
    fuse_link_leave(server->ring->link);
    return NULL;
}

bool fuse_ring_is_offered(void)
{
    int fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY | O_CLOEXEC);
    char word = 'N';

    if (fd < 0)
        return false;
    if (read(fd, &word, 1) != 1)
        word = 'N';
    close(fd);
    return word == 'Y';
}

static bool has_server(const struct fuse_ring *ring, unsigned cpu)
{
    for (unsigned i = 0; i < ring->count; i++)
        if (ring->servers[i].cpu == cpu)
            return true;
    return false;
}

static size_t buffer_size(const struct fuse_ring *ring)
{
    return PAGE + ring->payload;
}

static size_t buffers_size(const struct fuse_ring *ring)
{
    return ring->count * buffer_size(ring);
}

static void add_entry(struct server *server, unsigned queue, uint8_t *buffer)
{
    struct entry *entry = &server->entries[server->count++];

    entry->page = buffer;
    entry->queue = (uint16_t)queue;
    entry->pieces[0] = (struct iovec){buffer, sizeof(struct fuse_uring_req_header)};
    entry->pieces[1] = (struct iovec){buffer + PAGE, server->ring->payload};
}

/* For a processor that is not there: not touched, and so takes no memory. */
static bool add_absent(struct server *server, unsigned queue)
{
    void *buffer = mmap(NULL, buffer_size(server->ring), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (buffer == MAP_FAILED)
        return false;
    add_entry(server, queue, buffer);
    return true;
}

/* The kernel begins when each processor that may ever come has a queue with an entry. Where no
 * thread is, the others take turns. */
static bool make_entries(struct fuse_ring *ring, const cpu_set_t *possible)
{
    unsigned absent = 0, turn = 0;

    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        absent += CPU_ISSET(cpu, possible) && !has_server(ring, cpu);
    ring->buffers = fuse_link_buffer(ring->link, buffers_size(ring));
    if (!ring->buffers)
        return false;
    for (unsigned i = 0; i < ring->count; i++) {
        struct server *server = &ring->servers[i];

        server->entries = calloc(absent / ring->count + 2, sizeof *server->entries);
        if (!server->entries)
            return false;
        add_entry(server, server->cpu, ring->buffers + i * buffer_size(ring));
    }
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, possible) && !has_server(ring, cpu) &&
            !add_absent(&ring->servers[turn++ % ring->count], cpu))
            return false;
    return true;
}

static bool make_urings(struct fuse_ring *ring)
{
    for (unsigned i = 0; i < ring->count; i++) {
        struct server *server = &ring->servers[i];
        /* Begun by its thread, which then is the only one that submits. */
        struct io_uring_params how = {.flags = IORING_SETUP_SQE128 | IORING_SETUP_R_DISABLED |
                                               IORING_SETUP_SINGLE_ISSUER |
                                               IORING_SETUP_DEFER_TASKRUN};

        server->has_uring =
            io_uring_queue_init_params(server->count, &server->uring, &how) == 0;
        if (!server->has_uring)
            return false;
    }
    return true;
}

/* Threads for each processor that we may run on. */
static bool make_servers(struct fuse_ring *ring, const cpu_set_t *ours)
{
    size_t size = (size_t)CPU_COUNT(ours) * THREADS * sizeof *ring->servers;

    ring->servers = aligned_alloc(CACHE_LINE, size);
    if (!ring->servers)
        return false;
    memset(ring->servers, 0, size);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        for (unsigned i = 0; i < THREADS && CPU_ISSET(cpu, ours); i++) {
            ring->servers[ring->count].ring = ring;
            ring->servers[ring->count++].cpu = cpu;
        }
    return true;
}

static size_t payload_for(size_t servers)
{
    size_t payload = FUSE_PAYLOAD_MAX;

    while (payload > PAYLOAD_LEAST && payload * servers > MEMORY_MAX)
        payload /= 2;
    return payload;
}

enum rc fuse_ring_open(struct fuse_ring **out, struct fuse_link *link, struct fault *why)
{
    cpu_set_t possible, allowed, ours;
    struct fuse_ring *ring;

    if (!cpu_list_read("/sys/devices/system/cpu/possible", &possible) ||
        sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return fail(why, RC_UNSUPPORTED, "which processors there are is not known");
    CPU_AND(&ours, &possible, &allowed);
    ring = calloc(1, sizeof *ring);
    if (!ring)
        return fail(why, RC_MEMORY, "no memory to serve %s", link->directory);
    ring->link = link;
    ring->payload = payload_for((size_t)CPU_COUNT(&ours) * THREADS);
    sem_init(&ring->registered, 0, 0);
    if (!make_servers(ring, &ours) || !make_entries(ring, &possible) || !make_urings(ring)) {
        fuse_ring_close(ring);
        return fail(why, RC_UNSUPPORTED, "%s: no rings to serve it", link->directory);
    }
    link->ring_payload = (uint32_t)ring->payload;
    *out = ring;
    return RC_OK;
}

enum rc fuse_ring_start(struct fuse_ring *ring, struct fault *why)
{
    bool failed = false;

    while (ring->started < ring->count && !failed) {
        struct server *server = &ring->servers[ring->started];

        failed = fuse_link_start(ring->link, &server->thread, "fuse-ring", serve, server,
                                 NULL) != RC_OK;
        ring->started += !failed;
    }
    for (unsigned i = 0; i < ring->started; i++)
        while (sem_wait(&ring->registered) < 0)
            ;
    for (unsigned i = 0; i < ring->started; i++)
        failed = failed || ring->servers[i].failed;
    return failed ? fail(why, RC_UNSUPPORTED, "%s: the kernel refused the rings",
                         ring->link->directory)
                  : RC_OK;
}

uint64_t fuse_ring_requests(const struct fuse_ring *ring)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ring->count; i++)
        sum += atomic_load_explicit(&ring->servers[i].requests, memory_order_relaxed);
    return sum;
}

void fuse_ring_close(struct fuse_ring *ring)
{
    if (!ring)
        return;
    for (unsigned i = 0; i < ring->started; i++)
        pthread_join(ring->servers[i].thread, NULL);
    for (unsigned i = 0; i < ring->count; i++) {
        struct server *server = &ring->servers[i];

        if (server->has_uring)
            io_uring_queue_exit(&server->uring);
        for (unsigned j = 1; j < server->count; j++)
            fuse_link_buffer_free(server->entries[j].page, buffer_size(ring));
        free(server->entries);
    }
    fuse_link_buffer_free(ring->buffers, buffers_size(ring));
    free(ring->servers);
    sem_destroy(&ring->registered);
    free(ring);
}
