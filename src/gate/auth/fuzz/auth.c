/*
 * What a client says of itself: Authorization, a link with a hash, where it comes from; and a file of users. The first
 * line of the input is the field, the second a path, the third a Referer, the rest the file.
 */
#include <assert.h>

#include "gate/auth/htpasswd.h"
#include "gate/auth/password.h"
#include "gate/auth/referer.h"
#include "gate/auth/secure_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static struct span next_line(struct span *rest)
{
    struct span line = span_cut(rest, span_find(*rest, '\n'));

    span_cut(rest, 1);
    return line;
}

static bool is_within(struct span part, struct span whole)
{
    return part.len == 0 ||
           (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void check_user(struct span field, struct span file)
{
    uint8_t bytes[64];
    struct buffer room = buffer_over(bytes, sizeof bytes);
    struct span user, password, kept;

    if (!htpasswd_credentials(field, &room, &user, &password))
        return;
    assert(user.len > 0 && is_within(user, buffer_span(&room)));
    assert(is_within(password, buffer_span(&room)));
    if (!htpasswd_find(file, user, &kept))
        return;
    assert(is_within(kept, file));
    assert(span_find(kept, '\n') == kept.len && span_find(kept, ':') == kept.len);
    if (span_starts(kept, SPAN("{SHA}")) || span_starts(kept, SPAN("{SSHA}")) ||
        span_starts(kept, SPAN("{PLAIN}"))) /* the other forms take their time */
        (void)password_fits(kept, password);
}

static void check_link(struct span path)
{
    struct span hash, text, link;
    uint64_t expires;

    if (secure_link_split(path, &hash, &expires, &text))
        assert((text.len == 0) == (expires == 0));
    assert(!secure_link_fits(hash, SPAN("no such text")) || hash.len >= 22);
    if (path.len > 0 && secure_link_path(path, SPAN("secret"), &link))
        assert(link.len > 0 && is_within(link, path));
}

static void check_referer(struct span value)
{
    static const struct referer_name names[] = {
        {.kind = REFERER_EXACT, .host = SPAN("a.org"), .path = SPAN("/x")},
        {.kind = REFERER_LEADING, .host = SPAN(".net"), .and_itself = true},
        {.kind = REFERER_TRAILING, .host = SPAN("www.")}};
    const struct referer_rules rules = {.used = true, .names = names, .names_count = 3};
    char host[REFERER_HOST_MAX];
    bool has_scheme;
    size_t len;

    if (referer_host(value, host, &len, &has_scheme))
        assert(has_scheme && len <= sizeof host);
    (void)referer_is_valid(&rules, value, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct span rest = span_of(at, len);
    struct span field = next_line(&rest), path = next_line(&rest);

    check_referer(next_line(&rest));
    check_link(path);
    check_user(field, rest);
    return 0;
}
