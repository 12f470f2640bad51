/* Limits of a location: of requests a second, of requests at once, and of bytes a second. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "gate/conf/value.h"
#include "gate/limit/limit_conn.h"
#include "gate/limit/limit_req.h"
#include "gate/request.h"

enum {
    LIMITS_MAX = 16,     /* limit_req of one location */
    REQ_KEY_MAX = 65535, /* nginx's: longer keys are not counted */
    CONN_KEY_MAX = 255,
};

/* What is counted in a limit_conn zone until the request has ended. */
struct limit_held {
    struct limit_held *before;
    struct zone *zone;
    struct span key;
};

/* The key's text, or its hash where that is too long for a zone; empty: not counted. */
static struct span find_key(struct request *r, const struct template *template, size_t most)
{
    struct buffer text = buffer_over(r->service->in, SCRATCH_IN);
    uint8_t *digest;
    struct span key;

    template_write(template, r, &text);
    key = buffer_span(&text);
    if (text.full || key.len > most) {
        request_log(r, LOG_LEVEL_ERROR,
                    "the value of the \"%.*s\" key is more than %zu bytes: it is not counted",
                    SPAN_ARG(template->source), most);
        return (struct span){0};
    }
    if (key.len <= ZONE_KEY_TEXT_MAX - HASH_SIZE_MAX / 4)
        return arena_copy(&r->arena, key);
    if (!(digest = request_memory(r, 1 + HASH_SIZE_MAX)))
        return (struct span){0};
    digest[0] = 0; /* what no shorter key is as long as */
    if (hash_compute(hash_find("sha256"), &key, 1, digest + 1, NULL) != RC_OK)
        return (struct span){0};
    return span_of(digest, 1 + hash_find("sha256")->size);
}

/* ---- limit_req ---- */

static enum rc refuse_req(struct request *r, const struct limit_req_turn *turn,
                          const struct limit_req_line *line, enum rc why)
{
    const struct limit_settings *s = &request_settings(r)->limit;

    if (why == RC_LIMIT)
        request_log(r, (enum log_level)s->req_log_level,
                    "limiting requests%s, excess: %llu.%03llu by zone \"%.*s\"",
                    s->req_dry_run ? ", dry run" : "", (unsigned long long)turn->excess / 1000,
                    (unsigned long long)turn->excess % 1000, SPAN_ARG(line->zone->name));
    else
        request_log(r, LOG_LEVEL_ALERT, "no room in limit_req zone \"%.*s\"",
                    SPAN_ARG(line->zone->name));
    r->limit_req = s->req_dry_run ? LIMIT_REJECTED_DRY_RUN : LIMIT_REJECTED;
    return s->req_dry_run ? RC_OK : RC_LIMIT;
}

static void log_delay(struct request *r, const struct limit_req_turn *turn,
                      const struct limit_req_line *line)
{
    const struct limit_settings *s = &request_settings(r)->limit;

    request_log(r, (enum log_level)(s->req_log_level + 1),
                "delaying request%s, excess: %llu.%03llu, by zone \"%.*s\"",
                s->req_dry_run ? ", dry run" : "", (unsigned long long)turn->excess / 1000,
                (unsigned long long)turn->excess % 1000, SPAN_ARG(line->zone->name));
}

/* RC_OK, RC_AGAIN: r->limited_until_ms is set; RC_LIMIT: refused. */
static enum rc check_req(struct request *r)
{
    const struct limit_settings *s = &request_settings(r)->limit;
    struct limit_req limits[LIMITS_MAX];
    const struct limit_req_line *lines[LIMITS_MAX];
    struct limit_req_turn turns[LIMITS_MAX], *slowest = NULL;
    size_t count = 0, at = 0;
    enum rc rc;

    for (size_t i = 0; i < s->reqs_count && count < LIMITS_MAX; i++) {
        const struct limit_req_line *line = &s->reqs[i];
        struct span key = find_key(r, &line->zone->key, REQ_KEY_MAX);

        if (key.len == 0)
            continue;
        limits[count] =
            (struct limit_req){line->zone->zone, line->zone->rate, line->burst, line->delay};
        turns[count] = (struct limit_req_turn){.limit = &limits[count], .key = key};
        lines[count++] = line;
    }
    if (count == 0)
        return RC_OK;
    if ((rc = limit_req_ask(turns, count, clock_ms(), &at)) != RC_OK)
        return refuse_req(r, &turns[at], lines[at], rc);
    r->limit_req = LIMIT_PASSED;
    for (size_t i = 0; i < count; i++)
        if (turns[i].delay_ms > (slowest ? slowest->delay_ms : 0))
            slowest = &turns[i];
    if (!slowest)
        return RC_OK;
    log_delay(r, slowest, lines[slowest - turns]);
    r->limit_req = s->req_dry_run ? LIMIT_DELAYED_DRY_RUN : LIMIT_DELAYED;
    r->limited_until_ms = loop_now_ms(r->service->loop) + slowest->delay_ms;
    return s->req_dry_run ? RC_OK : RC_AGAIN;
}

