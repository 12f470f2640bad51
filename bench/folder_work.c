/*
 * One piece of work in a directory, timed: prints how many units it did, the seconds it took, and
 * the microseconds of CPU of this process.
 *
 *     folder_work WORK DIRECTORY COUNT
 *     folder_work WORK DIRECTORY COUNT prepare    what has to be so before, untimed
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, SMALL = 4096, THREADS = 16, TINY = 1024, FOLDERS = 10 };

static unsigned long count;
static unsigned char *buffer;

static void die(const char *what)
{
    fprintf(stderr, "folder_work: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int open_big(int flags)
{
    int fd = open("big", flags | O_CREAT, 0600);

    if (fd < 0)
        die("big");
    return fd;
}

/* The pages of this mount; what is below keeps its own. */
static void forget_pages(int fd)
{
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void prepare_nothing(void)
{
}

static void prepare_cold(void)
{
    int fd = open_big(O_RDWR);

    forget_pages(fd);
    close(fd);
}

static void write_all(int flags)
{
    int fd = open_big(O_WRONLY | flags);

    for (unsigned long i = 0; i < count; i++)
        if (pwrite(fd, buffer, CHUNK, (off_t)(i * CHUNK)) != CHUNK)
            die("write");
    if (close(fd) < 0)
        die("close");
}

static void read_all(int flags)
{
    int fd = open_big(O_RDONLY | flags);

    for (unsigned long i = 0; i < count; i++)
        if (pread(fd, buffer, CHUNK, (off_t)(i * CHUNK)) != CHUNK)
            die("read");
    close(fd);
}

static void sequential_write(void)
{
    write_all(O_TRUNC);
}

static void sequential_read(void)
{
    read_all(0);
}

static void direct_write(void)
{
    write_all(O_DIRECT);
}

static void direct_read(void)
{
    read_all(O_DIRECT);
}

/* `count` is how many; the file is as large as it was written. */
static void random_some(int flags, unsigned long how_many, uint64_t seed, int write, void *at)
{
    int fd = open_big((write ? O_RDWR : O_RDONLY) | flags);
    struct stat about;
    uint64_t state = seed * 2654435761u + 88172645463325252u;

    if (fstat(fd, &about) < 0 || about.st_size < SMALL)
        die("big");
    for (unsigned long i = 0; i < how_many; i++) {
        off_t offset = (off_t)(random_of(&state) % (uint64_t)(about.st_size / SMALL)) * SMALL;

        if ((write ? pwrite(fd, at, SMALL, offset) : pread(fd, at, SMALL, offset)) != SMALL)
            die(write ? "write" : "read");
    }
    if (close(fd) < 0)
        die("close");
}

static uint64_t seed(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec + 1;
}

static void random_read(void)
{
    random_some(0, count, seed(), 0, buffer);
}

static void random_write(void)
{
    random_some(0, count, seed(), 1, buffer);
}

static void random_direct_write(void)
{
    random_some(O_DIRECT, count, seed(), 1, buffer);
}

static void *one_thread(void *of)
{
    size_t which = (size_t)(uintptr_t)of;

    random_some(O_DIRECT, count / THREADS, seed() + which * 7919, 0, buffer + which * SMALL);
    return NULL;
}

static void random_direct_read_16(void)
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, one_thread, (void *)i);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void small_name(char out[64], unsigned long i)
{
    snprintf(out, 64, "small/%lu/a small file %lu", i % FOLDERS, i);
}

static void make_folders(void)
{
    char name[64];

    mkdir("small", 0700);
    for (int i = 0; i < FOLDERS; i++) {
        snprintf(name, sizeof name, "small/%d", i);
        mkdir(name, 0700);
    }
}

static void create_small(void)
{
    char name[64];

    for (unsigned long i = 0; i < count; i++) {
        int fd;

        small_name(name, i);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0 || write(fd, buffer, TINY) != TINY || close(fd) < 0)
            die(name);
    }
}

/* So that the contents come from the file system, and not from this mount's pages. */
static void forget_small(void)
{
    char name[64];

    for (unsigned long i = 0; i < count; i++) {
        int fd;

        small_name(name, i);
        fd = open(name, O_RDONLY);
        if (fd < 0)
            die(name);
        forget_pages(fd);
        close(fd);
    }
}

static void read_small(void)
{
    char name[64];

    for (unsigned long i = 0; i < count; i++) {
        int fd;

        small_name(name, i);
        fd = open(name, O_RDONLY);
        if (fd < 0 || read(fd, buffer, SMALL) != TINY)
            die(name);
        close(fd);
    }
}

static void stat_small(void)
{
    struct stat about;
    char name[64];

    for (unsigned long i = 0; i < count; i++) {
        small_name(name, i);
        if (stat(name, &about) < 0)
            die(name);
    }
}

static void list_small(void)
{
    char name[64];

    count = 0;
    for (int i = 0; i < FOLDERS; i++) {
        DIR *directory;

        snprintf(name, sizeof name, "small/%d", i);
        directory = opendir(name);
        if (!directory)
            die(name);
        while (readdir(directory))
            count++;
        closedir(directory);
    }
}

static void unlink_small(void)
{
    char name[64];

    for (unsigned long i = 0; i < count; i++) {
        small_name(name, i);
        if (unlink(name) < 0)
            die(name);
    }
}

static const struct {
    const char *name;
    void (*prepare)(void), (*run)(void);
} works[] = {
    {"sequential-write", prepare_nothing, sequential_write},
    {"sequential-read", prepare_cold, sequential_read},
    {"direct-write", prepare_cold, direct_write},
    {"direct-read", prepare_cold, direct_read},
    {"random-read", prepare_cold, random_read},
    {"random-read-16", prepare_cold, random_direct_read_16},
    {"random-write", prepare_cold, random_write},
    {"random-direct-write", prepare_cold, random_direct_write},
    {"create-small", make_folders, create_small},
    {"read-small", forget_small, read_small},
    {"stat", stat_small, stat_small},
    {"readdir", prepare_nothing, list_small},
    {"unlink", prepare_nothing, unlink_small},
};

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double cpu(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

static void measure(size_t which)
{
    struct timespec start, end;
    double before;

    before = cpu();
    clock_gettime(CLOCK_MONOTONIC, &start);
    works[which].run();
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%lu %.6f %.0f\n", count,
           (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9,
           (cpu() - before) * 1e6);
}

int main(int argc, char **argv)
{
    int prepares = argc == 5 && strcmp(argv[4], "prepare") == 0;

    if ((argc != 4 && !prepares) || chdir(argv[2]) < 0) {
        fprintf(stderr, "usage: folder_work WORK DIRECTORY COUNT [prepare]\n");
        return 2;
    }
    count = strtoul(argv[3], NULL, 10);
    if (posix_memalign((void **)&buffer, SMALL, CHUNK) != 0)
        die("memory");
    for (size_t i = 0; i < CHUNK; i++)
        buffer[i] = (unsigned char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].name, argv[1]) == 0) {
            if (prepares)
                works[i].prepare();
            else
                measure(i);
            return 0;
        }
    fprintf(stderr, "folder_work: no work is called %s\n", argv[1]);
    return 2;
}
