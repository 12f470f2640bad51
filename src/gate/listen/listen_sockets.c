#include "gate/listen/listen_sockets.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { BACKLOG = 511, TRIES = 5, PAUSE_MS = 500, DEFER_S = 1 };

static bool set_number(int fd, int level, int option, int number)
{
    return setsockopt(fd, level, option, &number, sizeof number) == 0;
}

/* "bind() to 0.0.0.0:80 failed (98: Address already in use)" */
static enum rc refused(struct fault *why, const char *call, const struct address *address)
{
    char text[ADDRESS_TEXT];
    int reason = errno;
    struct span shown = address_text(address, text, false);

    return fail(why, reason == EADDRINUSE ? RC_BUSY : RC_IO, "%s %.*s failed (%d: %s)", call,
                SPAN_ARG(shown), reason, strerrordesc_np(reason));
}

static bool is_path(const struct address *address)
{
    return address->any.sa_family == AF_UNIX;
}

/* Before bind(2). The others can wait until the socket is known to be ours. */
static enum rc prepare(int fd, const struct listen_options *options, struct fault *why)
{
    if (!set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return refused(why, "setsockopt(SO_REUSEADDR)", &options->address);
    if (options->address.any.sa_family == AF_INET6 &&
        !set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only))
        return refused(why, "setsockopt(IPV6_V6ONLY)", &options->address);
    return RC_OK;
}

static enum rc bind_to(int fd, const struct listen_options *options, struct fault *why)
{
    enum rc rc = prepare(fd, options, why);

    if (rc != RC_OK)
        return rc;
    if (bind(fd, &options->address.any, options->address.len) != 0)
        return refused(why, "bind() to", &options->address);
    if (is_path(&options->address) && chmod(options->address.path.sun_path, 0666) != 0)
        return refused(why, "chmod()", &options->address);
    return RC_OK;
}

/*
 * The first socket of an address is bound without SO_REUSEPORT, so that an address which
 * another program shares out is known to be in use; the next ones `join` it.
 */
static enum rc open_bound(const struct listen_options *options, bool join, int *fd,
                          struct fault *why)
{
    int made =
        socket(options->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    enum rc rc;

    if (made < 0)
        return refused(why, "socket()", &options->address);
    if (join && !set_number(made, SOL_SOCKET, SO_REUSEPORT, 1))
        rc = refused(why, "setsockopt(SO_REUSEPORT)", &options->address);
    else
        rc = bind_to(made, options, why);
    if (rc != RC_OK)
        close(made);
    else
        *fd = made;
    return rc;
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
}

static enum rc open_patiently(const struct listen_options *options, bool join, int *fd,
                              struct fault *why)
{
    for (int i = 0; i < TRIES; i++) {
        enum rc rc = open_bound(options, join, fd, why);

        if (rc != RC_BUSY)
            return rc;
        log_line(LOG_LEVEL_EMERG, "%s", why->text);
        rest();
    }
    return fail(why, RC_IO, "still could not bind()");
}

static void set_keepalive(int fd, const struct listen_keepalive *k)
{
    (void)set_number(fd, SOL_SOCKET, SO_KEEPALIVE, k->on > 0);
    if (k->idle_s > 0)
        (void)set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, k->idle_s);
    if (k->interval_s > 0)
        (void)set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, k->interval_s);
    if (k->count > 0)
        (void)set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, k->count);
}

/* What may change with a reload is set on kept sockets too: listen(2) may be called again. */
static enum rc set_options(int fd, const struct listen_options *options, struct fault *why)
{
    int backlog = options->backlog > 0 ? options->backlog : BACKLOG;

    if (options->receive_buffer > 0)
        (void)set_number(fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer);
    if (options->send_buffer > 0)
        (void)set_number(fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer);
    if (!is_path(&options->address)) {
        (void)set_number(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, options->deferred ? DEFER_S : 0);
        set_keepalive(fd, &options->keepalive);
    }
    if (options->fast_open > 0)
        (void)set_number(fd, IPPROTO_TCP, TCP_FASTOPEN, options->fast_open);
    if (listen(fd, backlog) != 0)
        return refused(why, "listen() to", &options->address);
    return RC_OK;
}

/* The sockets of one address, from `have` of them on. */
static enum rc open_missing(struct listen_address *address, unsigned have, struct fault *why)
{
    const struct listen_options *options = &address->options;
    enum rc rc = RC_OK;

