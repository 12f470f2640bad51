/* Variables of the rooms that say who may ask: the user, where a link comes from, whether it is one of ours. */
#include "gate/auth/htpasswd.h"
#include "gate/auth/password.h"
#include "gate/auth/secure_link.h"
#include "gate/request.h"
#include "gate/variables.h"

bool variables_user(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct field *field = request_credentials(r);
    uint8_t room[2 * PASSWORD_MAX];
    struct buffer out = buffer_over(room, sizeof room);
    struct span user, password;

    (void)rest, (void)of;
    if (!field ||
        !htpasswd_credentials(field_value(&r->head.head, field), &out, &user, &password))
        return false;
    *value = arena_copy(&r->arena, user);
    explicit_bzero(room, sizeof room);
    return value->at != NULL;
}

static bool is_own_name(struct request *r, struct span value)
{
    struct captures captures;
    char host[REFERER_HOST_MAX];
    bool has_scheme;
    size_t len;

    return referer_host(value, host, &len, &has_scheme) &&
           server_names_find(r->client->listener->names, span_of(host, len), &captures) ==
               r->server;
}

bool variables_invalid_referer(void *subject, struct span rest, uintptr_t of,
                               struct span *value)
{
    struct request *r = subject;
    const struct referer_rules *rules = &request_settings(r)->auth.referer;
    const struct field *field = head_find(&r->head.head, FIELD_REFERER);
    struct span came = field ? field_value(&r->head.head, field) : (struct span){0};

    (void)rest, (void)of;
    *value = !rules->used ||
                     referer_is_valid(rules, came, rules->server_names && is_own_name(r, came))
                 ? SPAN("")
                 : SPAN("1");
    return true;
}

/* Of the old form. */
static bool find_link(struct request *r, struct span *value)
{
    return secure_link_path(r->path, request_settings(r)->auth.link_secret, value);
}

bool variables_secure_link(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct auth_settings *auth = &request_settings(r)->auth;
    struct span hash, expires_text, text;
    struct buffer link = buffer_over(request_memory(r, 4096), 4096);
    struct buffer hashed = buffer_over(request_memory(r, 8192), 8192);
    uint64_t expires;

    (void)rest;
    if (auth->has_link_secret)
        return of == 0 && find_link(r, value);
    if (!auth->has_link || !auth->has_link_text || !link.at || !hashed.at)
        return false;
    template_write(&auth->link, r, &link);
    text = buffer_span(&link);
    if (link.full || !secure_link_split(text, &hash, &expires, &expires_text))
        return false;
    if (of == 1) {
        *value = expires_text;
        return expires_text.len > 0;
    }
    template_write(&auth->link_text, r, &hashed);
    if (hashed.full || !secure_link_fits(hash, buffer_span(&hashed)))
        return false;
    *value = expires != 0 && expires < (uint64_t)time(NULL) ? SPAN("0") : SPAN("1");
    return true;
}

bool variables_real_address(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    struct address address;
    char text[ADDRESS_TEXT];
    struct buffer port = buffer_over(request_memory(r, 8), 8);

    (void)rest;
    client_address(r->client, &address);
    if (of == 1) {
        if (!port.at || address.any.sa_family == AF_UNIX)
            return false;
        buffer_add_number(&port, address_port(&address));
        *value = buffer_span(&port);
        return true;
    }
    *value = arena_copy(&r->arena, address_text(&address, text, true));
    return value->at != NULL;
}
