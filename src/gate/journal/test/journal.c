#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test/check.h"
#include "gate/journal/journal.h"

struct fixture {
    char folder[32], path[64], old[64], socket[64];
    struct arena arena;
    struct journal_files files;
};

static unsigned alerts;
static char last_alert[512];

static void count_alerts(enum log_level level, const char *line)
{
    if (level == LOG_LEVEL_ALERT)
        alerts++;
    snprintf(last_alert, sizeof last_alert, "%s", line);
}

static int open_fixture(void **state)
{
    static struct fixture f;

    f = (struct fixture){.folder = "/tmp/keepgate-log-XXXXXX"};
    if (!mkdtemp(f.folder))
        return -1;
    snprintf(f.path, sizeof f.path, "%s/a.log", f.folder);
    snprintf(f.old, sizeof f.old, "%s/a.log.1", f.folder);
    snprintf(f.socket, sizeof f.socket, "%s/socket", f.folder);
    log_to(count_alerts, LOG_LEVEL_ALERT);
    alerts = 0;
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    journal_close(&f->files);
    arena_clear(&f->arena);
    unlink(f->path);
    unlink(f->old);
    unlink(f->socket);
    return rmdir(f->folder);
}

static struct journal_file *add(struct fixture *f, const char *target)
{
    struct journal_file *file = NULL;

    assert_int_equal(journal_add(&f->files, span_text(target), &f->arena, &file, NULL), RC_OK);
    return file;
}

static const char *contents(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void a_target_is_one_file(void **state)
{
    struct fixture *f = *state;
    struct journal_file *first = add(f, f->path);

    assert_ptr_equal(add(f, f->path), first);
    assert_ptr_not_equal(add(f, "stderr"), first);
    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    assert_true(journal_append(first, LOG_LEVEL_INFO, SPAN("one\n")));
    assert_string_equal(contents(f->path), "one\n"); /* at once */
}

static void a_rotation_goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct journal_file *file = add(f, f->path);
    struct fault why = {0};

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    assert_true(journal_append(file, LOG_LEVEL_INFO, SPAN("one\n")));
    assert_int_equal(rename(f->path, f->old), 0);
    assert_true(journal_append(file, LOG_LEVEL_INFO, SPAN("two\n")));
    assert_int_equal(journal_reopen(&f->files, (uid_t)-1, NULL), RC_OK);
    assert_true(journal_append(file, LOG_LEVEL_INFO, SPAN("three\n")));
    assert_string_equal(contents(f->old), "one\ntwo\n");
    assert_string_equal(contents(f->path), "three\n");

    /* What cannot be opened anew keeps what it has. */
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0755), 0);
    assert_int_equal(journal_reopen(&f->files, (uid_t)-1, &why), RC_IO);
    assert_true(strstr(why.text, "failed (21: Is a directory)"));
    assert_true(journal_append(file, LOG_LEVEL_INFO, SPAN("four\n")));
    assert_int_equal(rmdir(f->path), 0);
}

static void a_reopened_file_belongs_to_its_new_owner(void **state)
{
    struct fixture *f = *state;
    struct stat stat_of;

    if (getuid() != 0)
        skip();
    add(f, f->path);
    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    assert_int_equal(journal_reopen(&f->files, 65534, NULL), RC_OK);
    assert_int_equal(stat(f->path, &stat_of), 0);
    assert_int_equal(stat_of.st_uid, 65534);
}

static void what_does_not_open_is_said(void **state)
{
    struct fixture *f = *state;
    struct fault why = {0};
    struct journal_file *other, *file = add(f, "/nonexistent/x.log");

    other = add(f, f->path);
    assert_int_equal(journal_open(&f->files, &why), RC_IO);
    assert_string_equal(why.text,
                        "open() \"/nonexistent/x.log\" failed (2: No such file or directory)");
    assert_true(journal_append(other, LOG_LEVEL_INFO, SPAN("x\n")));
    assert_false(journal_append(file, LOG_LEVEL_INFO, SPAN("x\n")));
}

