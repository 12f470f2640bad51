/* The same work on many chunks, by as many threads as there are processors. */
#ifndef KEEP_REENCRYPT_WORK_H
#define KEEP_REENCRYPT_WORK_H

#include <stddef.h>

#include "base/fault.h"

enum { WORK_THREADS_MAX = 8 };

typedef enum rc work_chunk(void *of, size_t index, struct fault *why);

/* Calls `chunk` for every index below `count`, each once; the first failure ends it. */
enum rc work_all(work_chunk *chunk, void *of, size_t count, struct fault *why);

#endif
