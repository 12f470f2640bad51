/*
 * A client that asks again as soon as it is answered, over connections that are kept, in one
 * thread.
 *
 *     bench-load [-i] PORT PATH CONNECTIONS WARM_MS WINDOW_MS HEADERS [PID ...]
 *
 * HEADERS is a text of whole header lines. After a warm-up it counts the requests of the
 * window and the CPU time that the threads of the processes PID spent in it, and prints
 *
 *     REQUESTS WINDOW_NS CPU_NS
 *
 * With -i each connection makes one request, "idle" is printed, and all stay open until
 * standard input ends. Any answer but 200 ends the program with status 1.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 8192, SCRATCH = 1 << 18 };

static const char last_chunk[7] = {'\r', '\n', '0', '\r', '\n', '\r', '\n'};

struct connection {
    int fd;
    size_t have; /* bytes of the head so far */
    size_t body; /* bytes of the body to come */
    bool in_body, chunked;
    char tail[sizeof last_chunk]; /* the last bytes of a body in chunks */
    size_t tail_len;
    char head[HEAD];
};

static char request[HEAD];
static size_t request_len;
static int poll_fd;
static uint64_t answered;
static char scratch[SCRATCH];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What all threads of a process ran so far, from schedstat: "RUNNING_NS WAITING_NS SLICES". */
static uint64_t cpu_ns(const char *pid)
{
    char path[300];
    struct dirent *entry;
    uint64_t sum = 0;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%s/task", pid);
    if (!(tasks = opendir(path)))
        die(path);
    while ((entry = readdir(tasks))) {
        uint64_t ran = 0;
        FILE *file;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, entry->d_name);
        if (!(file = fopen(path, "r")))
            continue;
        if (fscanf(file, "%" SCNu64, &ran) == 1)
            sum += ran;
        fclose(file);
    }
    closedir(tasks);
    return sum;
}

static uint64_t cpu_of_all(char **pids)
{
    uint64_t sum = 0;

    for (; *pids; pids++)
        sum += cpu_ns(*pids);
    return sum;
}

static void ask(const struct connection *c)
{
    if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
        die("send");
}

/* Behind the head, whose length is returned; 0 while it is not whole. */
static size_t head_end(struct connection *c)
{
    char *end, *length, *chunked;

    c->head[c->have] = '\0';
    if (!(end = strstr(c->head, "\r\n\r\n")))
        return 0;
    length = strcasestr(c->head, "\r\ncontent-length:");
    chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked");
    c->chunked = chunked && chunked < end;
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 ||
        (!c->chunked && (!length || length > end))) {
        fprintf(stderr, "unexpected answer: %.200s\n", c->head);
        exit(1);
    }
    if (!c->chunked)
        c->body = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
    return (size_t)(end + 4 - c->head);
}

/* Nothing comes behind an answer, and so its last chunk is where what came ends with one. */
static bool ends(struct connection *c, const char *at, size_t len)
{
    char tail[2 * sizeof last_chunk];
    size_t kept = c->tail_len, take = len < sizeof c->tail ? len : sizeof c->tail;

    memcpy(tail, c->tail, kept);
    memcpy(tail + kept, at + len - take, take);
    kept += take;
    c->tail_len = kept < sizeof c->tail ? kept : sizeof c->tail;
    memcpy(c->tail, tail + kept - c->tail_len, c->tail_len);
    return c->tail_len == sizeof c->tail && memcmp(c->tail, last_chunk, sizeof c->tail) == 0;
}

/* True when an answer is complete. */
static bool read_some(struct connection *c)
{
    ssize_t n = c->in_body ? recv(c->fd, scratch, SCRATCH, 0)
                           : recv(c->fd, c->head + c->have, HEAD - 1 - c->have, 0);
    const char *from = scratch;

    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        die("the connection ended");
    if (!c->in_body) {
        size_t end;

        c->have += (size_t)n;
        if (!(end = head_end(c)))
            return false;
        c->in_body = true;
        c->tail_len = 0;
        from = c->head + end;
        n = (ssize_t)(c->have - end);
    }
    if (c->chunked && !ends(c, from, (size_t)n))
        return false;
    c->body -= c->chunked ? 0 : (size_t)n;
    if (!c->chunked && c->body > 0)
        return false;
    c->in_body = false;
    c->have = 0;
    answered++;
    return true;
}

static void connect_to(struct connection *c, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll_ctl");
}

static void run_for(uint64_t ms)
{
    uint64_t end = now_ns() + ms * 1000000;
    struct epoll_event events[256];

    while (now_ns() < end) {
        int n = epoll_wait(poll_fd, events, 256, 1);

        for (int i = 0; i < n; i++) {
            if (read_some(events[i].data.ptr))
                ask(events[i].data.ptr);
        }
    }
}

static void measure(struct connection *all, int count, int port, char **words)
{
    uint64_t asked, ran, began;

    for (int i = 0; i < count; i++) {
        connect_to(&all[i], port);
        ask(&all[i]);
    }
    run_for(strtoull(words[0], NULL, 10));
    asked = answered;
    began = now_ns();
    ran = cpu_of_all(words + 3);
    run_for(strtoull(words[1], NULL, 10));
    ran = cpu_of_all(words + 3) - ran;
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", answered - asked, now_ns() - began, ran);
}

static void stay_idle(struct connection *all, int count, int port)
{
    for (int i = 0; i < count; i++) {
        connect_to(&all[i], port);
        ask(&all[i]);
        while (!read_some(&all[i]))
            continue;
    }
    puts("idle");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
}

int main(int argc, char **argv)
{
    bool idle = argc > 1 && strcmp(argv[1], "-i") == 0;
    char **words = argv + 1 + idle;
    struct connection *all;
    int count;

    if (argc - idle < 7) {
        fputs("usage: bench-load [-i] PORT PATH CONNECTIONS WARM_MS WINDOW_MS HEADERS [PID "
              "...]\n",
              stderr);
        return 2;
    }
    count = atoi(words[2]);
    request_len =
        (size_t)snprintf(request, sizeof request,
                         "GET %s HTTP/1.1\r\nHost: bench.test\r\n%s\r\n", words[1], words[5]);
    poll_fd = epoll_create1(0);
    all = calloc((size_t)count, sizeof *all);
    if (!all || request_len >= sizeof request)
        die("no room");
    if (idle)
        stay_idle(all, count, atoi(words[0]));
    else
        measure(all, count, atoi(words[0]), words + 3);
    free(all);
    return 0;
}
