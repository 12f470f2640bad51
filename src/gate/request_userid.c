/* The identifier of a client, in a cookie: "userid". */
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "gate/request.h"
#include "gate/variables.h"
#include "gate/variables_room.h"

static const struct userid_settings *settings(const struct request *r)
{
    return &request_settings(r)->visitor.userid;
}

/* What came, read once. */
static const struct userid *got(struct request *r)
{
    enum rc rc;

    if (r->uid_is_read)
        return &r->uid_got;
    r->uid_is_read = true;
    if (!variables_cookie(r, settings(r)->name, &r->uid_cookie))
        return &r->uid_got;
    rc = userid_read(r->uid_cookie, &r->uid_got);
    if (rc != RC_OK)
        request_log(r, LOG_LEVEL_ERROR, "client sent %s userid cookie \"%.*s\"",
                    rc == RC_LIMIT ? "too short" : "invalid", SPAN_ARG(r->uid_cookie));
    return &r->uid_got;
}

/* $uid_reset: what is neither empty nor 0. */
static bool is_reset(struct request *r)
{
    const struct variable *reset = settings(r)->reset;
    struct span value = {0};
    char room[128];
    struct buffer id = buffer_over(room, sizeof room);

    if (!reset || !variables_defined(r, reset->of, &value) || value.len == 0 ||
        span_equal(value, SPAN("0")))
        return false;
    if (span_equal(value, SPAN("log"))) {
        userid_write(settings(r)->name, &r->uid_got, &id);
        request_log(r, LOG_LEVEL_NOTICE, "userid cookie \"%.*s\" was reset",
                    SPAN_ARG(buffer_span(&id)));
    }
    return true;
}

/* The 4 bytes of the server's address that say most of it. */
static void local_bytes(const struct request *r, uint8_t bytes[4])
{
    struct address address = {.len = sizeof address - sizeof address.len};

    memset(bytes, 0, 4);
    if (getsockname(r->client->stream.fd, &address.any, &address.len) != 0)
        return;
    if (address.any.sa_family == AF_INET)
        memcpy(bytes, &address.v4.sin_addr, 4);
    else if (address.any.sa_family == AF_INET6)
        memcpy(bytes, (const uint8_t *)&address.v6.sin6_addr + 12, 4);
}

/* What is sent, decided once; not set where the client keeps what it has. */
static const struct userid *made(struct request *r)
{
    const struct userid_settings *s = settings(r);
    uint8_t local[4];

    if (r->uid_is_made)
        return &r->uid_set;
    r->uid_is_made = true;
    if (userid_is_set(got(r)) && !is_reset(r)) {
        if (s->mark && !userid_has_mark(r->uid_cookie, s->mark))
            r->uid_set = r->uid_got;
        return &r->uid_set;
    }
    local_bytes(r, local);
    userid_make(s, local, time(NULL), &r->uid_set);
    return &r->uid_set;
}

void request_add_userid(struct request *r, struct buffer *out)
{
    const struct userid_settings *s = settings(r);

    if (s->on >= USERID_V1 && !r->parent && userid_is_set(made(r)))
        userid_write_fields(s, &r->uid_set, time(NULL), out);
}

bool variables_userid(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = client_s(subject);
    const struct userid_settings *s = settings(r);
    const struct userid *id;
    struct buffer b;

    (void)rest;
    if (s->on < (of == VARIABLES_UID_GOT ? USERID_LOG : USERID_V1))
        return false;
    id = of == VARIABLES_UID_GOT ? got(r) : made(r);
    if (!userid_is_set(id))
        return false;
    b = room(r, s->name.len + USERID_TEXT);
    if (b.at)
        userid_write(s->name, id, &b);
    return give(&b, value);
}
