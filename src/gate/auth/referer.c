#include "gate/auth/referer.h"

#include <ctype.h>

#include "gate/conf/regex.h"

enum { SHORTEST = sizeof("http://i.ru") - 1 };

/* What stands behind the scheme; empty where there is none. */
static struct span behind_scheme(struct span value)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; value.len >= SHORTEST && i < 2; i++) {
        struct span rest = value;

        if (span_equal_nocase(span_cut(&rest, strlen(schemes[i])), span_text(schemes[i])))
            return rest;
    }
    return (struct span){0};
}

bool referer_host(struct span value, char host[REFERER_HOST_MAX], size_t *len,
                  bool *has_scheme)
{
    struct span rest = behind_scheme(value);

    *has_scheme = rest.len > 0;
    for (*len = 0; *len < rest.len && rest.at[*len] != '/' && rest.at[*len] != ':'; ++*len) {
        if (*len == REFERER_HOST_MAX)
            return false;
        host[*len] = (char)tolower(rest.at[*len]);
    }
    return *has_scheme;
}

static bool ends(struct span s, struct span end)
{
    return s.len > end.len && memcmp(s.at + s.len - end.len, end.at, end.len) == 0;
}

static bool fits(const struct referer_name *name, struct span host)
{
    switch (name->kind) {
    case REFERER_EXACT:
        return span_equal(name->host, host);
    case REFERER_LEADING:
        return ends(host, name->host) || (name->and_itself && host.len + 1 == name->host.len &&
                                          memcmp(host.at, name->host.at + 1, host.len) == 0);
    case REFERER_TRAILING:
        return host.len > name->host.len && span_starts(host, name->host);
    }
    return false;
}

/* The name that holds, as for servers: exact, then the longest wildcard in front, then behind. */
static const struct referer_name *find(const struct referer_rules *rules, struct span host)
{
    const struct referer_name *found = NULL;

    for (size_t i = 0; i < rules->names_count; i++) {
        const struct referer_name *name = &rules->names[i];

        if (fits(name, host) &&
            (!found || name->kind < found->kind ||
             (name->kind == found->kind && name->host.len > found->host.len)))
            found = name;
    }
    return found;
}

bool referer_is_valid(const struct referer_rules *rules, struct span value, bool is_own)
{
    const struct referer_name *name;
    struct span rest;
    char text[REFERER_HOST_MAX];
    bool has_scheme;
    size_t len;

    if (!value.at)
        return rules->none;
    if (!referer_host(value, text, &len, &has_scheme))
        return !has_scheme && rules->blocked;
    if (is_own && rules->server_names)
        return true;
    rest = behind_scheme(value);
    if ((name = find(rules, span_of(text, len)))) {
        span_cut(&rest, span_find(rest, '/'));
        return span_starts(rest, name->path);
    }
    for (size_t i = 0; i < rules->expressions_count; i++)
        if (regex_match(rules->expressions[i], rest, NULL, 0, &(uint32_t){0}))
            return true;
    return false;
}
