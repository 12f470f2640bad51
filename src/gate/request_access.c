/* nginx's access phase: who may go on, by address and by password. */
#include <string.h>

#include "gate/auth/htpasswd.h"
#include "gate/auth/password.h"
#include "gate/request.h"
#include "gate/variables.h"

enum { USER_FILE_PATH = 4096 };

/* ---- whom the request comes from ---- */

void request_address(const struct request *r, struct address *address)
{
    if (r->from)
        *address = *r->from;
    else
        client_address(r->client, address);
}

/* What the PROXY protocol says, of those that are trusted. */
static void find_announced(struct request *r)
{
    const struct access_settings *s = &request_settings(r)->access;
    const struct proxy_protocol *announced = r->client->announced;
    struct address *from;
    char text[ADDRESS_TEXT];

    if (!announced || announced->from.len == 0 || !(from = request_memory(r, sizeof *from)))
        return;
    client_address(r->client, from);
    if (!real_ip_find(&s->trust, address_text(&announced->from, text, true), false, from))
        return;
    *from = announced->from;
    r->from = from;
}

void request_find_address(struct request *r)
{
    const struct access_settings *s = &request_settings(r)->access;
    struct span list = {0};
    struct address *from;

    if (r->from || (s->trust.count == 0 && !s->trust.unix_sockets))
        return;
    if (s->real_ip_from == REAL_IP_PROXY_PROTOCOL) {
        find_announced(r);
        return;
    }
    if (!(span_equal(s->real_ip_name, SPAN("x_forwarded_for"))
              ? request_field_list(r, s->real_ip_name, &list)
              : request_field_first(r, s->real_ip_name, &list)) ||
        !(from = request_memory(r, sizeof *from)))
        return;
    client_address(r->client, from);
    if (real_ip_find(&s->trust, list, s->real_ip_recursive, from))
        r->from = from;
}

/* ---- the conditions: each 0 where it says nothing, 200, or the status of a refusal ---- */

static unsigned check_address(struct request *r)
{
    const struct access_settings *access = &request_settings(r)->access;
    const struct access_rule *rule;
    struct address from;

    if (access->count == 0)
        return 0;
    request_address(r, &from);
    rule = access_find(access->rules, access->count, &from);
    if (!rule)
        return 0;
    request_trace(r, rule->node, "fits the client");
    if (!rule->deny)
        return 200;
    if (!access->satisfy_any)
        request_log(r, LOG_LEVEL_ERROR, "access forbidden by rule");
    return 403;
}

/* The challenge that goes with a 401. */
static unsigned ask_for_password(struct request *r, struct span realm)
{
    const size_t size = realm.len + sizeof "Basic realm=\"\"";
    struct buffer text = buffer_over(request_memory(r, size), size);

    if (!text.at)
        return 500;
    buffer_add(&text, SPAN("Basic realm=\""));
    buffer_add(&text, realm);
    buffer_add(&text, SPAN("\""));
    r->challenge = buffer_span(&text);
    return 401;
}

static unsigned check_password(struct request *r, struct span realm, const char *path)
{
    const struct field *field = request_credentials(r);
    uint8_t room[2 * PASSWORD_MAX];
    struct buffer out = buffer_over(room, sizeof room);
    struct span user, password;
    enum htpasswd_verdict verdict = HTPASSWD_MISMATCH;
    struct fault why = {0};
    enum rc rc;

    if (!field ||
        !htpasswd_credentials(field_value(&r->head.head, field), &out, &user, &password)) {
        request_log(r, LOG_LEVEL_INFO,
                    "no user/password was provided for basic authentication");
        return ask_for_password(r, realm);
    }
    rc = htpasswd_check(path, user, password, &verdict, &why);
    if (rc != RC_OK)
        request_log(r, rc == RC_NOT_FOUND ? LOG_LEVEL_ERROR : LOG_LEVEL_CRIT, "%s", why.text);
    else if (verdict == HTPASSWD_UNKNOWN)
        request_log(r, LOG_LEVEL_ERROR, "user \"%.*s\" was not found in \"%s\"",
                    SPAN_ARG(user), path);
    else if (verdict == HTPASSWD_MISMATCH)
        request_log(r, LOG_LEVEL_ERROR, "user \"%.*s\": password mismatch", SPAN_ARG(user));
    explicit_bzero(room, sizeof room);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? 403 : 500;
    return verdict == HTPASSWD_FITS ? 200 : ask_for_password(r, realm);
}

static unsigned check_user(struct request *r)
{
    const struct auth_settings *auth = &request_settings(r)->auth;
    struct buffer realm = buffer_over(r->service->in, SCRATCH_IN);
    char path[USER_FILE_PATH];
    struct buffer file = buffer_over(path, sizeof path - 1);

    if (!auth->has_realm || !auth->has_user_file)
        return 0;
    template_write(&auth->realm, r, &realm);
    if (span_equal(buffer_span(&realm), SPAN("off")))
        return 0;
    template_write(&auth->user_file, r, &file);
    path[file.len] = '\0';
    return file.full || realm.full ? 500 : check_password(r, buffer_span(&realm), path);
}

/* ---- all of them together ---- */

/* Whoever would be a client of the origin is one of a proxy on the way out. */
enum rc request_answer_refusal(struct request *r, unsigned status)
{
    if (r->head.method == METHOD_CONNECT)
        r->keep_alive = false; /* what comes behind it was meant for a tunnel */
    return request_answer_status(r, status == 401 && request_goes_out(r) ? 407 : status);
}

/* A 401 waits for auth_delay. */
static enum rc refuse(struct request *r, unsigned status)
{
    const uint64_t delay_ms = request_settings(r)->auth.delay_ms;

    if (status != 401 || delay_ms == 0 || r->parent)
        return request_answer_refusal(r, status);
    request_log(r, LOG_LEVEL_DEBUG, "the refusal is delayed");
    r->refusal_waits = true;
    r->limited_until_ms = loop_now_ms(r->service->loop) + delay_ms;
    r->step = STEP_DELAY;
    return RC_OK;
}

/* In nginx's order. */
static unsigned (*const conditions[])(struct request *r) = {check_address, check_user,
                                                            request_ask_permission};

enum rc request_continue_access(struct request *r)
{
    const bool any = request_settings(r)->access.satisfy_any;

    for (; r->access_at < sizeof conditions / sizeof *conditions; r->access_at++) {
        unsigned status = conditions[r->access_at](r);

        if (status == REQUEST_PENDING)
            return request_await_permission(r);
        if (status == 0 || (status == 200 && !any))
            continue;
        if (status == 200) {
            r->challenge = (struct span){0};
            return request_act(r);
        }
        if (!any || (status != 401 && status != 403))
            return refuse(r, status);
        if (r->refused != 401)
            r->refused = status;
    }
    if (r->refused == 403)
        request_log(r, LOG_LEVEL_ERROR, "access forbidden by rule");
    return r->refused ? refuse(r, r->refused) : request_act(r);
}

enum rc request_check_access(struct request *r)
{
    r->access_at = r->refused = 0;
    return request_continue_access(r);
}
