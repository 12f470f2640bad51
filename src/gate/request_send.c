/* Bytes to the client and to the origin, and those of a request's body. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/http/temp_file.h"
#include "gate/request.h"

void spill_clear(struct spill *spill)
{
    free(spill->at);
    if (spill->has_file)
        close(spill->fd);
    *spill = (struct spill){.memory_max = spill->memory_max, .directory = spill->directory};
}

/* Nothing waits any more: the memory goes, a file stays for more. */
static void spill_empty(struct spill *spill)
{
    free(spill->at);
    spill->at = NULL;
    spill->begin = spill->end = 0;
    if (spill->has_file && spill->file_end > 0 && ftruncate(spill->fd, 0) == 0)
        spill->file_begin = spill->file_end = 0;
}

static enum rc add_to_file(struct spill *spill, struct span bytes)
{
    struct fault why = {0};

    if (!spill->has_file) {
        if (temp_file_open(spill->directory, &spill->fd, &why) != RC_OK) {
            log_line(LOG_LEVEL_CRIT, "%s", why.text);
            return RC_MEMORY;
        }
        spill->has_file = true;
    }
    while (bytes.len > 0) {
        ssize_t done = pwrite(spill->fd, bytes.at, bytes.len, (off_t)spill->file_end);

        if (done <= 0) {
            log_line(LOG_LEVEL_CRIT, "pwrite() to a temporary file failed (%d: %s)", errno,
                     strerror(errno));
            return RC_MEMORY;
        }
        span_cut(&bytes, (uint64_t)done);
        spill->file_end += (uint64_t)done;
    }
    return RC_OK;
}

enum rc spill_add(struct spill *spill, const struct iovec *pieces, int count, size_t skip)
{
    bool in_file = spill->file_begin < spill->file_end;
    size_t more = 0;
    uint8_t *at;

    for (int i = 0; i < count; i++)
        more += pieces[i].iov_len;
    more -= skip;
    in_file = in_file ||
              (spill->memory_max > 0 && spill->end - spill->begin + more > spill->memory_max);
    if (!in_file) {
        if (!(at = realloc(spill->at, spill->end + more)))
            return RC_MEMORY;
        spill->at = at;
    }
    for (int i = 0; i < count; i++) {
        size_t cut = skip < pieces[i].iov_len ? skip : pieces[i].iov_len;
        struct span left =
            span_of((uint8_t *)pieces[i].iov_base + cut, pieces[i].iov_len - cut);

        skip -= cut;
        if (left.len == 0)
            continue;
        if (in_file) {
            if (add_to_file(spill, left) != RC_OK)
                return RC_MEMORY;
            continue;
        }
        memcpy(spill->at + spill->end, left.at, left.len);
        spill->end += left.len;
    }
    return RC_AGAIN;
}

/* Writes pieces behind what waits; RC_AGAIN when some of it waits afterwards. */
static enum rc send_or_spill(struct stream *stream, bool *writable, struct spill *spill,
                             const struct iovec *pieces, int count, uint64_t *counter)
{
    size_t all = 0, sent = 0;
    enum rc rc;

    for (int i = 0; i < count; i++)
        all += pieces[i].iov_len;
    if (all == 0)
        return spill_is_empty(spill) ? RC_OK : RC_AGAIN;
    if (!*writable || !spill_is_empty(spill))
        return spill_add(spill, pieces, count, 0);
    rc = stream_write(stream, pieces, count, &sent);
    if (rc == RC_OK) {
        *counter += sent;
        if (sent == all)
            return RC_OK;
        *writable = !stream_is_plain(stream); /* the loop tells when there is room again */
    } else if (rc == RC_AGAIN) {
        *writable = false;
    } else {
        return RC_IO;
    }
    return spill_add(spill, pieces, count, sent);
}

/* How many of `want` bytes may go now: `paced` is a request with a limit of bytes a second, or NULL. */
static size_t allow(struct request *paced, size_t want)
{
    return paced ? request_allowance(paced, want) : want;
}

