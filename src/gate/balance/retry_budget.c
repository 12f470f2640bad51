#include "gate/balance/retry_budget.h"

enum { ONE = 1000, EARNED_MAX = 100 * ONE }; /* what quiet times save up for a burst */

void retry_budget_earn(struct retry_budget *budget)
{
    budget->earned += budget->percent * ONE / 100;
    if (budget->earned > EARNED_MAX)
        budget->earned = EARNED_MAX;
}

/* The floor is a bucket that holds one second of it, full at first. */
static void fill(struct retry_budget *budget, uint64_t now_ms)
{
    const uint64_t most = (uint64_t)budget->floor * ONE;
    uint64_t since = now_ms > budget->given_ms ? now_ms - budget->given_ms : 0;

    if (budget->given_ms == 0 || since >= 1000)
        budget->given = most;
    else
        budget->given += since * budget->floor;
    if (budget->given > most)
        budget->given = most;
    if (now_ms > budget->given_ms)
        budget->given_ms = now_ms;
}

bool retry_budget_take(struct retry_budget *budget, uint64_t now_ms)
{
    uint64_t *from;

    if (budget->percent == 0 && budget->floor == 0)
        return true;
    fill(budget, now_ms);
    from = budget->earned >= ONE ? &budget->earned : &budget->given;
    if (*from < ONE) {
        budget->refused++;
        return false;
    }
    *from -= ONE;
    return true;
}
