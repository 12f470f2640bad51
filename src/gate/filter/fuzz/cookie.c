/* Set-Cookie of an origin, by rules for domain, path and flags: never longer than its parts, and never two lines of one. */
#include <assert.h>

#include "gate/filter/rewriting.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const struct template_part from_domain[] = {{.literal = SPAN("a.org")}};
static const struct template_part to_domain[] = {{.literal = SPAN("b.org")}};
static const struct template_part from_path[] = {{.literal = SPAN("/x/")}};
static const struct template_part root[] = {{.literal = SPAN("/")}};
static const struct template_part to_path[] = {{.literal = SPAN("/y/")}};
static const struct template_part one[] = {{.literal = SPAN("one")}};
static const struct template_part two[] = {{.literal = SPAN("two")}};

#define TEXT(part)                                                                            \
    {                                                                                         \
        .parts = part, .count = 1                                                             \
    }

static const struct proxy_rewrite domains[] = {{NULL, TEXT(from_domain), TEXT(to_domain)}};
static const struct proxy_rewrite paths[] = {{NULL, TEXT(from_path), TEXT(root)},
                                             {NULL, TEXT(root), TEXT(to_path)}};
static const struct proxy_cookie_rule flags[] = {
    {.name = TEXT(one), .flags = 1u << PROXY_COOKIE_SECURE | 1u << PROXY_COOKIE_LAX},
    {.name = TEXT(two), .flags = 1u << PROXY_COOKIE_NOSECURE | 1u << PROXY_COOKIE_NOHTTPONLY},
};
static const struct proxy_settings settings = {.cookie_domains = domains,
                                               .cookie_domains_count = 1,
                                               .cookie_paths = paths,
                                               .cookie_paths_count = 2,
                                               .cookie_flags = flags,
                                               .cookie_flags_count = 2};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct captures captures = {.count = 0};
    const struct rewriting_turn turn = {NULL, &captures};
    struct span value = span_of(at, len);
    static uint8_t room[1 << 16];
    struct buffer out = buffer_over(room, sizeof room);

    if (len > sizeof room / 4 || !rewriting_cookie(&settings, value, &turn, &out))
        return 0;
    assert(!out.full && out.len > 0);
    assert(out.len <= 2 * len + 64);
    for (const char *end = "\r\n"; *end; end++)
        if (span_find(value, (uint8_t)*end) == value.len)
            assert(span_find(buffer_span(&out), (uint8_t)*end) == out.len);
    return 0;
}
