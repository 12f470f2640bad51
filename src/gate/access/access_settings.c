#include "gate/access/access_settings.h"

#include <ctype.h>
#include <stddef.h>

#include "gate/conf/slot.h"

#define AT(member) .offset = offsetof(struct access_settings, member)

static const struct conf_choice satisfactions[] = {{"all", 0}, {"any", 1}, {0}};

void access_settings_enter(struct access_settings *s)
{
    s->own = false;
}

static enum rc parse_rule(struct conf *conf, struct access_rule *rule)
{
    struct span whom = conf_word(conf, 1);
    bool loose;

    rule->whom = ACCESS_ALL;
    if (span_equal(whom, SPAN("all")))
        return RC_OK;
    rule->whom = ACCESS_UNIX;
    if (span_equal(whom, SPAN("unix:")))
        return RC_OK;
    rule->whom = ACCESS_BLOCK;
    if (cidr_parse(whom, &rule->block, &loose) != RC_OK)
        return conf_fail(conf, 1, "an address, a block such as 192.0.2.0/24, unix: or all",
                         "invalid parameter \"%.*s\"", SPAN_ARG(whom));
    if (loose)
        conf_warn(conf, 1, NULL, "low address bits of %.*s are meaningless", SPAN_ARG(whom));
    return RC_OK;
}

static enum rc set_rule(struct conf *conf, const struct directive *d, void *part)
{
    struct access_settings *s = part;
    struct access_rule made = {.deny = strcmp(d->name, "deny") == 0, .node = conf->node},
                       *rules = NULL, *rule;
    enum rc rc = parse_rule(conf, &made);

    if (rc != RC_OK)
        return rc;
    if (s->own)
        memcpy(&rules, &s->rules, sizeof rules);
    else
        s->count = 0;
    if (!(rule = conf_add(conf, (void **)&rules, &s->count, sizeof *rule)))
        return RC_MEMORY;
    *rule = made;
    s->rules = rules;
    s->own = true;
    return RC_OK;
}

/* ---- set_real_ip_from ---- */

static enum rc add_trusted(struct conf *conf, struct access_settings *s,
                           const struct cidr *made)
{
    struct cidr *blocks = NULL, *block;

    if (s->trust.count > 0)
        memcpy(&blocks, &s->trust.blocks, sizeof blocks);
    if (!(block = conf_add(conf, (void **)&blocks, &s->trust.count, sizeof *block)))
        return RC_MEMORY;
    *block = *made;
    s->trust.blocks = blocks;
    return RC_OK;
}

/* All addresses of a name. */
static enum rc trust_name(struct conf *conf, struct access_settings *s)
{
    struct address found[16];
    struct fault why = {0};
    size_t count = 0;
    char *name = arena_text(conf->arena, conf_word(conf, 1));
    enum rc rc = RC_OK;

    if (!name)
        return conf_no_memory(conf);
    if (address_look_up(name, 0, found, sizeof found / sizeof *found, &count, &why) != RC_OK)
        return conf_fail(conf, 1, NULL, "host not found in set_real_ip_from \"%s\"", name);
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        struct cidr block = {.first = cidr_address_of(&found[i])};

        block.prefix = block.first.bits;
        rc = add_trusted(conf, s, &block);
    }
    return rc;
}

static enum rc set_trusted(struct conf *conf, const struct directive *d, void *part)
{
    struct access_settings *s = part;
    struct access_rule rule = {0};
    struct span whom = conf_word(conf, 1);
    bool loose;

    (void)d;
    if (!conf->again)
        s->trust = (struct real_ip_trust){0};
    if (span_equal(whom, SPAN("unix:"))) {
        s->trust.unix_sockets = true;
        return RC_OK;
    }
    if (cidr_parse(whom, &rule.block, &loose) != RC_OK)
        return trust_name(conf, s);
    if (loose)
        conf_warn(conf, 1, NULL, "low address bits of %.*s are meaningless", SPAN_ARG(whom));
    return add_trusted(conf, s, &rule.block);
}

static enum rc set_real_ip_header(struct conf *conf, const struct directive *d, void *part)
{
    struct access_settings *s = part;
    struct span word = conf_word(conf, 1);
    char *name = arena_text(conf->arena, word);

    (void)d;
    if (!name)
        return conf_no_memory(conf);
    s->real_ip_from =
        span_equal(word, SPAN("proxy_protocol")) ? REAL_IP_PROXY_PROTOCOL : REAL_IP_FIELD;
    for (size_t i = 0; i < word.len; i++)
        name[i] = (char)(name[i] == '-' ? '_' : tolower((unsigned char)name[i]));
    s->real_ip_name = span_of(name, word.len);
    return RC_OK;
}

#define PLACE CONF_ALL_HTTP

const struct directive access_directives[] = {
    {"allow", PLACE | CONF_LIMIT_EXCEPT, 1, 1, true, .set = set_rule,
     .doc = "Lets clients of an address, a block of addresses, unix: or all ask; the first "
            "allow or deny that fits holds."},
    {"deny", PLACE | CONF_LIMIT_EXCEPT, 1, 1, true, .set = set_rule,
     .doc = "Answers clients of an address, a block of addresses, unix: or all with 403."},
    {"satisfy", PLACE, 1, 1, .set = conf_set_choice, .of = satisfactions, AT(satisfy_any),
     .standard = "all",
     .doc =
         "Whether all conditions of access must hold, or any one: the client's address, its "
         "user and password, what a request to elsewhere says."},
    {"set_real_ip_from", PLACE, 1, 1, true, .set = set_trusted,
     .doc = "Proxies that are trusted to say whom they ask for: an address, a block, a name "
            "or unix:."},
    {"real_ip_header", PLACE, 1, 1, .set = set_real_ip_header, .standard = "X-Real-IP",
     .doc = "The field in which those say it, the last address of a list; or proxy_protocol."},
    {"real_ip_recursive", PLACE, 1, 1, .set = conf_set_flag, AT(real_ip_recursive),
     .standard = "off",
     .doc = "Takes the last address that is not of a trusted proxy itself."},
    {0},
};
