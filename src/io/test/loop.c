#include "io/loop.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test/check.h"
#include "io/stream.h"

/* One end of a socket pair, watched. */
struct end {
    struct watch watch;
    int other;
    unsigned calls, what;
    struct end *removes;    /* in its first call */
    const struct end *asks; /* whether there is news of it */
    bool news;
};

static struct loop *loop;
static struct timer stopper;

static void stop(struct timer *timer)
{
    (void)timer;
    loop_stop(loop);
}

static void run_for(uint64_t ms)
{
    timer_set(loop_timers(loop), &stopper, ms);
    loop_run(loop);
}

static void ready(struct watch *watch, unsigned what)
{
    struct end *end = LIST_OWNER(watch, struct end, watch);

    end->calls++;
    end->what |= what;
    if (end->asks)
        end->news = loop_has_news(loop, &end->asks->watch);
    if (end->removes)
        loop_remove(loop, &end->removes->watch);
}

static struct end pair(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return (struct end){.watch = {fds[0], ready}, .other = fds[1]};
}

static void unpair(struct end *end)
{
    close(end->watch.fd);
    close(end->other);
}

static void edges_are_told_once(void **state)
{
    struct end end = pair();

    (void)state;
    assert_int_equal(loop_add(loop, &end.watch, NULL), RC_OK);
    run_for(1);
    assert_int_equal(end.calls, 1);
    assert_int_equal(end.what, LOOP_WRITE);
    run_for(1);
    assert_int_equal(end.calls, 1);
    assert_int_equal(write(end.other, "a", 1), 1);
    run_for(1);
    assert_int_equal(end.calls, 2);
    assert_int_equal(end.what, LOOP_READ | LOOP_WRITE);
    close(end.other);
    run_for(1);
    assert_int_equal(end.what, LOOP_READ | LOOP_WRITE | LOOP_HANGUP);
    loop_forget(loop, &end.watch);
    close(end.watch.fd);
}

static void levels_are_told_again(void **state)
{
    struct end end = pair();

    (void)state;
    assert_int_equal(loop_add_level(loop, &end.watch, NULL), RC_OK);
    assert_int_equal(write(end.other, "a", 1), 1);
    for (unsigned turn = 0; turn < 2; turn++) {
        unsigned before = end.calls;

        run_for(1); /* one turn of the loop at least */
        assert_true(end.calls > before);
    }
    loop_remove(loop, &end.watch);
    unpair(&end);
}

/* Both are ready in one turn; whichever is called first takes the other away. */
static void a_removed_watch_is_not_called(void **state)
{
    struct end a = pair(), b = pair();

    (void)state;
    a.removes = &b;
    b.removes = &a;
    assert_int_equal(loop_add(loop, &a.watch, NULL), RC_OK);
    assert_int_equal(loop_add(loop, &b.watch, NULL), RC_OK);
    run_for(1);
    assert_int_equal(a.calls + b.calls, 1);
    unpair(&a);
    unpair(&b);
}

static void news_is_known_until_it_is_told(void **state)
{
    struct end a = pair(), b = pair();

    (void)state;
    a.asks = &b;
    b.asks = &a;
    assert_int_equal(loop_add(loop, &a.watch, NULL), RC_OK);
    assert_int_equal(loop_add(loop, &b.watch, NULL), RC_OK);
    assert_false(loop_has_news(loop, &a.watch));
    run_for(1);
    assert_int_equal(a.calls + b.calls, 2);
    assert_int_equal(a.news + b.news, 1); /* whoever was called first knew of the other */
    assert_false(loop_has_news(loop, &a.watch));
    unpair(&a);
    unpair(&b);
}

struct job {
    struct task task;
    unsigned runs;
    struct task *queues, *cancels;
};

static void run_job(struct task *task)
{
    struct job *job = LIST_OWNER(task, struct job, task);

    job->runs++;
    if (job->queues)
        loop_defer(loop, job->queues);
    if (job->cancels)
        loop_cancel(loop, job->cancels);
    if (job->runs == 3)
        loop_stop(loop);
}