static void a_full_disk_is_said_once(void **state)
{
    struct fixture *f = *state;
    struct journal_file *file = add(f, "/dev/full");

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    for (int i = 0; i < 5; i++)
        assert_false(journal_append(file, LOG_LEVEL_INFO, SPAN("x\n")));
    assert_int_equal(alerts, 1);
    assert_string_equal(last_alert, "write() to \"/dev/full\" failed (28: No space left on "
                                    "device): lines are dropped until it works again");
}

static void a_pipe_that_nobody_reads_does_not_block(void **state)
{
    struct fixture *f = *state;
    struct journal_file *file;
    int reader, dropped = 0;
    static char line[4096], sink[65536];

    memset(line, 'x', sizeof line);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    reader = open(f->path, O_RDONLY | O_NONBLOCK);
    file = add(f, f->path);
    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    for (int i = 0; i < 40; i++)
        dropped += !journal_append(file, LOG_LEVEL_INFO, span_of(line, sizeof line));
    assert_in_range(dropped, 1, 39);
    assert_int_equal(alerts, 1);
    while (read(reader, sink, sizeof sink) > 0)
        ;
    assert_true(journal_append(file, LOG_LEVEL_INFO, SPAN("again\n")));
    assert_int_equal(read(reader, sink, sizeof sink), 6);
    close(reader);
}

/* Many threads write while the file is moved away again and again: no line is lost or mixed. */
enum { WRITERS = 3, LINES = 2000 };

static void *write_lines(void *of)
{
    for (int i = 0; i < LINES; i++)
        assert_true(journal_append(of, LOG_LEVEL_INFO, SPAN("0123456789abcdef\n")));
    return NULL;
}

static size_t count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[64];
    size_t count = 0;

    while (file && fgets(line, sizeof line, file)) {
        assert_string_equal(line, "0123456789abcdef\n");
        count++;
    }
    if (file)
        fclose(file);
    return count;
}

static void threads_write_through_rotations(void **state)
{
    struct fixture *f = *state;
    struct journal_file *file = add(f, f->path);
    pthread_t threads[WRITERS];
    size_t lines = 0;

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, file), 0);
    for (int i = 0; i < 20; i++) {
        char name[96];

        snprintf(name, sizeof name, "%s.%d", f->path, i);
        assert_int_equal(rename(f->path, name), 0);
        assert_int_equal(journal_reopen(&f->files, (uid_t)-1, NULL), RC_OK);
    }
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 20; i++) {
        char name[96];

        snprintf(name, sizeof name, "%s.%d", f->path, i);
        lines += count_lines(name);
        unlink(name);
    }
    assert_int_equal(lines + count_lines(f->path), WRITERS * LINES);
}

static const struct {
    const char *target, *why;
    enum rc rc;
} refused[] = {
    {"syslog:", "no syslog server specified", RC_FORMAT},
    {"syslog:tag=x", "no syslog server specified", RC_FORMAT},
    {"syslog:server=a,facility=x", "unknown syslog facility \"x\"", RC_FORMAT},
    {"syslog:server=a,severity=fatal", "unknown syslog severity \"fatal\"", RC_FORMAT},
    {"syslog:server=a,color=red", "unknown syslog parameter \"color=red\"", RC_FORMAT},
    {"syslog:server=a,tag=a-b",
     "syslog \"tag\" only allows alphanumeric characters and underscore", RC_FORMAT},
    {"syslog:server=a,tag=012345678901234567890123456789012", "syslog tag length exceeds 32",
     RC_FORMAT},
    {"memory:32m", "a log in memory is not supported: name a file", RC_UNSUPPORTED},
};

