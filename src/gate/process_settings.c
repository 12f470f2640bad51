#include "gate/process_settings.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

#include "base/units.h"
#include "gate/conf/slot.h"

#define AT(member) .offset = offsetof(struct process_settings, member)
#define DROPPED .offset = CONF_NOWHERE

enum { LOOPS_MAX = 1024, CPUS_MAX = 64, PRIORITY_MAX = 20 };

static unsigned cpus(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : count > LOOPS_MAX ? LOOPS_MAX : (unsigned)count;
}

void process_settings_begin(struct process_settings *s, bool as_nginx)
{
    *s = (struct process_settings){.loops = as_nginx ? 1 : cpus(),
                                   .daemon = as_nginx,
                                   .master = true,
                                   .worker_rlimit_core = UINT64_MAX};
}

/* Spreads loops over CPUs, one after the other. */
enum rc process_settings_finish(struct conf *conf, struct process_settings *s)
{
    uint64_t *masks;
    unsigned count = cpus() < CPUS_MAX ? cpus() : CPUS_MAX;

    if (!s->cpu_auto)
        return RC_OK;
    masks = arena_take_array(conf->arena, s->loops, sizeof *masks);
    if (!masks)
        return RC_MEMORY;
    for (unsigned i = 0; i < s->loops; i++)
        masks[i] = UINT64_C(1) << i % count;
    s->cpu_masks = masks;
    s->cpu_masks_count = s->loops;
    return RC_OK;
}

static enum rc set_user(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;
    struct span user = conf_word(conf, 1);
    struct span group = conf_words(conf) > 2 ? conf_word(conf, 2) : user;
    char *name = arena_text(conf->arena, user), *group_name = arena_text(conf->arena, group);

    (void)d;
    if (!name || !group_name)
        return conf_no_memory(conf);
    if (geteuid() != 0) {
        conf_warn(conf, 0, NULL,
                  "the \"user\" directive makes sense only if the master process runs with "
                  "super-user privileges, ignored");
        return RC_OK;
    }
    if (!getpwnam(name))
        return conf_fail(conf, 1, "there is no such user", "getpwnam(\"%s\") failed", name);
    if (!getgrnam(group_name))
        return conf_fail(conf, conf_words(conf) > 2 ? 2 : 1, "there is no such group",
                         "getgrnam(\"%s\") failed", group_name);
    s->user = user;
    s->group = group;
    return RC_OK;
}

static enum rc set_loops(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;
    uint64_t number;

    (void)d;
    if (span_equal(conf_word(conf, 1), SPAN("auto"))) {
        s->loops = cpus();
        return RC_OK;
    }
    if (units_parse_number(conf_word(conf, 1), LOOPS_MAX, &number) != RC_OK || number == 0)
        return conf_fail_value(conf, 1, "invalid value");
    s->loops = (unsigned)number;
    return RC_OK;
}

static enum rc set_connections(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;

    (void)d;
    if (units_parse_number(conf_word(conf, 1), INT32_MAX, &s->worker_connections) == RC_OK)
        return RC_OK;
    return conf_fail(conf, 1, NULL, "invalid number \"%.*s\"", SPAN_ARG(conf_word(conf, 1)));
}

static enum rc parse_mask(struct conf *conf, size_t i, uint64_t *mask)
{
    struct span word = conf_word(conf, i);

    *mask = 0;
    if (word.len > CPUS_MAX)
        return conf_fail(conf, i, NULL, "\"worker_cpu_affinity\" supports up to %d CPUs only",
                         CPUS_MAX);
    for (size_t c = 0; c < word.len; c++) {
        if (word.at[c] != '0' && word.at[c] != '1')
            return conf_fail(conf, i, NULL,
                             "invalid character \"%c\" in \"worker_cpu_affinity\"",
                             word.at[c]);
        *mask = *mask << 1 | (word.at[c] == '1');
    }
    return RC_OK;
}

