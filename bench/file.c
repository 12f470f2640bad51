/*
 * One kind of work on one file, and how long it took:
 *
 *     bench-file PATH WORK MEGABYTES
 *
 * Prints the number of bytes moved and nanoseconds. The pages of the file are dropped before.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, SMALL = 4096, THREADS_MAX = 16 };

struct work {
    const char *name;
    bool writes, direct, random;
    unsigned threads;
    unsigned small_count; /* of a random work, all threads together */
};

static const struct work works[] = {
    {"write", true, false, false, 1, 0},
    {"read", false, false, false, 1, 0},
    {"direct-read", false, true, false, 1, 0},
    {"direct-write", true, true, false, 1, 0},
    {"random-read", false, true, true, 1, 8000},
    {"random-write", true, true, true, 1, 8000},
    {"random-read-16", false, true, true, 16, 32000},
    {"random-write-16", true, true, true, 16, 32000},
};

struct worker {
    const struct work *work;
    pthread_t thread;
    int fd;
    uint64_t size;
    uint64_t chance;
    uint8_t *buffer;
};

static void give_up(const char *what)
{
    fprintf(stderr, "bench-file: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* xorshift64 */
static uint64_t next(uint64_t *chance)
{
    *chance ^= *chance << 13;
    *chance ^= *chance >> 7;
    *chance ^= *chance << 17;
    return *chance;
}

static void move(struct worker *w, uint64_t at, size_t len)
{
    ssize_t done = w->work->writes ? pwrite(w->fd, w->buffer, len, (off_t)at)
                                   : pread(w->fd, w->buffer, len, (off_t)at);

    if (done != (ssize_t)len)
        give_up(w->work->name);
}

static void *run(void *of)
{
    struct worker *w = of;

    if (w->work->random)
        for (unsigned i = 0; i < w->work->small_count / w->work->threads; i++)
            move(w, next(&w->chance) % (w->size / SMALL) * SMALL, SMALL);
    else
        for (uint64_t at = 0; at < w->size; at += CHUNK)
            move(w, at, CHUNK);
    return NULL;
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *make_buffer(void)
{
    uint8_t *buffer = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (buffer == MAP_FAILED)
        give_up("mmap");
    for (size_t i = 0; i < CHUNK; i++)
        buffer[i] = (uint8_t)(i * 31 + (i >> 9));
    return buffer;
}

static void measure(const struct work *work, const char *path, uint64_t size)
{
    struct worker workers[THREADS_MAX];
    int fd = open(path, O_RDWR | O_CREAT | (work->direct ? O_DIRECT : 0), 0600);
    uint64_t start, moved = work->random ? (uint64_t)work->small_count * SMALL : size;

    if (fd < 0)
        give_up(path);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    for (unsigned i = 0; i < work->threads; i++)
        workers[i] = (struct worker){.work = work,
                                     .fd = fd,
                                     .size = size,
                                     .chance = 0x9E3779B97F4A7C15u * (i + 1),
                                     .buffer = make_buffer()};
    start = now();
    for (unsigned i = 1; i < work->threads; i++)
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
            give_up("pthread_create");
    run(&workers[0]);
    for (unsigned i = 1; i < work->threads; i++)
        pthread_join(workers[i].thread, NULL);
    if (work->writes && fsync(fd) < 0)
        give_up("fsync");
    printf("%llu %llu\n", (unsigned long long)moved, (unsigned long long)(now() - start));
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].name, argv[2]) == 0) {
            measure(&works[i], argv[1], strtoull(argv[3], NULL, 10) << 20);
            return 0;
        }
    return 2;
}