/* ---- limit_conn ---- */

void request_leave_limits(struct request *r)
{
    for (const struct limit_held *held = r->limit_held; held; held = held->before)
        limit_conn_leave(held->zone, held->key);
    r->limit_held = NULL;
}

static enum rc hold(struct request *r, const struct limit_conn_line *line, struct span key)
{
    struct limit_held *held = request_memory(r, sizeof *held);
    enum rc rc = held ? limit_conn_enter(line->zone->zone, key, line->most) : RC_MEMORY;

    if (rc == RC_OK) {
        *held = (struct limit_held){r->limit_held, line->zone->zone, key};
        r->limit_held = held;
    }
    return rc;
}

static enum rc check_conn(struct request *r)
{
    const struct limit_settings *s = &request_settings(r)->limit;

    for (size_t i = 0; i < s->conns_count; i++) {
        const struct limit_conn_line *line = &s->conns[i];
        struct span key = find_key(r, &line->zone->key, CONN_KEY_MAX);
        enum rc rc;

        if (key.len == 0)
            continue;
        r->limit_conn = LIMIT_PASSED;
        if ((rc = hold(r, line, key)) == RC_OK)
            continue;
        request_leave_limits(r);
        request_log(r, rc == RC_LIMIT ? (enum log_level)s->conn_log_level : LOG_LEVEL_ALERT,
                    rc == RC_LIMIT ? "limiting connections%s by zone \"%.*s\""
                                   : "no room%s in limit_conn zone \"%.*s\"",
                    s->conn_dry_run ? ", dry run," : "", SPAN_ARG(line->zone->name));
        r->limit_conn = s->conn_dry_run ? LIMIT_REJECTED_DRY_RUN : LIMIT_REJECTED;
        return s->conn_dry_run ? RC_OK : RC_LIMIT;
    }
    return RC_OK;
}

/* ---- both, in nginx's order, once for each request ---- */

static void on_time(struct timer *timer)
{
    request_run(LIST_OWNER(timer, struct request, pause));
}

static void pause_for(struct request *r, uint64_t ms)
{
    r->pause.fire = on_time;
    timer_set(loop_timers(r->service->loop), &r->pause, ms);
}

static enum rc enter_conn(struct request *r)
{
    if (r->limit_conn == LIMIT_UNASKED && check_conn(r) != RC_OK)
        return request_answer_status(r, (unsigned)request_settings(r)->limit.conn_status);
    return request_check_access(r);
}

enum rc request_limit(struct request *r)
{
    enum rc rc = RC_OK;

    if (r->limit_req == LIMIT_UNASKED)
        rc = check_req(r);
    if (rc == RC_LIMIT)
        return request_answer_status(r, (unsigned)request_settings(r)->limit.req_status);
    if (rc == RC_AGAIN) {
        r->step = STEP_DELAY;
        return RC_OK;
    }
    return enter_conn(r);
}

enum rc request_delay(struct request *r)
{
    const uint64_t now = loop_now_ms(r->service->loop);

    if (r->client->hangup) {
        request_log(r, LOG_LEVEL_INFO, "client prematurely closed connection");
        return RC_IO;
    }
    if (now < r->limited_until_ms) {
        request_wait(r, 0, 0);
        pause_for(r, r->limited_until_ms - now);
        return RC_AGAIN;
    }
    return r->refusal_waits ? request_answer_refusal(r, 401) : enter_conn(r);
}

/* ---- limit_rate ---- */

static uint64_t find_size(struct request *r, const struct template *template)
{
    char text[32];
    struct buffer out = buffer_over(text, sizeof text);
    uint64_t size;

    if (template_is_constant(template) && span_equal(template_constant(template), SPAN("0")))
        return 0;
    template_write(template, r, &out);
    if (out.full || value_parse_size(buffer_span(&out), false, &size) != RC_OK)
        return 0;
    return size;
}

void request_find_rate(struct request *r)
{
    const struct limit_settings *s = &request_settings(r)->limit;

    r->rate = r->has_told_rate ? r->told_rate : find_size(r, &s->rate);
    if (r->rate == 0)
        return;
    r->rate_after = find_size(r, &s->rate_after);
    r->rate_since_ms = r->began_ms;
}

/* A second's bytes at once, as nginx has it: whoever has waited gets what has come together. */
size_t request_allowance(struct request *r, size_t want)
{
    uint64_t now = loop_now_ms(r->service->loop), allowed, gone;

    allowed = r->rate * ((now - r->rate_since_ms) / 1000 + 1) + r->rate_after;
    if (r->sent < allowed)
        return allowed - r->sent < want ? (size_t)(allowed - r->sent) : want;
    gone = (r->sent - allowed) * 1000 / r->rate + 1;
    pause_for(r, gone < 1000 ? 1000 - (now - r->rate_since_ms) % 1000 : gone);
    r->paced = true;
    return 0;
}
