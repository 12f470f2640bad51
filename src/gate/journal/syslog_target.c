#include "gate/journal/syslog_target.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "gate/journal/times.h"

enum { DEFAULT_PORT = 514 };

/* By number: RFC 3164, section 4.1.1, with the names that nginx has for them. */
static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

static bool find_facility(struct span name, unsigned *facility)
{
    for (*facility = 0; *facility < sizeof facilities / sizeof *facilities; ++*facility)
        if (span_equal(name, span_text(facilities[*facility])))
            return true;
    return false;
}

/* The levels of a log are the severities of syslog, in the same order. */
static bool find_severity(struct span name, unsigned *severity)
{
    for (*severity = 0; *severity <= LOG_LEVEL_DEBUG; ++*severity)
        if (span_equal(name, span_text(log_level_name((enum log_level) * severity))))
            return true;
    return false;
}

static enum rc check_tag(struct span tag, struct fault *why)
{
    if (tag.len > SYSLOG_TAG_MAX)
        return fail(why, RC_FORMAT, "syslog tag length exceeds %d", SYSLOG_TAG_MAX);
    for (size_t i = 0; i < tag.len; i++)
        if (!isalnum(tag.at[i]) && tag.at[i] != '_')
            return fail(why, RC_FORMAT,
                        "syslog \"tag\" only allows alphanumeric characters and underscore");
    return RC_OK;
}

static bool value_of(struct span parameter, const char *key, struct span *value)
{
    if (!span_starts(parameter, span_text(key)))
        return false;
    *value = parameter;
    span_cut(value, strlen(key));
    return true;
}

static enum rc parse_parameter(struct syslog_target *target, struct span parameter,
                               struct fault *why)
{
    struct span value;

    if (value_of(parameter, "server=", &target->server))
        return RC_OK;
    if (value_of(parameter, "facility=", &value))
        return find_facility(value, &target->facility)
                   ? RC_OK
                   : fail(why, RC_FORMAT, "unknown syslog facility \"%.*s\"", SPAN_ARG(value));
    if (value_of(parameter, "severity=", &value))
        return find_severity(value, &target->severity)
                   ? RC_OK
                   : fail(why, RC_FORMAT, "unknown syslog severity \"%.*s\"", SPAN_ARG(value));
    if (value_of(parameter, "tag=", &target->tag))
        return check_tag(target->tag, why);
    if (span_equal(parameter, SPAN("nohostname"))) {
        target->without_host = true;
        return RC_OK;
    }
    return fail(why, RC_FORMAT, "unknown syslog parameter \"%.*s\"", SPAN_ARG(parameter));
}

enum rc syslog_target_parse(struct syslog_target *target, struct span text, struct span tag,
                            struct fault *why)
{
    enum rc rc;

    *target = (struct syslog_target){.facility = 23, .severity = LOG_LEVEL_INFO, .tag = tag};
    while (text.len > 0) {
        struct span parameter = span_cut(&text, span_find(text, ','));

        if ((rc = parse_parameter(target, parameter, why)))
            return rc;
        span_cut(&text, 1);
    }
    if (target->server.len == 0)
        return fail(why, RC_FORMAT, "no syslog server specified");
    gethostname(target->host, sizeof target->host);
    target->host[sizeof target->host - 1] = '\0';
    return RC_OK;
}

/* "host", "host:port", "[::1]" */
static enum rc look_up(struct syslog_target *target, struct fault *why)
{
    struct span host = target->server;
    size_t colon = host.len;
    uint64_t port = DEFAULT_PORT;
    char name[256];
    size_t count;

    while (colon > 0 && host.at[colon - 1] != ':' && host.at[colon - 1] != ']')
        colon--;
    if (colon > 0 && host.at[colon - 1] == ':') {
        if (units_parse_number(span_of(host.at + colon, host.len - colon), 65535, &port) ||
            port == 0)
            return fail(why, RC_FORMAT, "invalid port in syslog server \"%.*s\"",
                        SPAN_ARG(target->server));
        host.len = colon - 1;
    }
    if (host.len >= sizeof name)
        return fail(why, RC_FORMAT, "too long a name of a syslog server");
    memcpy(name, host.at, host.len);
    name[host.len] = '\0';
    return address_look_up(name, (uint16_t)port, &target->address, 1, &count, why);
}

enum rc syslog_target_open(struct syslog_target *target, int *fd, struct fault *why)
{
    enum rc rc;

    if (span_starts(target->server, SPAN("unix:"))) {
        if ((rc = address_parse(target->server, &target->address)))
            return fail(why, rc, "invalid path of a syslog server: \"%.*s\"",
                        SPAN_ARG(target->server));
    } else if ((rc = look_up(target, why))) {
        return rc;
    }
    *fd = socket(target->address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return fail_errno(why, RC_IO, "socket() for syslog server \"%.*s\"",
                          SPAN_ARG(target->server));
    (void)connect(*fd, &target->address.any, target->address.len);
    return RC_OK;
}

/* "<190>Nov 23 15:21:26 host tag: " */
static void add_front(const struct syslog_target *target, int level, struct buffer *out)
{
    const struct times *now = times_now();

    buffer_add_byte(out, '<');
    buffer_add_number(out,
                      target->facility * 8 + (level < 0 ? target->severity : (unsigned)level));
    buffer_add_byte(out, '>');
    buffer_add(out, times_span(now->syslog));
    buffer_add_byte(out, ' ');
    if (!target->without_host) {
        buffer_add_text(out, target->host);
        buffer_add_byte(out, ' ');
    }
    buffer_add(out, target->tag);
    buffer_add_text(out, ": ");
}

bool syslog_target_send(const struct syslog_target *target, int fd, int level,
                        struct span line)
{
    char front[64 + SYSLOG_HOST_MAX + SYSLOG_TAG_MAX];
    struct buffer head = buffer_over(front, sizeof front);
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    add_front(target, level, &head);
    if (line.len > 0 && line.at[line.len - 1] == '\n')
        line.len--;
    if (line.len > SYSLOG_LINE_MAX)
        line.len = SYSLOG_LINE_MAX;
    parts[0] = (struct iovec){front, head.len};
    parts[1] = (struct iovec){(void *)(uintptr_t)line.at, line.len};
    if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
        return true;
    /* The server came up or was started anew: a refusal is of an earlier datagram, or of its old socket. */
    if (connect(fd, &target->address.any, target->address.len) < 0)
        return false;
    return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}
