/*
 * Requests inside of a request: the same steps, with the client's head, another path, and an answer that does not
 * go to the client. All of them last until their parent ends.
 */
#include "gate/request.h"
#include "gate/respond/status.h"
#include "gate/trace.h"
#include "gate/variables.h"

bool request_is_waiting_for_subs(const struct request *r)
{
    for (const struct request *sub = r->subs; sub; sub = sub->next_sub)
        if (!sub->sub_done)
            return true;
    return false;
}

static void wake(struct request *r)
{
    r->turn.run = request_run_turn;
    loop_defer(r->service->loop, &r->turn);
}

void request_end_sub(struct request *sub, bool failed)
{
    request_leave_origin(sub, false);
    request_close_file(sub);
    request_leave_limits(sub);
    sub->sub_done = true;
    sub->sub_failed = failed;
    wake(sub->parent);
}

static void run_soon(struct request *sub)
{
    sub->turn.run = request_run_turn;
    loop_defer(sub->service->loop, &sub->turn);
}

/* The parent's head, without what it says of a body and of its connection. */
static void copy_head(struct request *sub, const struct request *parent)
{
    sub->head = parent->head;
    sub->head.version = 9; /* an answer without a head, up to its end */
    sub->head.chunked = sub->head.has_length = sub->head.wants_upgrade = false;
    sub->head.expects_continue = false;
}

struct request *request_begin_sub(struct request *parent, enum sub_kind kind, struct span path,
                                  struct span args)
{
    struct request *sub = service_take_request(parent->service, parent->client);

    if (!sub)
        return NULL;
    request_renew(sub);
    copy_head(sub, parent);
    sub->parent = parent;
    sub->kind = kind;
    sub->up.done = true;
    sub->server = parent->server;
    sub->location = &parent->server->outer;
    sub->host = parent->host;
    sub->from = parent->from;
    sub->id = parent->id;
    sub->path = span_cut(&path, span_find(path, '?'));
    span_cut(&path, 1);
    sub->args = path.len > 0 ? path : args;
    sub->has_args = sub->args.len > 0;
    sub->path_changed = sub->is_internal = true;
    sub->computed = variables_share(parent);
    sub->began_ms = loop_now_ms(parent->service->loop);
    sub->is_head = kind != SUB_ADDITION;
    if (kind == SUB_AUTH || kind == SUB_ADDITION) {
        sub->method_is_get = true;
        sub->head.method = METHOD_GET;
    } else if (parent->is_kept &&
               (kind == SUB_AFTER || request_settings(parent)->subrequest.mirror_body)) {
        sub->is_kept = true;
        sub->body = parent->body;
    }
    sub->step = STEP_REDIRECT;
    sub->next_sub = parent->subs;
    parent->subs = sub;
    run_soon(sub);
    return sub;
}

static enum rc await(struct request *r, struct request *sub)
{
    const struct settings *s = request_settings(r);
    enum rc rc;

    if (sub->sub_done)
        return RC_OK;
    if (r->client->hangup && r->up.done && sub->kind != SUB_ADDITION) {
        request_log(r, LOG_LEVEL_INFO, "client prematurely closed connection");
        r->status = STATUS_CLIENT_CLOSED;
        return RC_IO;
    }
    if (sub->kind == SUB_ADDITION) { /* what it sends goes through here */
        rc = request_flush(r);
        if (rc == RC_OK)
            run_soon(sub);
        else if (rc != RC_AGAIN)
            return rc;
        request_wait(r, rc == RC_AGAIN ? s->http.send_timeout_ms : 0, 0);
        return RC_AGAIN;
    }
    request_wait(r, 0, 0);
    return RC_AGAIN;
}

/* ---- the three of them ---- */

unsigned request_ask_permission(struct request *r)
{
    const struct subrequest_settings *s = &request_settings(r)->subrequest;
    struct request *sub = r->auth;

    if (s->auth.len == 0)
        return 0;
    if (r->service->trace) {
        request_trace(r, NULL, "auth_request would ask %.*s: taken as allowed",
                      SPAN_ARG(s->auth));
        return 200;
    }
    if (!sub) {
        if (!(r->auth = request_begin_sub(r, SUB_AUTH, s->auth, (struct span){0})))
            return 500;
        return REQUEST_PENDING;
    }
    if (!sub->sub_done)
        return REQUEST_PENDING;
    r->auth = NULL; /* the next location asks again */
    for (size_t i = 0; i < s->sets_count; i++)
        variables_set_from(r, s->sets[i].variable, sub, &s->sets[i].value);
    if (!sub->sub_failed && sub->status >= 200 && sub->status < 300)
        return 200;
    if (!sub->sub_failed && (sub->status == 401 || sub->status == 403)) {
        if (r->refused !=
            401) /* with "satisfy any", the first 401 is the one that is answered */
            r->challenge = sub->challenge;
        return sub->status;
    }
    request_log(r, LOG_LEVEL_ERROR, "auth request unexpected status: %u", sub->status);
    return 500;
}

