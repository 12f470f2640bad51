/*
 * Does to one file, in any order, what programs do to files, and to a copy in memory the same; says
 * where they differ. In the manner of Apple's fsx.
 *
 *     fsx FILE OPERATIONS SEED [SIZE]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMEMBERED = 40, WRITE_MAX = 70000, PAGE = 4096 };

static struct {
    const char *path;
    int fd;
    uint8_t *model, *room;
    size_t size, size_max;
    unsigned long done;
    uint64_t random;
    char history[REMEMBERED][96];
} file;

/* xorshift64: the same seed, the same operations. */
static uint64_t random_below(uint64_t bound)
{
    file.random ^= file.random << 13;
    file.random ^= file.random >> 7;
    file.random ^= file.random << 17;
    return file.random % bound;
}

static void give_up(const char *what)
{
    fprintf(stderr, "fsx: operation %lu: %s: %s\n", file.done, what, strerror(errno));
    for (unsigned long i = file.done >= REMEMBERED ? file.done - REMEMBERED + 1 : 0;
         i <= file.done; i++)
        fprintf(stderr, "  %lu %s\n", i, file.history[i % REMEMBERED]);
    exit(1);
}

static void note(const char *what, size_t at, size_t len)
{
    snprintf(file.history[file.done % REMEMBERED], sizeof *file.history,
             "%s %zu +%zu, size %zu", what, at, len, file.size);
}

static void compare(const uint8_t *got, size_t at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (got[i] != file.model[at + i]) {
            errno = EILSEQ;
            fprintf(stderr, "fsx: byte %zu is 0x%02x, not 0x%02x\n", at + i, got[i],
                    file.model[at + i]);
            give_up("the file differs");
        }
}

static void check_size(void)
{
    struct stat about;

    if (fstat(file.fd, &about) < 0)
        give_up("fstat");
    if ((size_t)about.st_size != file.size) {
        errno = ERANGE;
        fprintf(stderr, "fsx: the size is %lld, not %zu\n", (long long)about.st_size,
                file.size);
        give_up("the size differs");
    }
}

/* What the model holds beyond its size is zero always. */
static void set_size(size_t size)
{
    if (size < file.size)
        memset(file.model + size, 0, file.size - size);
    file.size = size;
}

static void fill(uint8_t *at, size_t len)
{
    uint8_t byte = (uint8_t)random_below(256);

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(byte + i * 7);
}

static void read_some(size_t at, size_t len)
{
    ssize_t got, expected = at >= file.size
                                ? 0
                                : (ssize_t)(file.size - at < len ? file.size - at : len);

    note("read", at, len);
    got = pread(file.fd, file.room, len, (off_t)at);
    if (got != expected)
        give_up("read has another length");
    compare(file.room, at, (size_t)got);
}

static void write_some(size_t at, size_t len)
{
    note("write", at, len);
    fill(file.model + at, len);
    if (at + len > file.size)
        file.size = at + len;
    if (pwrite(file.fd, file.model + at, len, (off_t)at) != (ssize_t)len)
        give_up("write");
}

static void append_some(size_t at, size_t len)
{
    int fd;

    (void)at;
    if (file.size + len > file.size_max)
        return;
    note("append", file.size, len);
    fd = open(file.path, O_WRONLY | O_APPEND);
    fill(file.model + file.size, len);
    if (fd < 0 || write(fd, file.model + file.size, len) != (ssize_t)len || close(fd) < 0)
        give_up("append");
    file.size += len;
}

static uint8_t *map(size_t at, size_t len, int protection)
{
    uint8_t *seen = mmap(NULL, len, protection, MAP_SHARED, file.fd, (off_t)at);

    if (seen == MAP_FAILED)
        give_up("mmap");
    return seen;
}

static void map_read(size_t at, size_t len)
{
    uint8_t *seen;

    at -= at % PAGE;
    if (at >= file.size)
        return;
    len = len < file.size - at ? len : file.size - at;
    note("map and read", at, len);
    seen = map(at, len, PROT_READ);
    compare(seen, at, len);
    munmap(seen, len);
}

static void map_write(size_t at, size_t len)
{
    uint8_t *seen;

    at -= at % PAGE;
    if (at >= file.size)
        return;
    len = len < file.size - at ? len : file.size - at;
    note("map and write", at, len);
    seen = map(at, len, PROT_READ | PROT_WRITE);
    fill(file.model + at, len);
    memcpy(seen, file.model + at, len);
    if (random_below(4) == 0 && msync(seen, len, MS_SYNC) < 0)
        give_up("msync");
    munmap(seen, len);
}

static void truncate_it(size_t at, size_t len)
{
    (void)len;
    note("truncate to", at, 0);
    set_size(at);
    if ((random_below(2) ? ftruncate(file.fd, (off_t)at) : truncate(file.path, (off_t)at)) < 0)
        give_up("truncate");
}

static void punch(size_t at, size_t len)
{
    note("punch", at, len);
    if (fallocate(file.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len) <
        0) {
        if (errno != EOPNOTSUPP)
            give_up("punch");
        return;
    }
    if (at < file.size)
        memset(file.model + at, 0, len < file.size - at ? len : file.size - at);
}

