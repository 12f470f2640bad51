/* Certificates that stay at hand: which are read anew, and when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test/check.h"
#include "gate/tls/tls_pair_cache.h"

static const char make_pairs[] =
    "for name in x y z; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
    "-nodes"
    " -days 2 -subj /CN=$name -keyout $name.key -out $name.pem 2>/dev/null || exit 1; done";

static char folder[] = "/tmp/gate-pairs-XXXXXX";

static struct span file(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return span_text(path);
}

/* Whose certificate it is that the files of that name hold, as far as the cache knows. */
static char read_by(struct tls_pair_cache *cache, char name)
{
    char certificate[8], key[8], subject[64];
    struct tls_pair pair = {0};
    struct fault why = {0};

    snprintf(certificate, sizeof certificate, "%c.pem", name);
    snprintf(key, sizeof key, "%c.key", name);
    check(why.text, tls_pair_cache_read(cache, &pair, file(certificate), file(key),
                                        (struct span){0}, &why) == RC_OK);
    X509_NAME_oneline(X509_get_subject_name(pair.leaf), subject, sizeof subject);
    tls_pair_clear(&pair);
    return subject[strlen(subject) - 1];
}

static void copy(char from, char to)
{
    char command[256];

    snprintf(command, sizeof command, "cd %s && cp %c.pem %c.pem && cp %c.key %c.key", folder,
             from, to, from, to);
    assert_int_equal(system(command), 0);
}

static int make(void **state)
{
    char command[1024];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "cd %s && %s", folder, make_pairs);
    return system(command);
}

static void the_least_used_makes_room(void **state)
{
    struct tls_pair_cache *cache = NULL;

    (void)state;
    assert_int_equal(tls_pair_cache_open(&cache, 2, 60000, 60000), RC_OK);
    copy('x', 'a');
    copy('y', 'b');
    assert_int_equal(read_by(cache, 'a'), 'x');
    assert_int_equal(read_by(cache, 'b'), 'y');
    copy('z', 'a');
    copy('z', 'b');
    assert_int_equal(read_by(cache, 'a'), 'x'); /* as it was */
    assert_int_equal(read_by(cache, 'z'), 'z'); /* in the place of b */
    assert_int_equal(read_by(cache, 'a'), 'x');
    assert_int_equal(read_by(cache, 'b'), 'z'); /* in the place of z */
    tls_pair_cache_close(cache);
}

static void what_is_too_old_is_read_anew(void **state)
{
    static const struct {
        uint64_t inactive_ms, valid_ms;
    } cases[] = {{0, 60000}, {60000, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_pair_cache *cache = NULL;

        assert_int_equal(
            tls_pair_cache_open(&cache, 8, cases[i].inactive_ms, cases[i].valid_ms), RC_OK);
        copy('x', 'c');
        assert_int_equal(read_by(cache, 'c'), 'x');
        copy('y', 'c');
        assert_int_equal(read_by(cache, 'c'), 'y');
        tls_pair_cache_close(cache);
    }
    copy('x', 'c');
    assert_int_equal(read_by(NULL, 'c'), 'x');
}

static void failures_are_told_and_not_kept(void **state)
{
    static const struct {
        const char *certificate, *key, *why;
    } cases[] = {
        {"none.pem", "x.key", "cannot load certificate \""},
        {"x.key", "x.key", "cannot load certificate \""},
        {"x.pem", "none.key", "cannot load certificate key \""},
        {"x.pem", "y.key", "it is not that of \""},
    };
    struct tls_pair_cache *cache = NULL;
    struct tls_pair pair = {0};
    struct fault why = {0};

    (void)state;
    assert_int_equal(tls_pair_cache_open(&cache, 8, 60000, 60000), RC_OK);
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const size_t c = i / 2;

        assert_int_equal(tls_pair_cache_read(cache, &pair, file(cases[c].certificate),
                                             file(cases[c].key), (struct span){0}, &why),
                         RC_FORMAT);
        check(why.text, strstr(why.text, cases[c].why) != NULL);
        assert_null(pair.leaf);
    }
    assert_int_equal(tls_pair_cache_read(cache, &pair, SPAN("data:cert"), SPAN("data:secret"),
                                         (struct span){0}, &why),
                     RC_FORMAT);
    assert_null(strstr(why.text, "cert\""));
    tls_pair_cache_close(cache);
    tls_pair_cache_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_used_makes_room),
        cmocka_unit_test(what_is_too_old_is_read_anew),
        cmocka_unit_test(failures_are_told_and_not_kept),
    };

    return cmocka_run_group_tests(tests, make, NULL);
}