static enum rc set_affinity(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;
    uint64_t *masks = arena_take_array(conf->arena, conf_words(conf), sizeof *masks);
    enum rc rc;

    (void)d;
    if (!masks)
        return conf_no_memory(conf);
    if (span_equal(conf_word(conf, 1), SPAN("auto"))) {
        s->cpu_auto = true;
        return conf_words(conf) > 2 ? parse_mask(conf, 2, &masks[0]) : RC_OK;
    }
    for (size_t i = 1; i < conf_words(conf); i++) {
        if ((rc = parse_mask(conf, i, &masks[i - 1])) != RC_OK)
            return rc;
    }
    s->cpu_masks = masks;
    s->cpu_masks_count = conf_words(conf) - 1;
    return RC_OK;
}

static enum rc set_pid(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;

    (void)d;
    s->pid_file = conf_path(conf, conf->prefix, conf_word(conf, 1));
    return s->pid_file.at ? RC_OK : conf_no_memory(conf);
}

/* nice(1)'s number; nginx takes a sign and digits. */
static enum rc set_priority(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;
    struct span word = conf_word(conf, 1);
    const bool minus = span_starts(word, SPAN("-"));
    uint64_t number;

    (void)d;
    if (minus || span_starts(word, SPAN("+")))
        span_cut(&word, 1);
    if (units_parse_number(word, PRIORITY_MAX, &number) != RC_OK)
        return conf_fail_value(conf, 1, "invalid number");
    s->worker_priority = minus ? -(int)number : (int)number;
    return RC_OK;
}

static enum rc set_directory(struct conf *conf, const struct directive *d, void *part)
{
    struct process_settings *s = part;
    char *path = arena_take(conf->arena, conf_word(conf, 1).len + 1);

    (void)d;
    if (!path)
        return conf_no_memory(conf);
    memcpy(path, conf_word(conf, 1).at, conf_word(conf, 1).len);
    s->working_directory = path;
    return RC_OK;
}

static enum rc set_module(struct conf *conf, const struct directive *d, void *part)
{
    (void)d, (void)part;
    conf_warn(conf, 1, "take the line out", "gate loads no modules, \"%.*s\" is left out",
              SPAN_ARG(conf_word(conf, 1)));
    return RC_OK;
}

static enum rc set_use(struct conf *conf, const struct directive *d, void *part)
{
    (void)d, (void)part;
    if (span_equal(conf_word(conf, 1), SPAN("epoll")))
        return RC_OK;
    return conf_fail(conf, 1, "gate uses epoll", "invalid event type \"%.*s\"",
                     SPAN_ARG(conf_word(conf, 1)));
}

static enum rc set_compat(struct conf *conf, const struct directive *d, void *part)
{
    struct span word = conf_word(conf, 1);

    (void)d, (void)part;
    conf->strict = span_equal(word, SPAN("strict"));
    if (conf->strict || span_equal(word, SPAN("relaxed")))
        return RC_OK;
    return conf_fail(conf, 1, "strict or relaxed", "invalid value \"%.*s\"", SPAN_ARG(word));
}

/* "1.26" or "1.26.3" */
static enum rc set_compat_version(struct conf *conf, const struct directive *d, void *part)
{
    struct span word = conf_word(conf, 1);
    uint64_t numbers[3] = {0};
    size_t count = 0;

    (void)d, (void)part;
    do {
        struct span number = span_cut(&word, span_find(word, '.'));

        if (units_parse_number(number, 999, &numbers[count]) != RC_OK)
            break;
        count++;
    } while (count < 3 && span_cut(&word, 1).len > 0);
    conf->version = (uint32_t)CONF_VERSION(numbers[0], numbers[1], numbers[2]);
    if (count < 2 || word.len > 0 || !isdigit(word.at[-1]) ||
        conf->version > CONF_VERSION_LATEST)
        return conf_fail(conf, 1, "a version of nginx up to 1.31.5, such as 1.26",
                         "invalid value \"%.*s\"", SPAN_ARG(conf_word(conf, 1)));
    return RC_OK;
}