/* What waits in memory, as far as the socket takes it. */
static enum rc flush_memory(struct stream *stream, bool *writable, struct spill *spill,
                            uint64_t *counter, struct request *paced)
{
    while (spill->begin < spill->end) {
        struct iovec rest = {spill->at + spill->begin, spill->end - spill->begin};
        size_t sent = 0;
        enum rc rc;

        if ((rest.iov_len = allow(paced, rest.iov_len)) == 0)
            return RC_AGAIN;
        rc = *writable ? stream_write(stream, &rest, 1, &sent) : RC_AGAIN;
        if (rc != RC_OK && rc != RC_AGAIN)
            return RC_IO;
        *counter += sent;
        spill->begin += sent;
        if (rc == RC_AGAIN || (sent < rest.iov_len && stream_is_plain(stream)))
            *writable = false;
        if (rc == RC_AGAIN)
            return rc;
    }
    return RC_OK;
}

/* TLS takes bytes, not files. */
static ssize_t write_from_file(struct stream *stream, const struct spill *spill, size_t most)
{
    uint8_t bytes[16 * 1024];
    struct iovec piece = {bytes, 0};
    size_t sent = 0;
    ssize_t got = pread(spill->fd, bytes, most < sizeof bytes ? most : sizeof bytes,
                        (off_t)spill->file_begin);
    enum rc rc;

    if (got <= 0)
        return -1;
    piece.iov_len = (size_t)got;
    rc = stream_write(stream, &piece, 1, &sent);
    errno = rc == RC_AGAIN ? EAGAIN : EPIPE;
    return rc == RC_OK || (rc == RC_AGAIN && sent > 0) ? (ssize_t)sent : -1;
}

static enum rc flush_file(struct stream *stream, bool *writable, struct spill *spill,
                          uint64_t *counter, struct request *paced)
{
    while (spill->file_begin < spill->file_end) {
        off_t offset = (off_t)spill->file_begin;
        size_t most = allow(paced, (size_t)(spill->file_end - spill->file_begin));
        ssize_t sent;

        if (!*writable || most == 0)
            return RC_AGAIN;
        sent = stream_is_plain(stream) ? sendfile(stream->fd, spill->fd, &offset, most)
                                       : write_from_file(stream, spill, most);
        if (sent <= 0) {
            *writable = false;
            return sent < 0 && errno == EAGAIN ? RC_AGAIN : RC_IO;
        }
        *counter += (uint64_t)sent;
        spill->file_begin += (uint64_t)sent;
    }
    return RC_OK;
}

static enum rc flush(struct stream *stream, bool *writable, struct spill *spill,
                     uint64_t *counter, struct request *paced)
{
    enum rc rc;

    if ((rc = flush_memory(stream, writable, spill, counter, paced)) != RC_OK ||
        (rc = flush_file(stream, writable, spill, counter, paced)) != RC_OK)
        return rc;
    if (spill->at || spill->file_end > 0)
        spill_empty(spill);
    return RC_OK;
}

/* All of it waits, and what may go now goes. */
static enum rc send_paced(struct request *r, const struct iovec *pieces, int count)
{
    size_t all = 0;

    for (int i = 0; i < count; i++)
        all += pieces[i].iov_len;
    if (all > 0 && spill_add(&r->to_client, pieces, count, 0) == RC_MEMORY)
        return RC_MEMORY;
    return request_flush(r);
}

/* What a request inside answers: nobody's, or part of its parent's body. */
static enum rc send_to_parent(struct request *r, const struct iovec *pieces, int count)
{
    enum rc rc = RC_OK;

    r->head_sent = true;
    if (r->kind != SUB_ADDITION)
        return RC_OK;
    for (int i = 0; rc == RC_OK && i < count; i++)
        rc = request_send_formed(r->parent, (struct iovec){0},
                                 span_of(pieces[i].iov_base, pieces[i].iov_len), GZIP_MORE);
    return rc != RC_OK ? rc : spill_is_empty(&r->parent->to_client) ? RC_OK : RC_AGAIN;
}

enum rc request_send(struct request *r, const struct iovec *pieces, int count)
{
    enum rc rc;

    if (r->parent)
        return send_to_parent(r, pieces, count);
    if (r->unheard)
        return RC_OK;
    if (!r->head_sent)
        request_find_rate(r);
    r->head_sent = true;
    if (r->rate > 0)
        return send_paced(r, pieces, count);
    rc = send_or_spill(&r->client->stream, &r->client->writable, &r->to_client, pieces, count,
                       &r->sent);
    return rc == RC_IO && request_outlives_client(r) ? RC_OK : rc;
}

