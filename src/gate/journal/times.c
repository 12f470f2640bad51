#include "gate/journal/times.h"

#include <string.h>

#include "gate/respond/http_date.h"

static _Thread_local struct times cache = {.second = -1};

/* All forms in one go, each of a fixed length. */
static void format_local(struct times *t, const struct tm *tm)
{
    char text[128];
    struct span rest = span_of(text, sizeof text);

    if (strftime(text, sizeof text,
                 "%d/%b/%Y:%H:%M:%S %z%Y/%m/%d %H:%M:%S%b %e %H:%M:%S%Y-%m-%dT%H:%M:%S",
                 tm) != sizeof t->local + sizeof t->error + sizeof t->syslog + 19)
        return; /* a year beyond 9999: the last second that was written stands */
    memcpy(t->local, span_cut(&rest, sizeof t->local).at, sizeof t->local);
    memcpy(t->error, span_cut(&rest, sizeof t->error).at, sizeof t->error);
    memcpy(t->syslog, span_cut(&rest, sizeof t->syslog).at, sizeof t->syslog);
    memcpy(t->iso8601, rest.at, 19);
    memcpy(t->iso8601 + 19, t->local + 21, 3); /* "+0000" -> "+00:00" */
    t->iso8601[22] = ':';
    memcpy(t->iso8601 + 23, t->local + 24, 2);
}

const struct times *times_at(time_t second)
{
    struct tm tm;

    if (cache.second == second)
        return &cache;
    localtime_r(&second, &tm);
    http_date_format(second, cache.http);
    format_local(&cache, &tm);
    cache.second = second;
    return &cache;
}

const struct times *times_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return times_at(now.tv_sec);
}
