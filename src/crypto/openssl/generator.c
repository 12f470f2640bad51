#include "crypto/generator.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "crypto/random.h"

enum {
    KEY = 32,
    RUN = 4096 - KEY,    /* bytes that are made at once */
    BYTES_MAX = 1 << 20, /* before the kernel is asked again; so the next */
    SECONDS_MAX = 60,
    PAGE = 4096,
};

/* The key, and behind it what was made and not yet given out. */
static struct secret pool;
static size_t used = RUN, given = BYTES_MAX;
static time_t seeded;
static bool
    *owned; /* true where `pool` is this process's: a fork inherits no pool, and zeros here */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* NULL with errno. */
static bool *make_owned(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, PAGE, MADV_WIPEONFORK) == 0)
        return page;
    munmap(page, PAGE);
    return NULL;
}

static enum rc seed(struct fault *why)
{
    enum rc rc;

    if (!owned && !(owned = make_owned()))
        return fail_errno(why, RC_MEMORY, "no memory for random bytes");
    if (!*owned) {
        pool = (struct secret){0}; /* another's: it is not mapped here */
        if ((rc = secret_alloc(&pool, KEY + RUN, why)) != RC_OK)
            return rc;
        *owned = true;
    }
    if ((rc = random_bytes(pool.at, KEY, why)) != RC_OK)
        return rc;
    given = 0;
    seeded = time(NULL);
    return RC_OK;
}

/* Key and run alike are overwritten by the stream under the old key. */
static enum rc make_run(struct fault *why)
{
    static const uint8_t iv[16];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done;
    int len;

    done = context && EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, pool.at, iv) == 1;
    memset(pool.at, 0, KEY + RUN);
    done = done && EVP_EncryptUpdate(context, pool.at, &len, pool.at, KEY + RUN) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!done) {
        given = BYTES_MAX; /* no key is left */
        return fail(why, RC_MEMORY, "no memory for random bytes");
    }
    used = 0;
    given += RUN;
    return RC_OK;
}

static enum rc refill(struct fault *why)
{
    bool due = !owned || !*owned || given >= BYTES_MAX || time(NULL) - seeded >= SECONDS_MAX;
    enum rc rc = due ? seed(why) : RC_OK;

    return rc == RC_OK ? make_run(why) : rc;
}

static enum rc take(uint8_t *at, size_t len, struct fault *why)
{
    if (!owned || !*owned)
        used = RUN;
    while (len > 0) {
        size_t part;
        enum rc rc;

        if (used == RUN && (rc = refill(why)) != RC_OK)
            return rc;
        part = RUN - used < len ? RUN - used : len;
        memcpy(at, pool.at + KEY + used, part);
        wipe(pool.at + KEY + used, part);
        used += part;
        at += part;
        len -= part;
    }
    return RC_OK;
}

enum rc generator_bytes(void *at, size_t len, struct fault *why)
{
    enum rc rc;

    pthread_mutex_lock(&lock);
    rc = take(at, len, why);
    pthread_mutex_unlock(&lock);
    return rc;
}