enum rc request_flush(struct request *r)
{
    enum rc rc;

    if (r->parent)
        return r->kind == SUB_ADDITION ? request_flush(r->parent) : RC_OK;
    r->paced = false;
    rc = flush(&r->client->stream, &r->client->writable, &r->to_client, &r->sent,
               r->rate > 0 ? r : NULL);
    return rc == RC_IO && request_outlives_client(r) ? RC_OK : rc;
}

static uint64_t *sent_up(struct request *r)
{
    return &r->tries[(r->tries_count - 1) % REQUEST_TRIES].sent;
}

enum rc request_send_up(struct request *r, const struct iovec *pieces, int count)
{
    return send_or_spill(&r->origin->stream, &r->origin->writable, &r->to_origin, pieces,
                         count, sent_up(r));
}

enum rc request_flush_up(struct request *r)
{
    return flush(&r->origin->stream, &r->origin->writable, &r->to_origin, sent_up(r), NULL);
}

void request_drop_up(struct request *r)
{
    spill_clear(&r->to_origin);
}

static void wait(struct request *r, struct timer *timer, struct waited *waited, uint64_t ms,
                 uint64_t bytes)
{
    if (ms == 0) {
        timer_clear(timer);
        return;
    }
    if (timer_is_set(timer) && waited->ms == ms && waited->bytes == bytes)
        return;
    *waited = (struct waited){ms, bytes};
    timer_set(loop_timers(r->service->loop), timer, ms);
}

void request_wait(struct request *r, uint64_t client_ms, uint64_t origin_ms)
{
    if (!r->parent) /* whose client's time is its own affair */
        wait(r, &r->client->timer, &r->for_client, r->paced ? 0 : client_ms,
             r->sent + r->up_total);
    if (r->origin) {
        const struct try *t = &r->tries[(r->tries_count - 1) % REQUEST_TRIES];

        wait(r, &r->origin->timer, &r->for_origin, origin_ms, t->sent + t->received);
    }
}

void request_run_turn(struct task *task)
{
    request_run(LIST_OWNER(task, struct request, turn));
}

enum rc request_yield(struct request *r)
{
    request_wait(r, 0, 0);
    r->turn.run = request_run_turn;
    loop_defer(r->service->loop, &r->turn);
    return RC_AGAIN;
}

/* Body that came with the head. Taking chunks apart changes their bytes: those are kept, for another try. */
static struct span behind_head(const struct request *r)
{
    struct span in = span_of(r->bytes + r->used, r->got - r->used);

    if (r->up.framing != FRAMING_CHUNKED || in.len > SCRATCH_IN)
        return in;
    memcpy(r->service->in, in.at, in.len);
    return span_of(r->service->in, in.len);
}

enum rc request_read_body(struct request *r, struct span *in)
{
    struct service *s = r->service;
    size_t most = SCRATCH_IN, got = 0;
    enum rc rc;

    if (r->used < r->got) {
        *in = behind_head(r);
        r->used = r->got;
        return RC_OK;
    }
    if (r->continue_due) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        struct iovec piece = {(void *)(uintptr_t)text, sizeof text - 1};

        r->continue_due = false;
        if (!r->head_sent) {
            rc = request_send(r, &piece, 1);
            r->head_sent = false;
            if (rc != RC_OK && rc != RC_AGAIN)
                return rc;
        }
    }
    if (r->up.framing == FRAMING_LENGTH && r->up.left < most)
        most = r->up.left; /* what follows is the next request's */
    if ((rc = client_read(r->client, s->in, most, &got)) != RC_OK)
        return rc;
    r->up_unretained = true;
    *in = span_of(s->in, got);
    return RC_OK;
}

enum rc request_unread(struct request *r, struct span rest)
{
    struct iovec piece = {(void *)(uintptr_t)rest.at, rest.len};

    if (rest.len == 0)
        return RC_OK;
    if (!r->up_unretained) { /* all that was read yet came with the head */
        r->used = r->got - rest.len;
        return RC_OK;
    }
    return spill_add(&r->surplus, &piece, 1, 0) == RC_MEMORY ? RC_MEMORY : RC_OK;
}

bool request_body_fits(struct request *r, size_t more)
{
    uint64_t most = request_settings(r)->http.client_max_body_size;

    r->up_total += more;
    return most == 0 || r->up_total <= most;
}
