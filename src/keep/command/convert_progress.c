#include "keep/command/convert_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"

enum { SHOW_MS = 200 };

void convert_progress_begin(struct convert_progress *p, uint64_t done)
{
    *p = (struct convert_progress){
        .started_ms = clock_ms(), .first = done, .terminal = isatty(STDERR_FILENO)};
}

static void print_left(uint64_t seconds)
{
    if (seconds >= 3600)
        fprintf(stderr, ", %u:%02u:%02u left", (unsigned)(seconds / 3600),
                (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    else
        fprintf(stderr, ", %u:%02u left", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

void convert_progress_show(struct convert_progress *p, uint64_t done, uint64_t all)
{
    uint64_t now = clock_ms(), ran = now - p->started_ms;
    char of[16], rate[16], so_far[16];

    if (!p->terminal || (p->shown && now - p->shown_ms < SHOW_MS))
        return;
    fprintf(stderr, "\r\033[K%3u %%  %s of %s", (unsigned)((double)done / (double)all * 100),
            units_size(so_far, done), units_size(of, all));
    if (done > p->first && ran > 0) {
        double speed = (double)(done - p->first) * 1000 / (double)ran;

        fprintf(stderr, ", %s/s", units_size(rate, (uint64_t)speed));
        print_left((uint64_t)((double)(all - done) / speed));
    }
    p->shown = true;
    p->shown_ms = now;
}

void convert_progress_end(struct convert_progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
}