const struct directive process_directives[] = {
    {"compat", CONF_MAIN, 1, 1, .set = set_compat, DROPPED,
     .doc = "strict does as nginx also where that is known to surprise: a name that is not "
            "found is fatal, "
            "failures are tried again without a budget, and fields that Connection names are "
            "passed on. relaxed does better."},
    {"compat_version", CONF_MAIN, 1, 1, .set = set_compat_version, DROPPED,
     .doc =
         "The version of nginx whose defaults hold: before 1.29.7 origins are asked with "
         "HTTP/1.0 "
         "and their connections are closed; before 1.23 $http_NAME is the first field of that "
         "name alone."},
    {"user", CONF_MAIN, 1, 2, .set = set_user,
     .doc = "Whom the process that serves clients runs as, when gate is started by root."},
    {"worker_processes", CONF_MAIN, 1, 1, .set = set_loops,
     .doc = "How many event loops serve clients; auto for one for each CPU."},
    {"worker_cpu_affinity", CONF_MAIN, 1, CONF_MANY, .set = set_affinity,
     .doc = "The CPUs of each loop, as bit masks; auto for one CPU each."},
    {"worker_rlimit_nofile", CONF_MAIN, 1, 1, .set = conf_set_number, AT(worker_rlimit_nofile),
     .doc = "How many files and connections the process may have open."},
    {"worker_rlimit_core", CONF_MAIN, 1, 1, .set = conf_set_offset, AT(worker_rlimit_core),
     .doc = "The most bytes that a core file of the worker may have."},
    {"worker_priority", CONF_MAIN, 1, 1, .set = set_priority,
     .doc = "How nice the worker is to other processes, as nice(1) has it."},
    {"working_directory", CONF_MAIN, 1, 1, .set = set_directory,
     .doc = "The folder that the worker stands in, and that gets its core file."},
    {"worker_shutdown_timeout", CONF_MAIN, 1, 1, .set = conf_set_milliseconds,
     AT(shutdown_timeout_ms),
     .doc = "How long connections may go on when gate is told to quit."},
    {"pid", CONF_MAIN, 1, 1, .set = set_pid,
     .doc = "The file that gets the master's process id."},
    {"daemon", CONF_MAIN, 1, 1, .set = conf_set_flag, AT(daemon),
     .doc = "Goes to the background."},
    {"master_process", CONF_MAIN, 1, 1, .set = conf_set_flag, AT(master),
     .doc = "Serves clients from a process of its own, which a master watches."},
    {"load_module", CONF_MAIN, 1, 1, true, .set = set_module,
     .doc = "Left out with a warning: gate loads no modules."},
    {"pcre_jit", CONF_MAIN, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: regular expressions are compiled to machine code."},
    {"ssl_object_cache_inheritable", CONF_MAIN, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: each reload reads certificates anew."},
    {"lock_file", CONF_MAIN, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: there is nothing to lock."},
    {"timer_resolution", CONF_MAIN, 1, 1, .set = conf_set_milliseconds, DROPPED,
     .doc = "Accepted, of no effect: asking for the time costs next to nothing."},
    {"thread_pool", CONF_MAIN, 2, 3, true, .set = conf_accept,
     .doc = "Accepted, of no effect: files are read by the loops."},
    {"debug_points", CONF_MAIN, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: a fault of its own ends gate, and the master starts it "
            "anew."},
    {"env", CONF_MAIN, 1, 1, true, .set = conf_accept,
     .doc = "Accepted, of no effect: the environment stays as it is."},

    {"worker_connections", CONF_EVENTS, 1, 1, .set = set_connections, .standard = "512",
     .doc = "How many connections, to clients and servers, a loop may have."},
    {"use", CONF_EVENTS, 1, 1, .set = set_use, .doc = "The way to wait for events: epoll."},
    {"multi_accept", CONF_EVENTS, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: each loop accepts what is there."},
    {"accept_mutex", CONF_EVENTS, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: each loop has sockets of its own."},
    {"accept_mutex_delay", CONF_EVENTS, 1, 1, .set = conf_set_milliseconds, DROPPED,
     .doc = "Accepted, of no effect: each loop has sockets of its own."},
    {"debug_connection", CONF_EVENTS, 1, 1, true, .set = conf_accept,
     .doc = "Accepted, of no effect: the level debug of error_log is for all connections."},
    {"epoll_events", CONF_EVENTS, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: each loop takes as many events as there are, up to a "
            "fixed number."},
    {"worker_aio_requests", CONF_EVENTS, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: files are read by the loop."},
    {0},
};
