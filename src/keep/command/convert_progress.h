/* How far it is, for a person at a terminal. */
#ifndef KEEP_COMMAND_CONVERT_PROGRESS_H
#define KEEP_COMMAND_CONVERT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct convert_progress {
    uint64_t started_ms, shown_ms;
    uint64_t first; /* bytes that were done before */
    bool shown, terminal;
};

void convert_progress_begin(struct convert_progress *p, uint64_t done);

/* One line that overwrites itself: share, bytes, rate, time that is left. */
void convert_progress_show(struct convert_progress *p, uint64_t done, uint64_t all);

void convert_progress_end(struct convert_progress *p);

#endif