enum rc request_await_permission(struct request *r)
{
    if (r->step != STEP_ACCESS) { /* the next turn waits */
        r->step = STEP_ACCESS;
        return RC_OK;
    }
    return await(r, r->auth);
}

enum rc request_mirror(struct request *r)
{
    const struct subrequest_settings *s = &request_settings(r)->subrequest;

    r->mirrored = true;
    for (size_t i = 0; i < s->mirrors_count; i++)
        if (!request_begin_sub(r, SUB_MIRROR, s->mirrors[i], r->args))
            return RC_MEMORY;
    return request_content(r);
}

/* What variables tell of the client's answer stays what it was until this one has its own. */
static void copy_answer(struct request *sub, const struct request *parent)
{
    sub->status = parent->status;
    sub->sent = parent->sent;
    sub->head_bytes = parent->head_bytes;
    sub->hints_bytes = parent->hints_bytes;
    sub->up_total = parent->up_total;
    sub->began_ms = parent->began_ms;
    sub->captures = parent->captures;
    sub->kept = parent->kept;
    sub->location_field = parent->location_field;
    sub->content_type = parent->content_type;
    sub->sent_lines = parent->sent_lines;
    sub->tries_count = sub->tries_before = parent->tries_count;
    memcpy(sub->tries, parent->tries, sizeof sub->tries);
}

bool request_act_afterwards(struct request *r)
{
    const struct span to = request_settings(r)->subrequest.after_all;
    struct request *sub;

    if (to.len == 0 || r->parent || r->acted_after || r->service->trace)
        return false;
    r->acted_after = true;
    sub = request_begin_sub(r, SUB_AFTER, to.at[0] == '@' ? r->path : to,
                            to.at[0] == '@' ? r->args : (struct span){0});
    if (!sub)
        return false;
    copy_answer(sub, r);
    sub->head.method = r->head.method;
    sub->method_is_get = r->method_is_get;
    if (to.at[0] == '@')
        (void)request_redirect_to(sub, to);
    return true;
}

bool request_shape_additions(struct request *r, unsigned status, struct span content_type)
{
    const struct subrequest_settings *s = &request_settings(r)->subrequest;

    r->adds_before = r->adds_after = false;
    if ((s->before.len == 0 && s->after.len == 0) || r->parent || status != 200 ||
        !type_list_has(&s->addition_types, content_type))
        return false;
    r->adds_before = s->before.len > 0;
    r->adds_after = s->after.len > 0;
    return true;
}

/* The head is on its way; `body` begins behind it once all that stands in front is there. */
enum rc request_begin_additions(struct request *r, struct span body, enum step then)
{
    r->held = arena_copy(&r->arena, body);
    r->after_addition = then;
    r->step = STEP_ADD;
    if (!r->held.at)
        return RC_MEMORY;
    r->addition = request_begin_sub(r, SUB_ADDITION, request_settings(r)->subrequest.before,
                                    (struct span){0});
    r->adds_before = false;
    return r->addition ? RC_OK : RC_MEMORY;
}

static enum rc begin_after(struct request *r)
{
    enum rc rc = RC_OK;

    if (r->transforms) /* what they hold back stands in front of it */
        rc = request_transform(r, (struct iovec){0}, NULL, 0, GZIP_END);
    transform_close(r->transforms);
    r->transforms = NULL;
    if (rc != RC_OK)
        return rc;
    r->adds_after = false;
    r->after_addition = STEP_DRAIN;
    r->addition = request_begin_sub(r, SUB_ADDITION, request_settings(r)->subrequest.after,
                                    (struct span){0});
    return r->addition ? RC_OK : RC_MEMORY;
}

enum rc request_add(struct request *r)
{
    enum rc rc;

    if (!r->addition && (rc = begin_after(r)) != RC_OK)
        return rc;
    if ((rc = await(r, r->addition)) != RC_OK)
        return rc;
    if (r->addition->sub_failed) /* half of it must not look whole */
        return RC_IO;
    r->addition = NULL;
    if ((rc = request_flush(r)) != RC_OK && rc != RC_AGAIN)
        return rc;
    if (r->after_addition == STEP_DRAIN) { /* it stood behind all else */
        r->parts_count = r->part;
        r->open_ended = true;
        r->step = STEP_ANSWER;
        return RC_OK;
    }
    r->step = r->after_addition;
    return r->step == STEP_RELAY
               ? request_send_held(r)
               : request_send_own_body(r, (struct iovec){0}, r->held,
                                       r->parts_count == 0 && !r->adds_after);
}
