/* Passwords in every form (made by openssl passwd, htpasswd and python's crypt), lines of users, links, and where they come from. */
#include "base/test/check.h"
#include "gate/auth/htpasswd.h"
#include "gate/auth/password.h"
#include "gate/auth/referer.h"
#include "gate/auth/secure_link.h"

static const struct {
    const char *kept, *password;
    bool fits;
} passwords[] = {
    {"{PLAIN}open sesame", "open sesame", true},
    {"{PLAIN}open sesame", "open", false},
    {"{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=", "hello", true},
    {"{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=", "hellO", false},
    {"{SHA}short", "hello", false},
    {"$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "secret", true},
    {"$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "Secret", false},
    {"$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", "secret", true},
    {"$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN."
     "Pq.H91p5hVO1",
     "secret", true},
    {"", "", false},
    {"*", "x", false},
};

static void every_form_of_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++)
        check(passwords[i].kept,
              password_fits(span_text(passwords[i].kept), span_text(passwords[i].password)) ==
                  passwords[i].fits);
    assert_false(password_fits(SPAN("{PLAIN}a\0b"), SPAN("a\0b")));
}

static void lines_of_users(void **state)
{
    const struct span file = SPAN("# people\nann:1\n\nbob:2:a note\r\ncy:3\r\nann:4\ndan");
    struct span kept;

    (void)state;
    assert_true(htpasswd_find(file, SPAN("ann"), &kept) && span_equal(kept, SPAN("1")));
    assert_true(htpasswd_find(file, SPAN("bob"), &kept) && span_equal(kept, SPAN("2")));
    assert_true(htpasswd_find(file, SPAN("cy"), &kept) && span_equal(kept, SPAN("3")));
    assert_false(htpasswd_find(file, SPAN("an"), &kept));
    assert_false(htpasswd_find(file, SPAN("dan"), &kept));
    assert_false(htpasswd_find(file, SPAN("# people"), &kept));
}

static void what_a_client_sends(void **state)
{
    uint8_t bytes[64];
    struct buffer room = buffer_over(bytes, sizeof bytes);
    struct span user, password;

    (void)state;
    assert_true(htpasswd_credentials(SPAN("basic  YW5uOmE6Yg=="), &room, &user, &password));
    assert_true(span_equal(user, SPAN("ann")) && span_equal(password, SPAN("a:b")));
    assert_true(htpasswd_credentials(SPAN("Basic YW5uOmE6Yg"), &room, &user, &password));
    assert_false(
        htpasswd_credentials(SPAN("Basic YW5u"), &room, &user, &password)); /* no colon */
    assert_false(
        htpasswd_credentials(SPAN("Basic OmE="), &room, &user, &password)); /* no user */
    assert_false(htpasswd_credentials(SPAN("Basic !!!!"), &room, &user, &password));
    assert_false(htpasswd_credentials(SPAN("Basic "), &room, &user, &password));
    assert_false(htpasswd_credentials(SPAN("Bearer YW5uOmE6Yg=="), &room, &user, &password));
}

static void links(void **state)
{
    struct span hash, rest, link;
    uint64_t expires;

    (void)state;
    assert_true(secure_link_split(SPAN("abc"), &hash, &expires, &rest) && expires == 0);
    assert_true(secure_link_split(SPAN("abc,17"), &hash, &expires, &rest) && expires == 17);
    assert_false(secure_link_split(SPAN("abc,x"), &hash, &expires, &rest));
    assert_false(secure_link_split(SPAN("abc,"), &hash, &expires, &rest));
    assert_true(secure_link_fits(SPAN("XUFAKrxLKna5cZ2REBfFkg"), SPAN("hello")));
    assert_false(secure_link_fits(SPAN("XUFAKrxLKna5cZ2REBfFkg"), SPAN("hellO")));
    assert_false(secure_link_fits(SPAN("XUFAKrxLKna5cZ2REBfFk"), SPAN("hello")));
    /* md5("linksecret") */
    assert_true(secure_link_path(SPAN("/p/5e814704a28d9bc1914ff19fa0c4a00a/link"),
                                 SPAN("secret"), &link) &&
                span_equal(link, SPAN("link")));
    assert_false(secure_link_path(SPAN("/p/5e814704a28d9bc1914ff19fa0c4a00a/lint"),
                                  SPAN("secret"), &link));
    assert_false(secure_link_path(SPAN("/p/"), SPAN("secret"), &link));
    assert_false(secure_link_path(SPAN("/"), SPAN("secret"), &link));
}

static void referers(void **state)
{
    const struct referer_name names[] = {
        {.kind = REFERER_EXACT, .host = SPAN("a.org"), .path = SPAN("/only/")},
        {.kind = REFERER_LEADING, .host = SPAN(".org")},
        {.kind = REFERER_TRAILING, .host = SPAN("www.")}};
    const struct referer_rules rules = {.used = true, .names = names, .names_count = 3};
    const struct referer_rules lax = {.used = true, .none = true, .blocked = true};

    (void)state;
    assert_true(referer_is_valid(&rules, SPAN("http://x.org/"), false));
    assert_true(referer_is_valid(&rules, SPAN("https://A.org:81/only/x"), false));
    assert_false(referer_is_valid(&rules, SPAN("http://a.org/other"), false));
    assert_true(referer_is_valid(&rules, SPAN("http://www.net"), false));
    assert_false(referer_is_valid(&rules, SPAN("http://net.www."), false));
    assert_false(referer_is_valid(&rules, (struct span){0}, false));
    assert_true(referer_is_valid(&lax, (struct span){0}, false));
    assert_true(referer_is_valid(&lax, SPAN("hidden"), false));
    assert_false(referer_is_valid(&lax, SPAN("http://else.org"), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_of_password),
                                       cmocka_unit_test(lines_of_users),
                                       cmocka_unit_test(what_a_client_sends),
                                       cmocka_unit_test(links), cmocka_unit_test(referers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
