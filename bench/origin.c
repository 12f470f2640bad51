/*
 * The server behind the proxies that are measured: one thread, answers made beforehand.
 *
 *     bench-origin PORT
 *
 * GET /b/N  200 with N bytes; GET /h/N  the same with 15 headers; GET /j/N  the same as JSON; GET /accepted  how many
 * connections have come. Connections are kept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 16384, BODY_MAX = 1 << 20, CONNECTIONS = 65536, ANSWERS = 16 };

struct answer {
    char kind; /* 'b', 'h' or 'j' */
    size_t body, len;
    char *at;
};

struct connection {
    const char *out; /* what is still to be sent */
    size_t left;
    size_t have; /* bytes of the next request */
    char head[HEAD];
};

static struct answer answers[ANSWERS];
static struct connection *connections[CONNECTIONS]; /* by descriptor */
static int poll_fd;
static unsigned long accepted;

static const char many_headers[] =
    "Server: origin\r\nDate: Mon, 01 Jun 2026 10:00:00 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\nCache-Control: private, max-age=0\r\n"
    "ETag: \"60a1-5f2e8c\"\r\nLast-Modified: Sun, 31 May 2026 09:00:00 GMT\r\n"
    "Vary: Accept-Encoding, Cookie\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
    "Strict-Transport-Security: max-age=31536000\r\nX-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: SAMEORIGIN\r\nReferrer-Policy: same-origin\r\n"
    "Content-Language: en\r\nSet-Cookie: visit=1; Path=/; HttpOnly; Secure\r\n";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Rows of a list as a shop has them: names that recur, numbers that do not. */
static void fill_json(char *at, size_t len)
{
    static const char *const words[] = {"maple", "stone", "river", "amber",
                                        "cedar", "linen", "olive", "slate"};
    uint32_t state = 1;

    for (size_t used = 0; used < len;) {
        char row[256];
        size_t size;

        state = state * 1664525 + 1013904223;
        size = (size_t)snprintf(row, sizeof row,
                                "{\"id\": %u, \"name\": \"%s %s\", \"price\": %u.%02u, "
                                "\"stock\": %s, \"tags\": [\"%s\", \"%s\"]},\n",
                                state >> 8, words[state >> 29], words[state >> 26 & 7],
                                state >> 20 & 1023, state >> 12 & 63,
                                state & 4096 ? "true" : "false", words[state >> 16 & 7],
                                words[state >> 10 & 7]);
        size = size < len - used ? size : len - used;
        memcpy(at + used, row, size);
        used += size;
    }
}

static const struct answer *answer_make(struct answer *a, char kind, size_t body)
{
    char head[2048];
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
                       kind == 'h'   ? many_headers
                       : kind == 'j' ? "Content-Type: application/json\r\n"
                                     : "",
                       body);

    a->at = malloc((size_t)len + body);
    if (!a->at)
        die("malloc");
    memcpy(a->at, head, (size_t)len);
    if (kind == 'j')
        fill_json(a->at + len, body);
    else
        memset(a->at + len, 'x', body);
    a->kind = kind;
    a->body = body;
    a->len = (size_t)len + body;
    return a;
}

/* A connection that asks this gets no other answer before the next one asks. */
static const struct answer *tell_accepted(void)
{
    static char text[128];
    static struct answer answer = {.at = text};

    answer.len = (size_t)snprintf(
        text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n%12lu", accepted);
    return &answer;
}

/* NULL for a request that is none of ours. */
static const struct answer *answer_find(const char *request)
{
    char kind;
    size_t body;

    if (strncmp(request, "GET /accepted ", 14) == 0)
        return tell_accepted();
    if (sscanf(request, "GET /%c/%zu ", &kind, &body) != 2 || body > BODY_MAX ||
        (kind != 'b' && kind != 'h' && kind != 'j'))
        return NULL;
    for (int i = 0; i < ANSWERS; i++) {
        if (!answers[i].at)
            return answer_make(&answers[i], kind, body);
        if (answers[i].kind == kind && answers[i].body == body)
            return &answers[i];
    }
    return NULL;
}

static void drop(int fd)
{
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

/* False when the socket is full or gone. */
static bool sent_all(int fd, struct connection *c)
{
    while (c->left > 0) {
        ssize_t n = send(fd, c->out, c->left, MSG_NOSIGNAL);

        if (n < 0)
            return false;
        c->out += n;
        c->left -= (size_t)n;
    }
    return true;
}

/* Answers what has arrived whole. False when the connection is to be dropped. */
static bool serve(int fd, struct connection *c)
{
    while (sent_all(fd, c)) {
        char *end = memmem(c->head, c->have, "\r\n\r\n", 4);
        const struct answer *a;
        size_t used;

        if (!end)
            return c->have < HEAD - 1;
        *end = '\0';
        if (!(a = answer_find(c->head)))
            return false;
        c->out = a->at;
        c->left = a->len;
        used = (size_t)(end + 4 - c->head);
        memmove(c->head, c->head + used, c->have - used);
        c->have -= used;
    }
    return errno == EAGAIN;
}

static void ready(int fd, unsigned what)
{
    struct connection *c = connections[fd];

    if (what & EPOLLIN) {
        ssize_t n = recv(fd, c->head + c->have, HEAD - 1 - c->have, 0);

        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            drop(fd);
            return;
        }
        c->have += n > 0 ? (size_t)n : 0;
    }
    if (!serve(fd, c))
        drop(fd);
}

static void take(int listening)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK), on = 1;

    if (fd < 0)
        return;
    accepted++;
    if (fd >= CONNECTIONS || !(connections[fd] = calloc(1, sizeof *connections[fd]))) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    event.data.fd = fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0)
        die("listen");
    event.data.fd = fd;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    int listening;

    if (argc != 2) {
        fputs("usage: bench-origin PORT\n", stderr);
        return 2;
    }
    poll_fd = epoll_create1(0);
    listening = listen_on(atoi(argv[1]));
    for (;;) {
        int n = epoll_wait(poll_fd, events, 256, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listening)
                take(listening);
            else
                ready(events[i].data.fd, events[i].events);
        }
    }
}
