/* Bodies that are kept: in memory, in a file, at every step over the limit. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/http/body_store.h"

static void read_back(const struct body_store *store, const uint8_t *bytes, size_t len)
{
    uint8_t scratch[7];
    struct span piece;

    assert_int_equal(store->total, len);
    for (size_t at = 0; at < len; at += piece.len) {
        assert_int_equal(body_store_read(store, at, scratch, sizeof scratch, &piece), RC_OK);
        assert_true(piece.len > 0 && piece.len <= sizeof scratch);
        assert_memory_equal(piece.at, bytes + at, piece.len);
    }
}

static void every_length_in_every_step(void **state)
{
    const struct body_store_place place = {.directory = "/tmp", .memory = 20};
    uint8_t bytes[41];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t step = 1; step <= 9; step++) {
            struct body_store store = {0};
            struct span rest = span_of(bytes, len);

            while (rest.len > 0)
                assert_int_equal(body_store_add(&store, &place, span_cut(&rest, step), NULL),
                                 RC_OK);
            assert_int_equal(body_store_end(&store, &place, NULL), RC_OK);
            assert_int_equal(store.has_file, len > place.memory);
            read_back(&store, bytes, len);
            body_store_clear(&store);
        }
    }
}

static void files_with_names(void **state)
{
    char directory[] = "/tmp/gate-store-XXXXXX", inner[64], *path;
    struct body_store_place place = {.directory = inner, .memory = 100, .named = true};
    struct body_store store = {0};

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(inner, sizeof inner, "%s/made", directory);
    assert_int_equal(body_store_add(&store, &place, SPAN("abc"), NULL), RC_OK);
    assert_non_null(store.path);
    path = strdup(store.path);
    read_back(&store, (const uint8_t *)"abc", 3);
    assert_int_equal(access(path, R_OK), 0);
    body_store_clear(&store);
    assert_int_not_equal(access(path, R_OK), 0);
    free(path);
    place.keeps = true;
    assert_int_equal(body_store_end(&store, &place, NULL), RC_OK);
    path = strdup(store.path);
    body_store_clear(&store);
    assert_int_equal(unlink(path), 0);
    free(path);
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void no_place(void **state)
{
    const struct body_store_place place = {.directory = "/nowhere/at/all", .memory = 0};
    struct body_store store = {0};
    struct fault why = {0};

    (void)state;
    assert_int_equal(body_store_add(&store, &place, SPAN("abc"), &why), RC_IO);
    assert_non_null(strstr(why.text, "/nowhere/at/all"));
    body_store_clear(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_in_every_step),
                                       cmocka_unit_test(files_with_names),
                                       cmocka_unit_test(no_place)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
