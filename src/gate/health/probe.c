#include "gate/health/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/http/body.h"
#include "io/socket.h"

enum { HEAD_MOST = 32 * 1024 };

void probe_cancel(struct probe *probe)
{
    if (probe->phase == PROBE_IDLE)
        return;
    probe->phase = PROBE_IDLE;
    timer_clear(&probe->timer);
    if (probe->stream.kind) {
        loop_forget(probe->loop, &probe->watch);
        stream_close(&probe->stream);
    }
    free(probe->buffer);
    probe->buffer = NULL;
}

static void finish(struct probe *probe, enum rc rc, const struct fault *why)
{
    probe_cancel(probe);
    probe->done(probe, rc, why);
}

static enum rc connect_on(struct probe *probe, struct fault *why)
{
    enum rc rc;

    if (!probe->writable && !probe->readable)
        return RC_AGAIN;
    if ((errno = socket_error(probe->stream.fd)) != 0)
        return fail_errno(why, RC_IO, "connect() failed");
    if ((rc = stream_handshake(&probe->stream, why)) != RC_OK)
        return rc;
    if (probe->target->check->tcp)
        return RC_END;
    probe->phase = PROBE_SEND;
    return RC_OK;
}

static enum rc send_on(struct probe *probe, struct fault *why)
{
    char text[4096];
    int len = snprintf(text, sizeof text,
                       "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: gate-health-check\r\n"
                       "Connection: close\r\n\r\n",
                       SPAN_ARG(probe->target->check->uri), SPAN_ARG(probe->target->host));
    struct iovec piece;
    size_t sent = 0;
    enum rc rc;

    if (len < 0 || (size_t)len >= sizeof text)
        return fail(why, RC_LIMIT, "its uri is too long");
    piece = (struct iovec){text + probe->sent, (size_t)len - probe->sent};
    rc = stream_write(&probe->stream, &piece, 1, &sent);
    if (rc != RC_OK && rc != RC_AGAIN)
        return fail_errno(why, RC_IO, "the request could not be sent");
    probe->sent += sent;
    if (probe->sent < (size_t)len)
        return RC_AGAIN;
    probe->phase = PROBE_RECEIVE;
    return RC_OK;
}

/* The body as far as it is here, taken out of its chunks, to the beginning of its bytes. RC_END: it is whole. */
static enum rc gather(const struct h1_response *answer, struct span in, bool ended,
                      struct span *all)
{
    struct body body = body_begin((enum framing)answer->framing, answer->length);
    uint8_t *to = (uint8_t *)(uintptr_t)in.at;

    *all = span_of(to, 0);
    while (!body.done && in.len > 0) {
        struct body_cut cut;
        enum rc rc = body_take(&body, &in, &cut, NULL);

        if (rc != RC_OK && rc != RC_END)
            return rc;
        for (int i = 0; i < cut.count; i++) {
            memmove(to + all->len, cut.pieces[i].iov_base, cut.pieces[i].iov_len);
            all->len += cut.pieces[i].iov_len;
        }
    }
    return body.done || (ended && body.framing == FRAMING_CLOSE) ? RC_END : RC_AGAIN;
}

/* The head, and the body where the match looks at it. RC_AGAIN: more is needed. RC_END: it is well. */
static enum rc judge(struct probe *probe, struct fault *why)
{
    const struct match *match = probe->target->check->match;
    struct field fields[PROBE_FIELDS];
    struct h1_response answer = {.head = {.fields = fields, .capacity = PROBE_FIELDS}};
    uint8_t copy[PROBE_BUFFER];
    struct span body = {0};
    enum rc rc = h1_response_parse(&answer, probe->buffer, probe->got, false, false, HEAD_MOST,
                                   PROBE_FIELDS, why);

    if (rc != RC_OK)
        return rc == RC_MEMORY ? fail(why, RC_LIMIT, "it has too many header fields") : rc;
    if (match && match->wants_body) { /* chunks are taken apart in a copy: more may come */
        size_t len = probe->got - answer.head.len;

        memcpy(copy, probe->buffer + answer.head.len, len);
        rc = gather(&answer, span_of(copy, len), probe->ended, &body);
        if (rc == RC_AGAIN && !probe->ended && probe->got < PROBE_BUFFER)
            return rc;
        if (rc != RC_AGAIN && rc != RC_END)
            return fail(why, rc, "its chunks are broken");
    }
    rc = match_holds(match, &answer, body, why);
    return rc == RC_OK ? RC_END : rc;
}

static enum rc receive_on(struct probe *probe, struct fault *why)
{
    size_t got = 0;
    enum rc rc = stream_read(&probe->stream, probe->buffer + probe->got,
                             PROBE_BUFFER - probe->got, &got);

    if (rc == RC_AGAIN)
        return rc;
    probe->ended = rc == RC_END;
    if (rc != RC_OK && rc != RC_END)
        return fail_errno(why, RC_IO, "recv() failed");
    probe->got += got;
    rc = judge(probe, why);
    if (rc == RC_AGAIN && (probe->ended || probe->got == PROBE_BUFFER))
        return fail(why, RC_FORMAT, "its answer is cut short or too long");
    return rc == RC_AGAIN ? RC_OK : rc; /* there may be more to read */
}

static void run(struct probe *probe)
{
    struct fault why = {0};
    enum rc rc = RC_OK;

    while (rc == RC_OK) {
        rc = probe->phase == PROBE_CONNECT ? connect_on(probe, &why)
             : probe->phase == PROBE_SEND  ? send_on(probe, &why)
                                           : receive_on(probe, &why);
    }
    if (rc != RC_AGAIN)
        finish(probe, rc == RC_END ? RC_OK : rc, &why);
}

static void on_event(struct watch *watch, unsigned what)
{
    struct probe *probe = LIST_OWNER(watch, struct probe, watch);

    probe->readable = probe->readable || (what & (LOOP_READ | LOOP_HANGUP));
    probe->writable = probe->writable || (what & LOOP_WRITE);
    run(probe);
}

static void on_timeout(struct timer *timer)
{
    struct fault why = {0};

    (void)fail(&why, RC_IO, "it took too long");
    finish(LIST_OWNER(timer, struct probe, timer), RC_IO, &why);
}

void probe_begin(struct probe *probe, struct loop *loop, const struct probe_target *target,
                 void (*done)(struct probe *probe, enum rc rc, const struct fault *why))
{
    struct fault why = {0};
    enum rc rc;
    int fd = -1;

    *probe = (struct probe){.watch = {.ready = on_event},
                            .timer = {.fire = on_timeout},
                            .loop = loop,
                            .target = target,
                            .done = done,
                            .phase = PROBE_CONNECT,
                            .buffer = malloc(PROBE_BUFFER)};
    rc = probe->buffer ? socket_connect(&target->address, &fd)
                       : fail(&why, RC_MEMORY, "no memory");
    if (rc == RC_OK || rc == RC_AGAIN) {
        probe->watch.fd = fd;
        probe->stream = (struct stream){.kind = &stream_socket, .fd = fd};
        rc = loop_add(loop, &probe->watch, &why);
        if (rc == RC_OK && target->tls)
            rc = tls_client_start(&probe->stream, target->tls, target->tls_name, &why);
    } else if (rc == RC_IO) {
        rc = fail_errno(&why, RC_IO, "connect() failed");
    }
    if (rc != RC_OK)
        finish(probe, rc, &why);
    else
        timer_set(loop_timers(loop), &probe->timer, target->check->timeout_ms);
}
