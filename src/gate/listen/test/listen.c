#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test/check.h"
#include "gate/listen/acceptor.h"
#include "gate/listen/listen_sockets.h"
#include "io/socket.h"

static struct listen_options options_of(const char *text)
{
    struct listen_options options = {.backlog = -1};

    check(text, address_parse(span_text(text), &options.address) == RC_OK);
    return options;
}

/* An address on 127.0.0.1 that was free a moment ago. */
static struct listen_options free_address(void)
{
    struct listen_options options = options_of("127.0.0.1:1");
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    options.address.v4.sin_port = 0;
    assert_int_equal(bind(fd, &options.address.any, options.address.len), 0);
    assert_int_equal(socket_local(fd, &options.address), RC_OK);
    close(fd);
    return options;
}

static int reuse_port(int fd)
{
    int on = -1;
    socklen_t len = sizeof on;

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &len), 0);
    return on;
}

static bool accepts(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on == 1;
}

static void every_loop_has_its_socket(void **state)
{
    struct listen_options options = free_address();
    struct listen_sockets one = {0}, three = {0}, two = {0};

    (void)state;
    assert_int_equal(listen_sockets_open(&one, &options, 1, 1, NULL, NULL), RC_OK);
    assert_int_equal(reuse_port(one.addresses[0].fds[0]), 0);
    assert_int_equal(listen_sockets_open(&three, &options, 1, 3, &one, NULL), RC_OK);
    assert_int_equal(three.addresses[0].fds[0], one.addresses[0].fds[0]);
    listen_sockets_close(&one, &three);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(accepts(three.addresses[0].fds[i]));
        assert_int_equal(reuse_port(three.addresses[0].fds[i]), 1);
    }
    assert_int_equal(listen_sockets_open(&two, &options, 1, 2, &three, NULL), RC_OK);
    listen_sockets_close(&three, &two);
    assert_true(accepts(two.addresses[0].fds[0]) && accepts(two.addresses[0].fds[1]));
    listen_sockets_close(&two, NULL);
}

static void no_lines(enum log_level level, const char *line)
{
    (void)level;
    (void)line;
}

/* Also where both would share it out: two gates must not take each other's connections. */
static void an_address_in_use_is_named(void **state)
{
    struct listen_options options[] = {free_address(), free_address()};
    struct listen_sockets first = {0}, second = {0};
    struct fault why = {0};

    (void)state;
    log_to(no_lines, LOG_LEVEL_ERROR);
    assert_int_equal(listen_sockets_open(&first, &options[1], 1, 2, NULL, &why), RC_OK);
    assert_int_equal(listen_sockets_open(&second, options, 2, 2, NULL, &why), RC_IO);
    assert_string_equal(why.text, "still could not bind()");
    assert_int_equal(second.count, 0);
    assert_int_equal(listen_sockets_test(options, 2, &why), RC_OK);
    listen_sockets_close(&first, NULL);
}

static void an_address_of_nobody_is_refused(void **state)
{
    struct listen_options options = options_of("192.0.2.1:80");
    struct listen_sockets sockets = {0};
    struct fault why = {0};

    (void)state;
    assert_int_equal(listen_sockets_open(&sockets, &options, 1, 1, NULL, &why), RC_IO);
    assert_string_equal(why.text,
                        "bind() to 192.0.2.1:80 failed (99: Cannot assign requested address)");
    assert_int_equal(listen_sockets_test(&options, 1, &why), RC_IO);
}

static void a_path_has_one_socket_for_all(void **state)
{
    char folder[] = "/tmp/gate-listen-XXXXXX", text[64];
    struct listen_sockets sockets = {0}, next = {0};
    struct listen_options options;
    struct stat at;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(text, sizeof text, "unix:%s/s", folder);
    options = options_of(text);
    assert_int_equal(listen_sockets_open(&sockets, &options, 1, 2, NULL, NULL), RC_OK);
    assert_int_equal(sockets.addresses[0].fds[0], sockets.addresses[0].fds[1]);
    assert_int_equal(listen_sockets_open(&next, &options, 1, 1, &sockets, NULL), RC_OK);
    listen_sockets_close(&sockets, &next);
    assert_int_equal(stat(text + 5, &at), 0);
    assert_int_equal(at.st_mode & 0777, 0666);
    listen_sockets_close(&next, NULL);
    assert_int_equal(stat(text + 5, &at), -1);
    assert_int_equal(rmdir(folder), 0);
}

static struct loop *loop;
static unsigned taken, room;

static void take(struct acceptor *acceptor, int fd, const struct address *from)
{
    (void)acceptor;
    assert_int_equal(from->any.sa_family, AF_INET);
    taken++;
    close(fd);
}

static bool has_room(struct acceptor *acceptor)
{
    (void)acceptor;
    return taken < room;
}

static void stop(struct timer *timer)
{
    (void)timer;
    loop_stop(loop);
}

static void run_for(uint64_t ms)
{
    struct timer timer = {.fire = stop};

    timer_set(loop_timers(loop), &timer, ms);
    loop_run(loop);
}

/* Those beyond what there is room for wait, and are taken after the pause. */
static void connections_wait_for_room(void **state)
{
    struct listen_options options = free_address();
    struct listen_sockets sockets = {0};
    struct acceptor acceptor = {.accepted = take, .has_room = has_room};
    int fds[20];

    (void)state;
    assert_int_equal(loop_open(&loop, NULL), RC_OK);
    assert_int_equal(listen_sockets_open(&sockets, &options, 1, 1, NULL, NULL), RC_OK);
    assert_int_equal(acceptor_begin(&acceptor, loop, sockets.addresses[0].fds[0], NULL),
                     RC_OK);
    for (size_t i = 0; i < 20; i++)
        assert_in_range(socket_connect(&options.address, &fds[i]), RC_OK, RC_AGAIN);
    room = 18;
    run_for(50);
    assert_int_equal(taken, 18);
    room = 100;
    run_for(600);
    assert_int_equal(taken, 20);
    acceptor_end(&acceptor);
    acceptor_end(&acceptor);
    for (size_t i = 0; i < 20; i++)
        close(fds[i]);
    listen_sockets_close(&sockets, NULL);
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_has_its_socket),
        cmocka_unit_test(an_address_in_use_is_named),
        cmocka_unit_test(an_address_of_nobody_is_refused),
        cmocka_unit_test(a_path_has_one_socket_for_all),
        cmocka_unit_test(connections_wait_for_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