static void a_wrong_target_is_explained(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct journal_file *file = NULL;
        struct fault why = {0};

        check(refused[i].target, journal_add(&f->files, span_text(refused[i].target),
                                             &f->arena, &file, &why) == refused[i].rc);
        check(refused[i].target, strcmp(why.text, refused[i].why) == 0);
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    unlink(path);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* "<190>Nov 23 15:21:26 tag: text": the time is any. */
static void expect_datagram(int fd, const char *front, const char *rest)
{
    char got[512];
    ssize_t len = recv(fd, got, sizeof got - 1, 0);

    assert_true(len > 0);
    got[len] = '\0';
    assert_memory_equal(got, front, strlen(front));
    assert_string_equal(got + strlen(front) + 15, rest);
}

static void syslog_gets_datagrams(void **state)
{
    struct fixture *f = *state;
    char target[128];
    struct journal_file *file;
    int server;

    snprintf(target, sizeof target, "syslog:server=unix:%s,severity=notice,tag=t_1,nohostname",
             f->socket);
    file = add(f, target);
    assert_int_equal(journal_open(&f->files, NULL), RC_OK); /* nobody is there yet */
    assert_false(journal_append(file, JOURNAL_OWN_LEVEL, SPAN("lost\n")));
    assert_int_equal(alerts, 1);
    server = listen_at(f->socket);
    assert_true(journal_append(file, JOURNAL_OWN_LEVEL, SPAN("a line\n")));
    expect_datagram(server, "<189>", " t_1: a line");
    close(server);
    server = listen_at(f->socket); /* it was started anew */
    assert_true(journal_append(file, LOG_LEVEL_ERROR, SPAN("an error\n")));
    expect_datagram(server, "<187>", " t_1: an error");
    close(server);
}

static void syslog_over_udp(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    struct fixture *f = *state;
    struct journal_file *file;
    char target[128], host[256] = "", rest[512];
    int server = socket(AF_INET, SOCK_DGRAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &len), 0);
    snprintf(target, sizeof target, "syslog:server=127.0.0.1:%d,facility=user",
             ntohs(address.sin_port));
    f->files.syslog_tag = "nginx";
    file = add(f, target);
    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    assert_true(journal_append(file, JOURNAL_OWN_LEVEL, SPAN("hello\n")));
    gethostname(host, sizeof host - 1);
    snprintf(rest, sizeof rest, " %s nginx: hello", host);
    expect_datagram(server, "<14>", rest);
    close(server);
}

static bool number(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    (void)rest, (void)of;
    *value = span_text(subject);
    return true;
}

static void each_request_is_a_line(void **state)
{
    static const struct variable row = {.name = "n", .get = number};
    static const struct template_part parts[] = {{.literal = SPAN("n=")}, {.variable = &row}};
    const struct journal_format format = {.line = {.parts = parts, .count = 2}};
    struct fixture *f = *state;
    struct access_log log = {.file = add(f, f->path), .format = &format};
    const struct journal_settings settings = {.access = &log, .access_count = 1};
    static char seven[] = "seven", long_one[] = "0123456789";
    struct journal_turn turn = {0};
    char room[8];
    struct buffer scratch = buffer_over(room, sizeof room);

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    journal_access(&settings, seven, &scratch, &turn);
    journal_access(&settings, long_one, &scratch, &turn);
    assert_true(journal_turn_waits(&turn));
    assert_string_equal(contents(f->path), "");
    journal_turn_end(&turn);
    assert_false(journal_turn_waits(&turn));
    assert_string_equal(contents(f->path), "n=seven\nn=\n");
}

/* In their order, whatever their lengths; those of one file when there is one of another. */
static void a_turn_writes_all_of_its_lines(void **state)
{
    static char line[JOURNAL_TURN + 2], text[4 * sizeof line];
    struct fixture *f = *state;
    struct journal_file *file = add(f, f->path), *other = add(f, f->old);
    struct journal_turn turn = {0};
    size_t written = 0;
    FILE *back;

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    memset(line, 'x', sizeof line);
    journal_turn_add(&turn, file, SPAN("a\n"));
    journal_turn_add(&turn, other, SPAN("b\n"));
    assert_string_equal(contents(f->path), "a\n");
    assert_string_equal(contents(f->old), "");
    journal_turn_add(&turn, file, SPAN("c\n"));
    journal_turn_add(&turn, file, span_of(line, JOURNAL_TURN - 2));
    assert_string_equal(contents(f->path), "a\n");
    journal_turn_add(&turn, file, SPAN("d\n"));
    journal_turn_add(&turn, file, span_of(line, sizeof line));
    journal_turn_end(&turn);
    journal_turn_end(&turn);
    assert_string_equal(contents(f->old), "b\n");
    back = fopen(f->path, "r");
    written = fread(text, 1, sizeof text, back);
    fclose(back);
    assert_int_equal(written, 4 + JOURNAL_TURN - 2 + 2 + sizeof line);
    assert_memory_equal(text, "a\nc\nx", 5);
    assert_memory_equal(text + 4 + JOURNAL_TURN - 3, "xd\nx", 4);
}

