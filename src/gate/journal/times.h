/*
 * The time of day as text, in the forms that headers and logs want. Made at most once a second
 * for each thread, without locks.
 */
#ifndef GATE_JOURNAL_TIMES_H
#define GATE_JOURNAL_TIMES_H

#include <time.h>

#include "base/span.h"

struct times {
    time_t second;
    char http[29];    /* "Mon, 23 Nov 2026 15:21:26 GMT" */
    char local[26];   /* "23/Nov/2026:15:21:26 +0000": $time_local */
    char iso8601[25]; /* "2026-11-23T15:21:26+00:00" */
    char error[19];   /* "2026/11/23 15:21:26", local time */
    char syslog[15];  /* "Nov 23 15:21:26", local time */
};

/* None ends in a NUL: times_span(x->http). Of this thread; lasts until the thread's next call.
 */
const struct times *times_now(void);

/* The same for a given second, in the thread's cache all the same. */
const struct times *times_at(time_t second);

#define times_span(array) span_of((array), sizeof(array))

#endif
