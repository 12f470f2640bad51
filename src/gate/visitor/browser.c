#include "gate/visitor/browser.h"

#include <string.h>

#define BEHIND(text) (sizeof(text) - 1)

static const struct browser_kind kinds[] = {
    /* first: it plays others, with its own name behind */
    {"opera", "Opera ", 0},
    {"msie", "MSIE ", BEHIND("Mozilla/4.0 (compatible; ")},
    {"gecko", "rv:", BEHIND("Mozilla/5.0 (")},
    {"safari", "Safari/", BEHIND("Mozilla/5.0 (")},
    {"konqueror", "Konqueror/", BEHIND("Mozilla/5.0 (compatible; ")},
};

const struct browser_kind *browser_find(struct span name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (span_equal_nocase(name, span_text(kinds[i].name)))
            return &kinds[i];
    return NULL;
}

/* Each part counts a hundredth of the one before it. What stands behind the version stays in *text. */
static uint64_t cut_version(struct span *text)
{
    uint64_t version = 0, part = 0, scale = 1000000;

    for (; text->len > 0; span_cut(text, 1)) {
        const uint8_t c = text->at[0];

        if (c >= '0' && c <= '9') {
            part = part < UINT32_MAX ? part * 10 + (c - '0') : part;
        } else if (c == '.') {
            version += part * scale;
            part = 0;
            scale /= 100;
        } else {
            break;
        }
    }
    return version + part * scale;
}

bool browser_parse_version(struct span text, uint64_t *version)
{
    *version = cut_version(&text);
    return text.len == 0;
}

static bool contains(struct span text, struct span word)
{
    return memmem(text.at, text.len, word.at, word.len);
}

/* The version that the agent gives itself as that kind; Opera's name is followed by a blank or a slash. */
static bool find_version(const struct browser_kind *kind, struct span agent, uint64_t *version)
{
    const size_t sign = strlen(kind->sign), sought = kind == kinds ? sign - 1 : sign;
    const uint8_t *found;

    span_cut(&agent, kind->skip);
    found = memmem(agent.at, agent.len, kind->sign, sought);
    if (!found)
        return false;
    span_cut(&agent, (size_t)(found - agent.at) + sign);
    if (agent.len == 0)
        return false;
    *version = cut_version(&agent);
    return true;
}

/* From which version on that kind is modern. An Opera that is not listed never is, whom else it may play. */
static bool find_modern(const struct browser_settings *s, const struct browser_kind *kind,
                        uint64_t *from)
{
    for (size_t i = 0; i < s->modern_count; i++) {
        *from = s->modern[i].version;
        if (s->modern[i].kind == kind)
            return true;
    }
    *from = UINT64_MAX;
    return kind == kinds && s->modern_count > 0;
}

static bool is_netscape4(struct span agent)
{
    return agent.len > BEHIND("Mozilla/4.72 ") && span_starts(agent, SPAN("Mozilla/")) &&
           agent.at[8] > '0' && agent.at[8] < '5';
}

bool browser_is_modern(const struct browser_settings *s, struct span agent)
{
    uint64_t version, from;

    if (!agent.at)
        return s->unlisted;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds;
         i++) /* the first that it is decides */
        if (find_modern(s, &kinds[i], &from) && find_version(&kinds[i], agent, &version))
            return version >= from;
    if ((s->modern_count > 0 && !s->unlisted) || (s->netscape4 && is_netscape4(agent)))
        return false;
    for (size_t i = 0; i < s->ancient_count; i++)
        if (contains(agent, s->ancient[i]))
            return false;
    return s->unlisted;
}

bool browser_is_msie(struct span agent)
{
    const uint8_t *at = agent.len > 0 ? memmem(agent.at, agent.len, "MSIE ", 5) : NULL;

    return at && at + 7 < agent.at + agent.len && !contains(agent, SPAN("Opera"));
}
