/* Those who take turns in a round: their CPU time, and ratios taken within the round. */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include <stdbool.h>

enum { ROUNDS_MAX = 101 };

/* Where it is not done, says what is wrong, and ends. */
void turns_need(bool done, const char *what);

/* Of this thread, in seconds. */
double turns_now(void);

double turns_median(const double *seconds, int rounds);

/* Prints how many times faster `mine` was than `other`: median [least..greatest] over the rounds. */
void turns_show_ratio(const double *mine, const double *other, int rounds);

#endif
