#include "gate/access/access_settings.h"

#include "gate/conf/slot.h"

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
    struct access_rule made = {.deny = strcmp(d->name, "deny") == 0}, *rules = NULL, *rule;
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

#define PLACE CONF_ALL_HTTP

const struct directive access_directives[] = {
    {"allow", PLACE, 1, 1, true, .set = set_rule,
     .doc = "Lets clients of an address, a block of addresses, unix: or all ask; the first "
            "allow or deny that fits holds."},
    {"deny", PLACE, 1, 1, true, .set = set_rule,
     .doc = "Answers clients of an address, a block of addresses, unix: or all with 403."},
    {"satisfy", PLACE, 1, 1, .set = conf_set_choice, .of = satisfactions,
     .offset = CONF_NOWHERE,
     .doc = "Whether all conditions of access must hold, or any one: the client's address is "
            "the only one yet."},
    {0},
};
