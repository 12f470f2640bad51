#include "gate/listen/handover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"

static enum rc name_socket(int fd, struct text *out, struct fault *why)
{
    if (fcntl(fd, F_SETFD, 0) != 0)
        return fail_errno(why, RC_IO, "fcntl(F_SETFD)");
    text_printf(out, "%d;", fd);
    return RC_OK;
}

enum rc handover_write(const struct listen_sockets *sockets, struct text *out,
                       struct fault *why)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < sockets->count; i++) {
        const struct listen_address *address = &sockets->addresses[i];
        bool shared = address->options.address.any.sa_family == AF_UNIX;

        for (unsigned k = 0; rc == RC_OK && k < (shared ? 1 : address->loops); k++)
            rc = name_socket(address->fds[k], out, why);
    }
    if (rc == RC_OK && !text_ok(out))
        rc = fail(why, RC_MEMORY, "no memory for the list of sockets");
    return rc;
}

/* Where a listening socket is; false when the number is none. */
static bool find_address(int fd, struct address *address)
{
    socklen_t size = sizeof(int);
    int listens = 0;

    *address = (struct address){.len = sizeof *address - offsetof(struct address, any)};
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens &&
           getsockname(fd, &address->any, &address->len) == 0;
}

static struct listen_address *place_for(struct listen_sockets *sockets,
                                        const struct address *address)
{
    struct listen_address *more;

    for (size_t i = 0; i < sockets->count; i++)
        if (address_equal(&sockets->addresses[i].options.address, address))
            return &sockets->addresses[i];
    more = reallocarray(sockets->addresses, sockets->count + 1, sizeof *more);
    if (!more)
        return NULL;
    sockets->addresses = more;
    more += sockets->count++;
    *more = (struct listen_address){.options = {.address = *address, .backlog = -1}};
    return more;
}

static enum rc take(struct listen_sockets *sockets, int fd, const struct address *address,
                    struct fault *why)
{
    struct listen_address *place = place_for(sockets, address);
    int *fds = place ? reallocarray(place->fds, place->loops + 1, sizeof *fds) : NULL;

    if (!fds)
        return fail(why, RC_MEMORY, "no memory for listening sockets");
    place->fds = fds;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
        return fail_errno(why, RC_IO, "fcntl()");
    fds[place->loops++] = fd;
    return RC_OK;
}

enum rc handover_read(struct span text, struct listen_sockets *out, struct fault *why)
{
    enum rc rc = RC_OK;

    *out = (struct listen_sockets){0};
    while (rc == RC_OK && text.len > 0) {
        struct span word = span_cut(&text, span_find(text, ';'));
        struct address address;
        uint64_t fd;

        span_cut(&text, 1);
        if (units_parse_number(word, INT32_MAX, &fd) == RC_OK && fd > STDERR_FILENO &&
            find_address((int)fd, &address))
            rc = take(out, (int)fd, &address, why);
        else
            log_line(LOG_LEVEL_WARN,
                     "\"%.*s\" of " HANDOVER_VARIABLE " is no listening socket",
                     SPAN_ARG(word));
    }
    if (rc != RC_OK)
        listen_sockets_leave(out, NULL);
    return rc;
}