/* A disk that is full takes none of them, which is told once. */
static void a_turn_that_cannot_be_written_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct journal_file *file = add(f, "/dev/full");
    struct journal_turn turn = {0};

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    for (int i = 0; i < 3; i++) {
        journal_turn_add(&turn, file, SPAN("a\n"));
        journal_turn_add(&turn, file, SPAN("b\n"));
        journal_turn_end(&turn);
    }
    assert_int_equal(alerts, 1);
}

static const struct journal_context context = {
    .connection = 7,
    .client = {(const uint8_t *)"127.0.0.1", 9},
    .server = {(const uint8_t *)"localhost", 9},
    .request = {(const uint8_t *)"GET /\n HTTP/1.1", 15},
    .upstream = {(const uint8_t *)"http://127.0.0.1:1/", 19},
    .host = {(const uint8_t *)"h", 1},
};

static void errors_go_to_the_logs_that_want_them(void **state)
{
    struct fixture *f = *state;
    const struct error_log logs[] = {{add(f, f->path), LOG_LEVEL_ERROR},
                                     {add(f, f->old), LOG_LEVEL_INFO}};
    char front[64], *line;

    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    journal_error(logs, 2, LOG_LEVEL_ERROR, &context, "connect() failed (%d: %s)", 111,
                  "Connection refused");
    journal_error(logs, 2, LOG_LEVEL_NOTICE, NULL, "two\nlines");
    journal_error(logs, 2, LOG_LEVEL_INFO, &(struct journal_context){.client = SPAN("c")},
                  "x");
    journal_error(logs, 2, LOG_LEVEL_DEBUG, NULL, "nobody asks");
    snprintf(front, sizeof front, " [error] %d#%d: ", getpid(), gettid());
    line = strstr((char *)(uintptr_t)contents(f->path), front);
    assert_non_null(line);
    assert_string_equal(line + strlen(front),
                        "*7 connect() failed (111: Connection refused), client: 127.0.0.1, "
                        "server: localhost, request: \"GET /\\x0A HTTP/1.1\", "
                        "upstream: \"http://127.0.0.1:1/\", host: \"h\"\n");
    line = strstr((char *)(uintptr_t)contents(f->old), " [notice] ");
    assert_non_null(line);
    assert_non_null(strstr(line, ": two\\x0Alines\n"));
    assert_non_null(strstr(line, ": x, client: c, server: \n"));
    assert_true(journal_wants(logs, 2, LOG_LEVEL_INFO));
    assert_false(journal_wants(logs, 2, LOG_LEVEL_DEBUG));
    assert_false(journal_wants(NULL, 0, LOG_LEVEL_EMERG));
}

static void a_long_error_is_cut_to_one_line(void **state)
{
    struct fixture *f = *state;
    const struct error_log log = {add(f, f->path), LOG_LEVEL_ERROR};
    static char text[3000];
    const char *line;

    memset(text, 'x', sizeof text - 1);
    assert_int_equal(journal_open(&f->files, NULL), RC_OK);
    journal_error(&log, 1, LOG_LEVEL_ERROR, &context, "%s", text);
    line = contents(f->path);
    assert_in_range(strlen(line), JOURNAL_ERROR_MAX / 2, JOURNAL_ERROR_MAX);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_target_is_one_file),
        TEST(a_rotation_goes_on_in_a_new_file),
        TEST(a_reopened_file_belongs_to_its_new_owner),
        TEST(what_does_not_open_is_said),
        TEST(a_full_disk_is_said_once),
        TEST(a_pipe_that_nobody_reads_does_not_block),
        TEST(threads_write_through_rotations),
        TEST(a_wrong_target_is_explained),
        TEST(syslog_gets_datagrams),
        TEST(syslog_over_udp),
        TEST(each_request_is_a_line),
        TEST(a_turn_writes_all_of_its_lines),
        TEST(a_turn_that_cannot_be_written_is_told_once),
        TEST(errors_go_to_the_logs_that_want_them),
        TEST(a_long_error_is_cut_to_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
