#include "keep/reencrypt/work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct work {
    work_chunk *chunk;
    void *of;
    size_t count;
    atomic_size_t next;
    pthread_mutex_t lock; /* of the failure */
    enum rc rc;
    struct fault why;
};

static void note(struct work *w, enum rc rc, const struct fault *why)
{
    pthread_mutex_lock(&w->lock);
    if (w->rc == RC_OK) {
        w->rc = rc;
        w->why = *why;
    }
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->next, w->count);
}

static void *run(void *of)
{
    struct work *w = of;
    struct fault why = {0};
    size_t index;

    while ((index = atomic_fetch_add(&w->next, 1)) < w->count) {
        enum rc rc = w->chunk(w->of, index, &why);

        if (rc != RC_OK)
            note(w, rc, &why);
    }
    return NULL;
}

static size_t helpers(size_t count)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = processors > 0 ? (size_t)processors : 1;

    if (threads > WORK_THREADS_MAX)
        threads = WORK_THREADS_MAX;
    return threads < count ? threads - 1 : count - 1;
}

enum rc work_all(work_chunk *chunk, void *of, size_t count, struct fault *why)
{
    struct work w = {.chunk = chunk, .of = of, .count = count};
    pthread_t threads[WORK_THREADS_MAX];
    size_t started = 0, wanted = count > 0 ? helpers(count) : 0;

    pthread_mutex_init(&w.lock, NULL);
    while (started < wanted && pthread_create(&threads[started], NULL, run, &w) == 0)
        started++;
    (void)run(&w); /* whatever could be started, this one works */
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&w.lock);
    return w.rc == RC_OK ? RC_OK : fail(why, w.rc, "%s", w.why.text);
}
