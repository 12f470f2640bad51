/* The rewrite module's place in a request: after a server or a location is found. */
#include "gate/conf/regex.h"
#include "gate/conf/value.h"
#include "gate/map/computed.h"
#include "gate/request.h"
#include "gate/variables.h"

void request_keep_captures(struct request *r)
{
    struct captures_kept *kept;

    if (!r->captures.regex || regex_group_name(r->captures.regex, 0).len == 0 ||
        !(kept = request_memory(r, sizeof *kept)))
        return;
    kept->before = r->kept;
    kept->captures = r->captures;
    r->kept = kept;
}

static void enter(void *subject, const struct location *location)
{
    ((struct request *)subject)->location = location;
}

static void matched(void *subject)
{
    request_keep_captures(subject);
}

static void set_rate(struct request *r, struct span value)
{
    r->has_told_rate = value_parse_size(value, false, &r->told_rate) == RC_OK;
    if (!r->has_told_rate)
        request_log(r, LOG_LEVEL_ERROR, "invalid $limit_rate \"%.*s\"", SPAN_ARG(value));
}

static void set(void *subject, uintptr_t variable, struct span value)
{
    struct request *r = subject;

    if (variable == REWRITE_VARIABLE_RATE) {
        set_rate(r, value);
        return;
    }
    if (variable != REWRITE_VARIABLE_ARGS) {
        variables_set(r, variable, value);
        return;
    }
    r->args = value.at ? value : SPAN("");
    r->has_args = value.len > 0;
    r->path_changed = true; /* the target is not what came, even so */
}

static void ran(void *subject, const struct rewrite_code *code, bool held)
{
    struct request *r = subject;

    if (code->kind == REWRITE_PATH && held && code->then != REWRITE_AWAY)
        request_trace(r, code->node, "matches: the path is now \"%.*s\"", SPAN_ARG(r->path));
    else if (code->kind == REWRITE_PATH)
        request_trace(r, code->node,
                      held ? "matches: the client is sent elsewhere" : "does not match");
    else if (code->kind == REWRITE_IF)
        request_trace(r, code->node, held ? "holds" : "does not hold");
    else
        request_trace(r, code->node,
                      code->kind == REWRITE_RETURN ? "answers" : "is carried out");
}

static void tell(void *subject, bool is_error, const char *what)
{
    request_log(subject, is_error ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "%s", what);
}

static int look(void *subject, const char *path, struct stat *found)
{
    struct file_way way = request_file_way(subject);

    return file_way_stat(&way, path, found);
}

/* Did the target's path have escapes, or blanks as '+'? */
static bool is_escaped(const struct request *r)
{
    struct span raw = h1_request_path(&r->head);

    raw.len = span_find(raw, '?');
    return span_find(raw, '%') < raw.len || span_find(raw, '+') < raw.len;
}

/* What the request is like after some rewrite has matched. RC_MEMORY: it is none. */
static enum rc take_over(struct request *r, const struct rewrite_turn *turn)
{
    r->is_internal = true;
    r->path_changed = true;
    r->path_is_plain = false;
    r->has_args = r->args.len > 0;
    r->path_left = r->path_left || turn->left;
    return request_with_slash(r, &r->path) ? RC_OK : RC_MEMORY;
}

/* Looks for the location of the path that a location's own instructions made. */
static enum rc search_again(struct request *r)
{
    if (!request_may_redirect(r, "processing", r->path))
        return request_answer_status(r, 500);
    r->searches = true;
    r->step = STEP_REDIRECT;
    return RC_OK;
}

static bool run_codes(struct request *r, const struct rewrite_settings *s, enum rc *rc)
{
    struct rewrite_turn turn = {
        .subject = r,
        .arena = &r->arena,
        .scratch = buffer_over(r->service->in, SCRATCH_IN),
        .path = &r->path,
        .args = &r->args,
        .captures = &r->captures,
        .is_escaped = is_escaped(r),
        .log = s->log,
        .set = set,
        .enter = enter,
        .matched = matched,
        .tell = tell,
        .look = look,
        .ran = r->service->trace ? ran : NULL,
    };
    const bool of_server = r->location == &r->server->outer;
    const uint64_t given_up = regex_given_up();
    enum rewrite_verdict verdict;

    verdict = rewrite_run(s->codes, s->count, &turn);
    if (turn.rewritten && (*rc = take_over(r, &turn)) != RC_OK)
        return true;
    if (regex_given_up() != given_up) {
        tell(r, true,
             "a regular expression of \"rewrite\", \"if\" or \"map\" takes too many steps");
        verdict = REWRITE_FAILED;
    }
    switch (verdict) {
    case REWRITE_DONE:
        if (!turn.searches || of_server)
            return false;
        *rc = search_again(r);
        break;
    case REWRITE_ANSWER:
        *rc = request_answer_return(r, turn.answer);
        break;
    case REWRITE_REDIRECT:
        *rc = request_answer_redirect(r, turn.answer->status, turn.location);
        break;
    case REWRITE_FAILED:
        *rc = request_answer_status(r, 500);
        break;
    }
    return true;
}

bool request_rewrite(struct request *r, enum rc *rc)
{
    const struct rewrite_settings *s = &request_settings(r)->rewrite;

    return s->count > 0 && run_codes(r, s, rc);
}
