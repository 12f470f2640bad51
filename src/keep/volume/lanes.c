#include "keep/volume/lanes.h"

#include <sys/mman.h>

#include "base/secret.h"

enum rc lanes_init(struct lanes *lanes, struct fault *why)
{
    size_t size = (size_t)LANES * LANE_ROOM;
    uint8_t *rooms = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (rooms == MAP_FAILED)
        return fail_errno(why, RC_MEMORY, "no memory for %d lanes", LANES);
    mlock(rooms, size); /* where it is permitted; they hold plain data on its way */
    madvise(rooms, size, MADV_DONTDUMP);
    pthread_mutex_init(&lanes->lock, NULL);
    pthread_cond_init(&lanes->freed, NULL);
    lanes->rooms = rooms;
    for (size_t i = 0; i < LANES; i++)
        lanes->lane[i].room = rooms + i * LANE_ROOM;
    return RC_OK;
}

/* The lane to use, or NULL when it must wait: for a lane, or for one that overlaps. */
static struct lane *find(struct lanes *lanes, uint64_t first, uint64_t end, bool writes)
{
    struct lane *found = NULL;

    for (struct lane *lane = lanes->lane; lane < lanes->lane + LANES; lane++) {
        if (lane->end == 0)
            found = lane;
        else if ((writes || lane->writes) && first < lane->end && lane->first < end)
            return NULL;
    }
    return found;
}

struct lane *lanes_take(struct lanes *lanes, uint64_t first, uint64_t end, bool writes)
{
    struct lane *lane;

    pthread_mutex_lock(&lanes->lock);
    while (!(lane = find(lanes, first, end, writes)))
        pthread_cond_wait(&lanes->freed, &lanes->lock);
    lane->first = first;
    lane->end = end;
    lane->writes = writes;
    pthread_mutex_unlock(&lanes->lock);
    return lane;
}

void lanes_give(struct lanes *lanes, struct lane *lane)
{
    pthread_mutex_lock(&lanes->lock);
    lane->end = 0;
    pthread_cond_broadcast(&lanes->freed);
    pthread_mutex_unlock(&lanes->lock);
}

void lanes_clear(struct lanes *lanes)
{
    size_t size = (size_t)LANES * LANE_ROOM;

    if (!lanes->rooms)
        return;
    wipe(lanes->rooms, size);
    munmap(lanes->rooms, size);
    pthread_cond_destroy(&lanes->freed);
    pthread_mutex_destroy(&lanes->lock);
    *lanes = (struct lanes){0};
}
