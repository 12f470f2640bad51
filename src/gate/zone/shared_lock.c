#include "gate/zone/shared_lock.h"

#include <errno.h>

void shared_lock_open(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

bool shared_lock_take(pthread_mutex_t *lock)
{
    if (pthread_mutex_lock(lock) != EOWNERDEAD)
        return false;
    pthread_mutex_consistent(lock);
    return true;
}