static void zero(size_t at, size_t len)
{
    bool keep = random_below(2);

    note(keep ? "zero within" : "zero", at, len);
    if (fallocate(file.fd, FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), (off_t)at,
                  (off_t)len) < 0) {
        if (errno != EOPNOTSUPP)
            give_up("zero");
        return;
    }
    memset(file.model + at, 0, len);
    if (!keep && at + len > file.size)
        file.size = at + len;
}

static void allocate(size_t at, size_t len)
{
    bool keep = random_below(2);

    note(keep ? "allocate behind" : "allocate", at, len);
    if (fallocate(file.fd, keep ? FALLOC_FL_KEEP_SIZE : 0, (off_t)at, (off_t)len) < 0) {
        if (errno != EOPNOTSUPP)
            give_up("allocate");
        return;
    }
    if (!keep && at + len > file.size)
        file.size = at + len;
}

/* Within the file, to where it does not overlap. */
static void copy(size_t at, size_t len)
{
    off_t from = (off_t)at, to = (off_t)random_below(file.size_max - WRITE_MAX);
    size_t left;

    if (at >= file.size)
        return;
    len = len < file.size - at ? len : file.size - at;
    if ((size_t)to < at + len && at < (size_t)to + len)
        return;
    note("copy from", at, len);
    memmove(file.model + to, file.model + at, len);
    if ((size_t)to + len > file.size)
        file.size = (size_t)to + len;
    for (left = len; left > 0;) {
        ssize_t moved = copy_file_range(file.fd, &from, file.fd, &to, left, 0);

        if (moved <= 0)
            give_up("copy");
        left -= (size_t)moved;
    }
}

static void sync_it(size_t at, size_t len)
{
    (void)at;
    (void)len;
    note("sync", 0, 0);
    if ((random_below(2) ? fsync(file.fd) : fdatasync(file.fd)) < 0)
        give_up("fsync");
}

static void reopen(size_t at, size_t len)
{
    (void)at;
    (void)len;
    note("close and open", 0, 0);
    if (close(file.fd) < 0 || (file.fd = open(file.path, O_RDWR)) < 0)
        give_up("open");
}

/* What the kernel keeps of the file in memory is thrown away: it has to ask again. */
static void drop_pages(size_t at, size_t len)
{
    (void)at;
    (void)len;
    note("drop pages", 0, 0);
    if (fdatasync(file.fd) < 0 || posix_fadvise(file.fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        give_up("drop pages");
}

static void move(size_t at, size_t len)
{
    char other[4096];

    (void)at;
    (void)len;
    note("rename", 0, 0);
    snprintf(other, sizeof other, "%s.moved", file.path);
    if (rename(file.path, other) < 0 || rename(other, file.path) < 0)
        give_up("rename");
}

static const struct {
    void (*run)(size_t at, size_t len);
    unsigned weight;
} operations[] = {{read_some, 20}, {write_some, 20}, {append_some, 3}, {map_read, 8},
                  {map_write, 8},  {truncate_it, 6}, {punch, 6},       {zero, 3},
                  {allocate, 4},   {copy, 4},        {sync_it, 1},     {reopen, 3},
                  {drop_pages, 2}, {move, 1}};

static void step(void)
{
    unsigned turn, total = 0;
    /* Ends of blocks and pages are where mistakes are. */
    size_t at = random_below(file.size_max - WRITE_MAX), len = 1 + random_below(WRITE_MAX);

    if (random_below(3) == 0)
        at -= at % PAGE;
    if (random_below(3) == 0)
        len = 1 + len % 200;
    else if (random_below(3) == 0)
        len += PAGE - len % PAGE - (len + PAGE > WRITE_MAX ? PAGE : 0);
    if (len == 0 || len > WRITE_MAX)
        len = 1;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        total += operations[i].weight;
    turn = (unsigned)random_below(total);
    for (size_t i = 0;; i++) {
        if (turn < operations[i].weight) {
            operations[i].run(at, len);
            break;
        }
        turn -= operations[i].weight;
    }
    check_size();
}

int main(int argc, char **argv)
{
    unsigned long count;

    if (argc < 4) {
        fprintf(stderr, "usage: fsx FILE OPERATIONS SEED [SIZE]\n");
        return 2;
    }
    file.path = argv[1];
    count = strtoul(argv[2], NULL, 10);
    file.random = strtoull(argv[3], NULL, 10) * 2654435761u + 88172645463325252u;
    file.size_max = (argc > 4 ? strtoul(argv[4], NULL, 10) : 600000) + WRITE_MAX;
    file.model = calloc(1, file.size_max + WRITE_MAX);
    file.room = malloc(WRITE_MAX);
    file.fd = open(file.path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (!file.model || !file.room || file.fd < 0)
        give_up("open");
    for (; file.done < count; file.done++)
        step();
    drop_pages(0, 0);
    for (size_t at = 0; at < file.size; at += WRITE_MAX)
        read_some(at, WRITE_MAX);
    printf("%lu operations without a difference\n", file.done);
    return 0;
}
