#include "turns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void turns_need(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
        exit(1);
    }
}

double turns_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double turns_median(const double *seconds, int rounds)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, seconds, sizeof *sorted * (size_t)rounds);
    qsort(sorted, (size_t)rounds, sizeof *sorted, compare);
    return sorted[rounds / 2];
}

void turns_show_ratio(const double *mine, const double *other, int rounds)
{
    double ratio[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++)
        ratio[i] = other[i] / mine[i];
    qsort(ratio, (size_t)rounds, sizeof *ratio, compare);
    printf("  %5.2f [%5.2f..%5.2f]", ratio[rounds / 2], ratio[0], ratio[rounds - 1]);
}
