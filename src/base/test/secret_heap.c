#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret_heap.h"
#include "base/test/check.h"

enum { PIECES = 512, ROUNDS = 4000, THREADS = 4 };

struct piece {
    uint8_t *at, mark;
    size_t len;
};

/* Most are small, few are as large as regions. */
static size_t some_len(unsigned *seed)
{
    return (size_t)rand_r(seed) % (1U << (1 + (unsigned)rand_r(seed) % 17)) + 1;
}

static bool is_all(const uint8_t *at, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != value)
            return false;
    return true;
}

static void fill(struct piece *piece, size_t len, unsigned *seed)
{
    size_t kept = piece->len < len ? piece->len : len;
    uint8_t *at = secret_heap_resize(piece->at, len);

    assert_non_null(at);
    assert_int_equal((uintptr_t)at % (len > 32 ? 64 : 32), 0);
    assert_true(is_all(at, kept, piece->mark));
    if (!piece->at)
        assert_true(is_all(at, len, 0));
    *piece = (struct piece){.at = at, .len = len, .mark = (uint8_t)(rand_r(seed) | 1)};
    memset(at, piece->mark, len);
}

/* Whatever is taken, resized and given in whatever order: each piece is its owner's alone. */
static void *work(void *number)
{
    struct piece pieces[PIECES] = {0};
    unsigned seed = (unsigned)(uintptr_t)number;

    for (int i = 0; i < ROUNDS; i++) {
        struct piece *piece = &pieces[rand_r(&seed) % PIECES];

        if (piece->at && rand_r(&seed) % 2) {
            assert_true(is_all(piece->at, piece->len, piece->mark));
            secret_heap_give(piece->at);
            *piece = (struct piece){0};
        } else {
            fill(piece, some_len(&seed), &seed);
        }
    }
    for (int i = 0; i < PIECES; i++)
        secret_heap_give(pieces[i].at);
    return NULL;
}

static void pieces_are_apart(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(secret_heap_use().mapped,
                     64 << 10); /* all is given back but one region */
}

static void what_is_given_is_wiped(void **state)
{
    uint8_t *at = secret_heap_take(200);
    bool wiped;

    (void)state;
    memset(at, 0x55, 200);
    secret_heap_give(at);
    wiped =
        is_all(at + 2 * sizeof(void *), 200 - 2 * sizeof(void *), 0); /* free, but mapped */
    assert_true(wiped);
    assert_null(secret_heap_take(0));
    assert_null(secret_heap_resize(secret_heap_take(9), 0));
    assert_null(secret_heap_take(SIZE_MAX - 4096));
    secret_heap_give(NULL);
}

/* VmFlags of the mapping that `at` is in. */
static void find_flags(const void *at, char flags[256])
{
    FILE *file = fopen("/proc/self/smaps", "r");
    unsigned long from, to;
    bool inside = false;
    char line[512];

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (inside && sscanf(line, "VmFlags: %255[^\n]", flags) == 1)
            break;
    }
    fclose(file);
}

/* Sanitizers make of mlock nothing that says it was done. */
static bool can_lock(void)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char flags[256] = "";

    assert_ptr_not_equal(page, MAP_FAILED);
    mlock(page, 4096);
    find_flags(page, flags);
    munmap(page, 4096);
    return strstr(flags, " lo") != NULL;
}

static void it_is_locked_and_not_dumped_also_in_a_child(void **state)
{
    uint8_t *at = secret_heap_take(100);
    char flags[256] = "";
    int status;
    pid_t child;

    (void)state;
    find_flags(at, flags);
    assert_non_null(strstr(flags, " dd"));
    if (can_lock())
        assert_int_equal(strstr(flags, " lo") != NULL, secret_heap_use().locked > 0);
    else
        print_message("nothing can be locked here\n");
    child = fork();
    if (child == 0) {
        char inside[256] = "";

        find_flags(at, inside);
        _exit(strcmp(flags, inside) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    secret_heap_give(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_wiped),
        cmocka_unit_test(it_is_locked_and_not_dumped_also_in_a_child),
        cmocka_unit_test(pieces_are_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