/* One that queues itself runs once a turn, and the loop does not wait between. */
static void tasks_run_once_a_turn(void **state)
{
    struct job again = {.task.run = run_job}, once = {.task.run = run_job},
               never = {.task.run = run_job};

    (void)state;
    again.queues = &again.task;
    once.cancels = &never.task;
    loop_defer(loop, &again.task);
    loop_defer(loop, &once.task);
    loop_defer(loop, &once.task);
    loop_defer(loop, &never.task);
    loop_run(loop);
    assert_int_equal(again.runs, 3);
    assert_int_equal(once.runs, 1);
    assert_int_equal(never.runs, 0);
    loop_cancel(loop, &again.task);
    assert_false(again.task.queued);
    loop_defer(loop, &once.task); /* the queue is whole after its last was cancelled */
    run_for(1);
    assert_int_equal(once.runs, 2);
}

static void count_wake(void *of)
{
    ++*(unsigned *)of;
    loop_stop(loop);
}

static void *wake_from_outside(void *of)
{
    (void)of;
    loop_wake(loop);
    loop_wake(loop);
    return NULL;
}

static void another_thread_wakes_it(void **state)
{
    unsigned wakes = 0;
    pthread_t thread;

    (void)state;
    loop_on_wake(loop, count_wake, &wakes);
    assert_int_equal(pthread_create(&thread, NULL, wake_from_outside, NULL), 0);
    loop_run(loop);
    pthread_join(thread, NULL);
    assert_in_range(wakes, 1, 2);
}

static void timers_do_not_fire_early(void **state)
{
    uint64_t begin = loop_now_ms(loop);

    (void)state;
    run_for(20);
    assert_true(loop_now_ms(loop) - begin >= 20);
}

static void a_plain_stream_carries_pieces(void **state)
{
    struct end end = pair();
    struct stream s = {&stream_socket, NULL, end.watch.fd};
    const struct iovec pieces[] = {{(char[]){"ab"}, 2}, {(char[]){"cde"}, 3}};
    char got[16];
    size_t n = 0;

    (void)state;
    assert_int_equal(stream_read(&s, got, sizeof got, &n), RC_AGAIN);
    assert_int_equal(stream_write(&s, pieces, 2, &n), RC_OK);
    assert_int_equal(n, 5);
    assert_int_equal(stream_write(&s, pieces, 1, &n), RC_OK);
    assert_int_equal(n, 2);
    assert_int_equal(read(end.other, got, sizeof got), 7);
    assert_memory_equal(got, "abcdeab", 7);
    while (stream_write(&s, pieces, 2, &n) == RC_OK)
        ;
    assert_int_equal(stream_write(&s, pieces, 2, &n), RC_AGAIN);
    stream_shut(&s);
    assert_int_equal(write(end.other, "z", 1), 1);
    assert_int_equal(stream_read(&s, got, sizeof got, &n), RC_OK);
    assert_int_equal(n, 1);
    close(end.other);
    assert_int_equal(stream_read(&s, got, sizeof got, &n), RC_IO); /* unread bytes: a reset */
    assert_int_equal(stream_write(&s, pieces, 2, &n), RC_IO);      /* and no SIGPIPE */
    stream_close(&s);
    stream_close(&s);
}

static int begin(void **state)
{
    (void)state;
    stopper = (struct timer){.fire = stop};
    return loop_open(&loop, NULL) == RC_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    loop_close(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(edges_are_told_once, begin, end),
        cmocka_unit_test_setup_teardown(levels_are_told_again, begin, end),
        cmocka_unit_test_setup_teardown(a_removed_watch_is_not_called, begin, end),
        cmocka_unit_test_setup_teardown(news_is_known_until_it_is_told, begin, end),
        cmocka_unit_test_setup_teardown(tasks_run_once_a_turn, begin, end),
        cmocka_unit_test_setup_teardown(another_thread_wakes_it, begin, end),
        cmocka_unit_test_setup_teardown(timers_do_not_fire_early, begin, end),
        cmocka_unit_test(a_plain_stream_carries_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
