#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void wipe(void *at, size_t len)
{
    if (len > 0)
        explicit_bzero(at, len);
}

/* Lays pages of a memfd_secret over [at, at + len); false where the kernel has none for us. */
static bool map_hidden(uint8_t *at, size_t len)
{
#ifdef SYS_memfd_secret
    int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    bool mapped;

    if (fd < 0)
        return false;
    mapped =
        ftruncate(fd, (off_t)len) == 0 &&
        mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
    close(fd);
    return mapped;
#else
    (void)at;
    (void)len;
    return false;
#endif
}

/* Ordinary pages, locked. A failed map_hidden may have left nothing or a mapping: both are replaced. */
static bool map_locked(uint8_t *at, size_t len)
{
    return mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) != MAP_FAILED &&
           mlock(at, len) == 0;
}

enum rc secret_alloc(struct secret *s, size_t len, struct fault *why)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped;
    uint8_t *area;

    secret_clear(s);
    if (len > SIZE_MAX / 2)
        return fail(why, RC_MEMORY, "a secret of %zu bytes is too large", len);
    mapped = (len + page) / page * page; /* one page at least, also for an empty secret */
    area = mmap(NULL, mapped + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return fail_errno(why, RC_MEMORY, "no memory for a secret of %zu bytes", len);
    if (!map_hidden(area + page, mapped) && !map_locked(area + page, mapped)) {
        int cause = errno;

        munmap(area, mapped + 2 * page);
        errno = cause;
        return fail_errno(why, RC_MEMORY,
                          "cannot lock %zu bytes of memory for a secret (raise the limit that "
                          "'ulimit -l' shows)",
                          mapped);
    }
    madvise(area + page, mapped, MADV_DONTDUMP);
    madvise(area + page, mapped, MADV_DONTFORK);
    *s = (struct secret){.at = area + page, .len = len, .mapped = mapped};
    return RC_OK;
}

enum rc secret_copy(struct secret *s, struct span from, struct fault *why)
{
    struct secret copy = {0};
    enum rc rc = secret_alloc(&copy, from.len, why);

    if (rc != RC_OK)
        return rc;
    if (from.len > 0)
        memcpy(copy.at, from.at, from.len);
    secret_clear(s);
    *s = copy;
    return RC_OK;
}

void secret_cut(struct secret *s, size_t len)
{
    if (len >= s->len)
        return;
    wipe(s->at + len, s->len - len);
    s->len = len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    uint8_t differ = 0;

    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        differ |= a->at[i] ^ b->at[i];
    return differ == 0;
}

void secret_clear(struct secret *s)
{
    if (s->at) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);

        wipe(s->at, s->mapped);
        munmap(s->at - page, s->mapped + 2 * page);
    }
    *s = (struct secret){0};
}