    if (is_path(&options->address)) {
        if (have == 0 && (rc = open_patiently(options, false, &address->fds[0], why)) != RC_OK)
            return rc;
        for (unsigned i = 1; i < address->loops; i++)
            address->fds[i] = address->fds[0];
        return set_options(address->fds[0], options, why);
    }
    for (unsigned i = have; i < address->loops; i++) {
        if ((rc = open_patiently(options, i > 0, &address->fds[i], why)) != RC_OK)
            return rc;
        if (address->loops > 1 && !set_number(address->fds[i], SOL_SOCKET, SO_REUSEPORT, 1))
            return refused(why, "setsockopt(SO_REUSEPORT)", &options->address);
    }
    for (unsigned i = 0; i < address->loops; i++)
        if ((rc = set_options(address->fds[i], options, why)) != RC_OK)
            return rc;
    return RC_OK;
}

static const struct listen_address *find(const struct listen_sockets *among,
                                         const struct address *address)
{
    for (size_t i = 0; among && i < among->count; i++)
        if (address_equal(&among->addresses[i].options.address, address))
            return &among->addresses[i];
    return NULL;
}

static enum rc open_address(struct listen_address *address,
                            const struct listen_options *options, unsigned loops,
                            const struct listen_address *kept, struct fault *why)
{
    unsigned have = 0;

    *address = (struct listen_address){.options = *options, .loops = loops};
    address->fds = malloc(loops * sizeof *address->fds);
    if (!address->fds)
        return fail(why, RC_MEMORY, "no memory for listening sockets");
    for (unsigned i = 0; i < loops; i++)
        address->fds[i] = -1;
    for (; kept && have < loops && have < kept->loops; have++) {
        address->fds[have] = kept->fds[have];
        if (loops > 1 && !is_path(&options->address))
            (void)set_number(kept->fds[have], SOL_SOCKET, SO_REUSEPORT, 1);
    }
    return open_missing(address, have, why);
}

enum rc listen_sockets_open(struct listen_sockets *out, const struct listen_options *options,
                            size_t count, unsigned loops, const struct listen_sockets *kept,
                            struct fault *why)
{
    struct listen_sockets made = {.addresses = calloc(count + 1, sizeof *made.addresses)};
    enum rc rc = RC_OK;

    if (!made.addresses)
        return fail(why, RC_MEMORY, "no memory for listening sockets");
    while (rc == RC_OK && made.count < count) {
        size_t i = made.count++;

        rc = open_address(&made.addresses[i], &options[i], loops,
                          find(kept, &options[i].address), why);
    }
    if (rc != RC_OK)
        listen_sockets_close(&made, kept);
    else
        *out = made;
    return rc;
}

enum rc listen_sockets_test(const struct listen_options *options, size_t count,
                            struct fault *why)
{
    for (size_t i = 0; i < count; i++) {
        int fd = -1;
        enum rc rc = open_bound(&options[i], false, &fd, why);

        if (rc != RC_OK && rc != RC_BUSY)
            return rc;
        if (rc == RC_OK && is_path(&options[i].address))
            unlink(options[i].address.path.sun_path);
        if (rc == RC_OK)
            close(fd);
    }
    return RC_OK;
}

static bool has_fd(const struct listen_address *address, int fd)
{
    for (unsigned i = 0; address && i < address->loops; i++)
        if (address->fds[i] == fd)
            return true;
    return false;
}

static void close_address(struct listen_address *address, const struct listen_address *other)
{
    for (unsigned i = 0; address->fds && i < address->loops; i++)
        if (address->fds[i] >= 0 && !has_fd(other, address->fds[i]) &&
            (i == 0 || !is_path(&address->options.address)))
            close(address->fds[i]);
}

static void remove_path(const struct listen_address *address)
{
    if (is_path(&address->options.address) && address->fds && address->fds[0] >= 0)
        unlink(address->options.address.path.sun_path);
}

static void close_all(struct listen_sockets *sockets, const struct listen_sockets *others,
                      bool with_paths)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct listen_address *address = &sockets->addresses[i];
        const struct listen_address *other = find(others, &address->options.address);

        close_address(address, other);
        if (with_paths && !other)
            remove_path(address);
        free(address->fds);
    }
    free(sockets->addresses);
    *sockets = (struct listen_sockets){0};
}

void listen_sockets_close(struct listen_sockets *sockets, const struct listen_sockets *others)
{
    close_all(sockets, others, true);
}

void listen_sockets_leave(struct listen_sockets *sockets, const struct listen_sockets *others)
{
    close_all(sockets, others, false);
}

void listen_sockets_close_one(struct listen_sockets *sockets, size_t index, unsigned loop)
{
    int *fd = &sockets->addresses[index].fds[loop];

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
