#include "gate/auth/auth_settings.h"

#include <ctype.h>

#include "gate/conf/slot.h"

static enum rc set_realm(struct conf *conf, const struct directive *d, void *part)
{
    struct auth_settings *s = part;

    (void)d;
    s->has_realm = true;
    return conf_template(conf, 1, conf_word(conf, 1), &s->realm);
}

static enum rc set_user_file(struct conf *conf, const struct directive *d, void *part)
{
    struct auth_settings *s = part;
    struct span path = conf_word(conf, 1);

    (void)d;
    if (path.len == 0 || memchr(path.at, 0, path.len))
        return conf_fail_value(conf, 1, "invalid value");
    path = path.at[0] == '$' ? path : conf_path(conf, conf->directory, path);
    if (!path.at)
        return conf_no_memory(conf);
    s->has_user_file = true;
    return conf_template(conf, 1, path, &s->user_file);
}

/* ---- valid_referers ---- */

static enum rc add_expression(struct conf *conf, struct referer_rules *rules, size_t i)
{
    struct span word = conf_word(conf, i);
    const struct regex **all = NULL, **slot;
    struct regex *regex;
    enum rc rc;

    span_cut(&word, 1);
    if (word.len == 0)
        return conf_fail(conf, i, NULL, "empty regex in \"~\"");
    if ((rc = conf_regex(conf, i, word, true, &regex)) != RC_OK)
        return rc;
    memcpy(&all, &rules->expressions, sizeof all);
    if (!(slot = conf_add(conf, (void **)&all, &rules->expressions_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = regex;
    rules->expressions = all;
    return RC_OK;
}

static enum rc parse_name(struct conf *conf, size_t i, struct referer_name *name)
{
    struct span word = conf_word(conf, i);
    char *lower;

    if (span_starts(word, SPAN("http://")) || span_starts(word, SPAN("https://")))
        return conf_fail(conf, i, "the scheme is left out", "invalid server name \"%.*s\"",
                         SPAN_ARG(word));
    *name = (struct referer_name){.host = span_cut(&word, span_find(word, '/')), .path = word};
    if (!(lower = arena_text(conf->arena, name->host)))
        return conf_no_memory(conf);
    for (size_t at = 0; at < name->host.len; at++)
        lower[at] = (char)tolower((unsigned char)lower[at]);
    name->host = span_of(lower, name->host.len);
    if (span_starts(name->host, SPAN("."))) {
        name->kind = REFERER_LEADING;
        name->and_itself = true;
    } else if (span_starts(name->host, SPAN("*."))) {
        name->kind = REFERER_LEADING;
        span_cut(&name->host, 1);
    } else if (name->host.len > 2 && lower[name->host.len - 1] == '*' &&
               lower[name->host.len - 2] == '.') {
        name->kind = REFERER_TRAILING;
        name->host.len--;
    }
    if (name->host.len == 0 || span_find(name->host, '*') < name->host.len)
        return conf_fail(conf, i, NULL, "invalid server name or wildcard \"%.*s\"",
                         SPAN_ARG(conf_word(conf, i)));
    return RC_OK;
}

static enum rc add_name(struct conf *conf, struct referer_rules *rules, size_t i)
{
    struct referer_name *all = NULL, *slot, made;
    enum rc rc = parse_name(conf, i, &made);

    if (rc != RC_OK)
        return rc;
    memcpy(&all, &rules->names, sizeof all);
    if (!(slot = conf_add(conf, (void **)&all, &rules->names_count, sizeof *slot)))
        return RC_MEMORY;
    *slot = made;
    rules->names = all;
    return RC_OK;
}

static enum rc set_referers(struct conf *conf, const struct directive *d, void *part)
{
    struct referer_rules *rules = &((struct auth_settings *)part)->referer;
    enum rc rc = RC_OK;

    (void)d;
    if (!conf->again)
        *rules = (struct referer_rules){.used = true};
    for (size_t i = 1; rc == RC_OK && i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (span_equal(word, SPAN("none")))
            rules->none = true;
        else if (span_equal(word, SPAN("blocked")))
            rules->blocked = true;
        else if (span_equal(word, SPAN("server_names")))
            rules->server_names = true;
        else
            rc = span_starts(word, SPAN("~")) ? add_expression(conf, rules, i)
                                              : add_name(conf, rules, i);
    }
    return rc;
}

enum rc auth_settings_check(struct conf *conf, const struct auth_settings *s)
{
    const struct referer_rules *rules = &s->referer;

    if ((rules->none || rules->blocked) && !rules->server_names && rules->names_count == 0 &&
        rules->expressions_count == 0)
        return conf_fail(conf, 0, NULL,
                         "the \"none\" or \"blocked\" referers are specified in the "
                         "\"valid_referers\" directive without any valid referer");
    return RC_OK;
}

/* ---- secure_link ---- */

static enum rc refuse_both(struct conf *conf)
{
    return conf_fail(conf, 0, "secure_link with secure_link_md5, or secure_link_secret",
                     "\"secure_link_secret\" cannot be mixed with \"secure_link\" and "
                     "\"secure_link_md5\"");
}

static enum rc set_link(struct conf *conf, const struct directive *d, void *part)
{
    struct auth_settings *s = part;

    (void)d;
    if (s->has_link_secret)
        return refuse_both(conf);
    s->has_link = true;
    return conf_template(conf, 1, conf_word(conf, 1), &s->link);
}

static enum rc set_link_text(struct conf *conf, const struct directive *d, void *part)
{
    struct auth_settings *s = part;

    (void)d;
    if (s->has_link_secret)
        return refuse_both(conf);
    s->has_link_text = true;
    return conf_template(conf, 1, conf_word(conf, 1), &s->link_text);
}

static enum rc set_link_secret(struct conf *conf, const struct directive *d, void *part)
{
    struct auth_settings *s = part;

    (void)d;
    if (s->has_link || s->has_link_text)
        return refuse_both(conf);
    s->has_link_secret = true;
    s->link_secret = conf_word(conf, 1);
    return RC_OK;
}

#define PLACE CONF_ALL_HTTP

const struct directive auth_directives[] = {
    {"auth_basic", PLACE | CONF_LIMIT_EXCEPT, 1, 1, .set = set_realm,
     .doc =
         "Asks for a user and a password, in the name of this realm; off asks nobody. On the "
         "way out (tunnel_pass, forward) it is 407 and Proxy-Authorization, which goes no "
         "further."},
    {"auth_delay", PLACE, 1, 1, .set = conf_set_milliseconds,
     .offset = offsetof(struct auth_settings, delay_ms), .standard = "0s",
     .doc =
         "How long an answer with 401 is kept back, so that passwords cannot be tried fast."},
    {"auth_basic_user_file", PLACE | CONF_LIMIT_EXCEPT, 1, 1, .set = set_user_file,
     .doc = "The file of users for auth_basic, \"name:password\" lines, the password in a "
            "form of "
            "crypt(3), $apr1$, {SHA}, {SSHA} or {PLAIN}."},
    {"valid_referers", CONF_SERVER | CONF_LOCATION, 1, CONF_MANY, true, .set = set_referers,
     .doc = "Where requests may come from for $invalid_referer to be empty: none, blocked, "
            "server_names, names with a wildcard and a path, or ~expressions."},
    {"referer_hash_max_size", CONF_SERVER | CONF_LOCATION, 1, 1, .set = conf_set_number,
     .offset = CONF_NOWHERE, .doc = "Accepted, of no effect: tables grow by themselves."},
    {"referer_hash_bucket_size", CONF_SERVER | CONF_LOCATION, 1, 1, .set = conf_set_number,
     .offset = CONF_NOWHERE, .doc = "Accepted, of no effect: tables grow by themselves."},
    {"secure_link", PLACE, 1, 1, .set = set_link,
     .doc =
         "The hash of a link, and behind a comma until when it holds; $secure_link tells what "
         "becomes of it."},
    {"secure_link_md5", PLACE, 1, 1, .set = set_link_text,
     .doc = "The text whose MD5 the hash of secure_link must be."},
    {"secure_link_secret", PLACE, 1, 1, .set = set_link_secret,
     .doc =
         "The secret of links of the form /prefix/hash/link; $secure_link is then the link."},
    {0},
};
