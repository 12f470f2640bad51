#include "keep/tree/folder/scratch.h"

#include <pthread.h>
#include <stdlib.h>

#include "keep/tree/folder/content_parts.h"

enum { KEPT = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *kept[KEPT];
static unsigned count;

uint8_t *scratch_take(void)
{
    uint8_t *scratch = NULL;

    pthread_mutex_lock(&lock);
    if (count > 0)
        scratch = kept[--count];
    pthread_mutex_unlock(&lock);
    return scratch ? scratch : aligned_alloc(FOLDER_PAGE, GROUP_BYTES);
}

void scratch_give(uint8_t *scratch)
{
    pthread_mutex_lock(&lock);
    if (count < KEPT) {
        kept[count++] = scratch;
        scratch = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(scratch);
}
