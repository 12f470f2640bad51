#include "gate/zone/zone.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test/check.h"

static struct span key_of(char text[32], unsigned n)
{
    snprintf(text, 32, "key %u", n);
    return span_text(text);
}

static struct zone_entry *add(struct zone *zone, unsigned n)
{
    char text[32];
    struct zone_entry *entry = zone_add(zone, key_of(text, n));

    if (entry)
        entry->number = n;
    return entry;
}

static struct zone_entry *find(struct zone *zone, unsigned n)
{
    char text[32];

    return zone_find(zone, key_of(text, n));
}

static void keys_are_kept_until_there_is_no_room(void **state)
{
    struct zone *zone;
    unsigned most;

    (void)state;
    assert_int_equal(zone_open(&zone, 32768, NULL), RC_OK);
    most = zone_capacity(zone);
    assert_in_range(most, 200, 400);
    zone_lock(zone);
    for (unsigned n = 0; n < most; n++)
        assert_non_null(add(zone, n));
    for (unsigned n = 0; n < most; n++)
        assert_int_equal(find(zone, n)->number, n);
    assert_non_null(find(zone, 0)); /* now it is not the oldest */
    assert_non_null(add(zone, most));
    assert_int_equal(zone_count(zone), most);
    assert_null(find(zone, 1));
    assert_non_null(find(zone, 0));
    assert_int_equal(zone_oldest(zone)->number, 2);
    zone_remove(zone, find(zone, 5));
    assert_null(find(zone, 5));
    assert_int_equal(zone_count(zone), most - 1);
    zone_unlock(zone);
    zone_release(zone);
}

static void what_is_in_use_stays(void **state)
{
    struct zone *zone;
    unsigned most;

    (void)state;
    assert_int_equal(zone_open(&zone, 32768, NULL), RC_OK);
    most = zone_capacity(zone);
    zone_lock(zone);
    for (unsigned n = 0; n < most; n++)
        add(zone, n)->count = 1;
    assert_null(add(zone, most));
    find(zone, 7)->count = 0; /* and so it is the newest: beyond the search */
    assert_null(add(zone, most));
    for (unsigned n = 0; n < most; n++)
        if (n != 7)
            (void)find(zone, n);
    assert_non_null(add(zone, most));
    assert_null(find(zone, 7));
    zone_unlock(zone);
    zone_release(zone);
}

/* Each process sees what the others write; one that is killed with the lock held leaves an empty table. */
static void processes_share_it(void **state)
{
    struct zone *zone;
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(zone_open(&zone, 65536, NULL), RC_OK);
    if ((pid = fork()) == 0) {
        zone_lock(zone);
        add(zone, 1);
        zone_unlock(zone);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    zone_lock(zone);
    assert_int_equal(find(zone, 1)->number, 1);
    zone_unlock(zone);
    if ((pid = fork()) == 0) {
        zone_lock(zone);
        add(zone, 2);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    zone_lock(zone);
    assert_int_equal(zone_count(zone), 0);
    assert_null(find(zone, 1));
    assert_non_null(add(zone, 3));
    zone_unlock(zone);
    zone_release(zone_hold(zone));
    zone_release(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_kept_until_there_is_no_room),
        cmocka_unit_test(what_is_in_use_stays),
        cmocka_unit_test(processes_share_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
