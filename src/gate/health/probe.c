#include "gate/health/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/http/body.h"
#include "io/socket.h"

enum { HEAD_MOST = 32 * 1024 };

static void disconnect(struct probe *probe)
{
    if (!probe->stream.kind)
        return;
    loop_forget(probe->loop, &probe->watch);
    stream_close(&probe->stream);
    probe->stream = (struct stream){0};
}

static void forget_answer(struct probe *probe)
{
    timer_clear(&probe->timer);
    free(probe->buffer);
    probe->buffer = NULL;
}

void probe_cancel(struct probe *probe)
{
    if (probe->phase == PROBE_IDLE)
        return;
    probe->phase = PROBE_IDLE;
    forget_answer(probe);
    disconnect(probe);
}

/* For the next question, until its time is over or the server says something. */
static bool keep(struct probe *probe)
{
    uint64_t age = loop_now_ms(probe->loop) - probe->opened_ms,
             most = probe->target->check->keepalive_ms;

    if (!probe->whole || age >= most)
        return false;
    forget_answer(probe);
    probe->phase = PROBE_KEPT;
    timer_set(loop_timers(probe->loop), &probe->timer, most - age);
    return true;
}

static void finish(struct probe *probe, enum rc rc, const struct fault *why)
{
    if (!keep(probe))
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
                       "%s\r\n",
                       SPAN_ARG(probe->target->check->uri), SPAN_ARG(probe->target->host),
                       probe->target->check->keepalive_ms > 0 ? "" : "Connection: close\r\n");
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

/*
 * The body as far as it is here, taken out of its chunks, to the beginning of its bytes. RC_END: it is whole, and
 * `rest` is what follows it.
 */
static enum rc gather(const struct h1_response *answer, struct span *rest, bool ended,
                      struct span *all)
{
    struct span in = *rest;
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
    *rest = in;
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
    if ((match && match->wants_body) || probe->target->check->keepalive_ms > 0) {
        struct span rest = span_of(copy, probe->got - answer.head.len);

        memcpy(copy, probe->buffer + answer.head.len, rest.len); /* more may come to it */
        rc = gather(&answer, &rest, probe->ended, &body);
        if (rc == RC_AGAIN && !probe->ended && probe->got < PROBE_BUFFER)
            return rc;
        if (rc != RC_AGAIN && rc != RC_END)
            return fail(why, rc, "its chunks are broken");
        probe->whole = rc == RC_END && answer.keep_alive && rest.len == 0 && !probe->ended;
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

static enum rc connect_to(struct probe *probe, struct fault *why)
{
    const struct probe_target *target = probe->target;
    int fd = -1;
    enum rc rc = socket_connect(&target->address, &fd);

    if (rc != RC_OK && rc != RC_AGAIN)
        return fail_errno(why, rc, "connect() failed");
    probe->watch.fd = fd;
    probe->stream = (struct stream){.kind = &stream_socket, .fd = fd};
    probe->to = target->address;
    probe->opened_ms = loop_now_ms(probe->loop);
    probe->phase = PROBE_CONNECT;
    probe->readable = probe->writable = probe->reused = false;
    rc = loop_add(probe->loop, &probe->watch, why);
    return rc == RC_OK && target->tls
               ? tls_client_start(&probe->stream, target->tls, target->tls_name, why)
               : rc;
}

/* The connection had been kept, and the server has ended it: that says nothing of how it is. */
static enum rc ask_anew(struct probe *probe, struct fault *why)
{
    disconnect(probe);
    probe->sent = 0;
    probe->ended = false;
    return connect_to(probe, why);
}

static void run(struct probe *probe)
{
    struct fault why = {0};
    enum rc rc = RC_OK;

    while (rc == RC_OK) {
        rc = probe->phase == PROBE_CONNECT ? connect_on(probe, &why)
             : probe->phase == PROBE_SEND  ? send_on(probe, &why)
                                           : receive_on(probe, &why);
        if (rc != RC_OK && rc != RC_AGAIN && rc != RC_END && probe->reused && probe->got == 0)
            rc = ask_anew(probe, &why);
    }
    if (rc != RC_AGAIN)
        finish(probe, rc == RC_END ? RC_OK : rc, &why);
}

/* A kept one ends when it does, or says what nobody asked for. */
static void look(struct probe *probe)
{
    uint8_t byte;
    size_t got;

    if (stream_read(&probe->stream, &byte, 1, &got) != RC_AGAIN)
        probe_cancel(probe);
}

static void on_event(struct watch *watch, unsigned what)
{
    struct probe *probe = LIST_OWNER(watch, struct probe, watch);

    probe->readable = probe->readable || (what & (LOOP_READ | LOOP_HANGUP));
    probe->writable = probe->writable || (what & LOOP_WRITE);
    if (probe->phase == PROBE_KEPT)
        look(probe);
    else
        run(probe);
}

static void on_timeout(struct timer *timer)
{
    struct probe *probe = LIST_OWNER(timer, struct probe, timer);
    struct fault why = {0};

    if (probe->phase == PROBE_KEPT) {
        probe_cancel(probe);
        return;
    }
    (void)fail(&why, RC_IO, "it took too long");
    finish(probe, RC_IO, &why);
}

void probe_begin(struct probe *probe, struct loop *loop, const struct probe_target *target,
                 void (*done)(struct probe *probe, enum rc rc, const struct fault *why))
{
    bool again = probe->phase == PROBE_KEPT && address_equal(&probe->to, &target->address);
    struct fault why = {0};
    enum rc rc = RC_OK;

    if (!again) {
        probe_cancel(probe);
        *probe = (struct probe){.watch = {.ready = on_event}};
    }
    timer_clear(&probe->timer);
    probe->timer.fire = on_timeout;
    probe->loop = loop;
    probe->target = target;
    probe->done = done;
    probe->phase = again ? PROBE_SEND : PROBE_CONNECT;
    probe->reused = again;
    probe->whole = probe->ended = false;
    probe->sent = probe->got = 0;
    if (!(probe->buffer = malloc(PROBE_BUFFER)))
        rc = fail(&why, RC_MEMORY, "no memory");
    else if (!again)
        rc = connect_to(probe, &why);
    if (rc != RC_OK) {
        finish(probe, rc, &why);
        return;
    }
    timer_set(loop_timers(loop), &probe->timer, target->check->timeout_ms);
    if (again)
        run(probe);
}
