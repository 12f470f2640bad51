/*
 * A timer hangs in the slot named by the highest group of six bits in which its time differs
 * from the wheel's: a slot of level 0 is one millisecond, of level 1 sixty-four, and so on. So
 * all of a lower level is due before anything of a higher one, and within a level the lowest
 * slot is due first. When the wheel reaches a slot of a higher level, its timers move down.
 *
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", scheme 7.
 */
#include "io/timer.h"

#include <limits.h>
#include <stdlib.h>

enum { GROUP = 6, SLOTS = 1 << GROUP, LEVELS = (64 + GROUP - 1) / GROUP };

struct timers {
    uint64_t clock_ms;       /* what timer_set counts from */
    uint64_t wheel_ms;       /* all that was due up to here has fired */
    uint64_t in_use[LEVELS]; /* a bit a slot; may be set for one that has become empty */
    struct list slots[LEVELS][SLOTS];
};

/* A slot, and the first millisecond that belongs to it. */
struct place {
    unsigned level, slot;
    uint64_t from_ms;
};

enum rc timers_open(struct timers **out, uint64_t now_ms)
{
    struct timers *timers = calloc(1, sizeof *timers);

    if (!timers)
        return RC_MEMORY;
    timers->clock_ms = timers->wheel_ms = now_ms;
    for (size_t level = 0; level < LEVELS; level++)
        for (size_t slot = 0; slot < SLOTS; slot++)
            list_init(&timers->slots[level][slot]);
    *out = timers;
    return RC_OK;
}

void timers_close(struct timers *timers)
{
    free(timers);
}

/* timer->at_ms is later than the wheel. */
static void hang(struct timers *timers, struct timer *timer)
{
    uint64_t differs = timer->at_ms ^ timers->wheel_ms;
    unsigned level = (63u - (unsigned)__builtin_clzll(differs)) / GROUP;
    unsigned slot = (unsigned)(timer->at_ms >> level * GROUP) % SLOTS;

    timers->in_use[level] |= UINT64_C(1) << slot;
    list_add_last(&timers->slots[level][slot], &timer->link);
}

void timers_set_now(struct timers *timers, uint64_t now_ms)
{
    if (now_ms > timers->clock_ms)
        timers->clock_ms = now_ms;
}

void timer_set(struct timers *timers, struct timer *timer, uint64_t in_ms)
{
    uint64_t most = UINT64_MAX - timers->clock_ms;

    list_remove(&timer->link);
    if (in_ms == 0)
        in_ms = 1;
    timer->at_ms = timers->clock_ms + (in_ms < most ? in_ms : most);
    hang(timers, timer);
}

void timer_clear(struct timer *timer)
{
    list_remove(&timer->link);
}

/* The slot that is due first; false when no timer is set. Forgets slots that have become
 * empty. */
static bool first_place(struct timers *timers, struct place *place)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        while (timers->in_use[level]) {
            unsigned slot = (unsigned)__builtin_ctzll(timers->in_use[level]);
            uint64_t above = level * GROUP + GROUP < 64
                                 ? timers->wheel_ms >> (level + 1) * GROUP
                                                           << (level + 1) * GROUP
                                 : 0;

            if (!list_is_empty(&timers->slots[level][slot])) {
                *place = (struct place){level, slot, above | (uint64_t)slot << level * GROUP};
                return true;
            }
            timers->in_use[level] &= ~(UINT64_C(1) << slot);
        }
    }
    return false;
}

/* Moves the wheel to the place, and what hangs there down, or fires it. */
static void reach(struct timers *timers, const struct place *place)
{
    struct list due, *slot = &timers->slots[place->level][place->slot];

    /* The timers change their ring; its head becomes `due`, so that fire() may set them anew.
     */
    list_add(slot, &due);
    list_remove(slot);
    list_init(slot);
    timers->in_use[place->level] &= ~(UINT64_C(1) << place->slot);
    timers->wheel_ms = place->from_ms;
    while (!list_is_empty(&due)) {
        struct timer *timer = LIST_OWNER(due.next, struct timer, link);

        list_remove(&timer->link);
        if (timer->at_ms == timers->wheel_ms)
            timer->fire(timer);
        else
            hang(timers, timer);
    }
}

void timers_run(struct timers *timers, uint64_t now_ms)
{
    struct place place;

    timers_set_now(timers, now_ms);
    now_ms = timers->clock_ms;
    while (first_place(timers, &place) && place.from_ms <= now_ms)
        reach(timers, &place);
    timers->wheel_ms = now_ms;
}

int timers_wait_ms(struct timers *timers, uint64_t now_ms)
{
    struct place place;

    if (!first_place(timers, &place))
        return -1;
    if (place.from_ms <= now_ms)
        return 0;
    return place.from_ms - now_ms < INT_MAX ? (int)(place.from_ms - now_ms) : INT_MAX;
}
