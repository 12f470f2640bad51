#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scoped.h"
#include "base/test/check.h"
#include "gate/journal/path_cache.h"

static char folder[] = "/tmp/keepgate-paths-XXXXXX";

static const char *path(const char *name)
{
    static char text[2][96];
    static unsigned turn;

    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%s/%s", folder, name);
    return text[turn];
}

static const char *contents(const char *name)
{
    static char text[256];
    FILE *file = fopen(path(name), "r");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;

    text[len] = 0;
    if (file)
        fclose(file);
    return text;
}

/* How many descriptors of ours lead into the folder. */
static unsigned open_count(void)
{
    DIR *all = opendir("/proc/self/fd");
    unsigned count = 0;

    for (struct dirent *each; (each = readdir(all));) {
        char link[64], target[256];
        ssize_t len;

        snprintf(link, sizeof link, "/proc/self/fd/%.20s", each->d_name);
        len = readlink(link, target, sizeof target - 1);
        target[len > 0 ? len : 0] = 0;
        count += span_starts(span_text(target), span_text(folder));
    }
    closedir(all);
    return count;
}

static struct path_cache *make(struct arena *arena, struct path_cache_limits limits)
{
    struct path_cache *cache = path_cache_make(&limits, arena);

    assert_non_null(cache);
    return cache;
}

static void as_many_as_it_may_stay_open(void **state)
{
    SCOPED(arena) arena = {0};
    struct path_cache *cache = make(&arena, (struct path_cache_limits){2, 10000, 60000, 1});

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(path_cache_append(cache, path("a"), SPAN("a\n")));
        assert_true(path_cache_append(cache, path("b"), SPAN("b\n")));
    }
    assert_int_equal(open_count(), 2);
    assert_true(path_cache_append(cache, path("c"), SPAN("c\n")));
    assert_int_equal(open_count(), 2);
    assert_string_equal(contents("a"), "a\na\n");
    assert_string_equal(contents("c"), "c\n");
    assert_false(path_cache_append(cache, path("none/d"), SPAN("d\n")));
    path_cache_clear(cache);
    assert_int_equal(open_count(), 0);
    assert_true(path_cache_append(cache, path("a"), SPAN("again\n")));
    assert_string_equal(contents("a"), "a\na\nagain\n");
    path_cache_clear(cache);
}

static void a_file_has_to_earn_it(void **state)
{
    SCOPED(arena) arena = {0};
    struct path_cache *cache = make(&arena, (struct path_cache_limits){2, 10000, 60000, 2});

    (void)state;
    assert_true(path_cache_append(cache, path("e"), SPAN("e\n")));
    assert_int_equal(open_count(), 0);
    assert_true(path_cache_append(cache, path("e"), SPAN("e\n")));
    assert_int_equal(open_count(), 1);
    path_cache_clear(cache);
}

static void a_path_is_looked_at_again(void **state)
{
    SCOPED(arena) arena = {0};
    struct path_cache *cache = make(&arena, (struct path_cache_limits){2, 10000, 0, 1});

    (void)state;
    assert_true(path_cache_append(cache, path("f"), SPAN("1\n")));
    assert_int_equal(rename(path("f"), path("g")), 0);
    assert_true(path_cache_append(cache, path("f"), SPAN("2\n")));
    assert_string_equal(contents("f"), "2\n");
    assert_string_equal(contents("g"), "1\n");
    path_cache_clear(cache);
}

static void what_is_idle_is_closed(void **state)
{
    SCOPED(arena) arena = {0};
    struct path_cache *cache = make(&arena, (struct path_cache_limits){4, 5, 60000, 1});

    (void)state;
    assert_true(path_cache_append(cache, path("h"), SPAN("h\n")));
    usleep(10000);
    assert_true(path_cache_append(cache, path("i"), SPAN("i\n")));
    assert_int_equal(open_count(), 1);
    path_cache_clear(cache);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    for (char name[] = "a"; name[0] <= 'i'; name[0]++)
        unlink(path(name));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_it_may_stay_open),
        cmocka_unit_test(a_file_has_to_earn_it),
        cmocka_unit_test(a_path_is_looked_at_again),
        cmocka_unit_test(what_is_idle_is_closed),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
