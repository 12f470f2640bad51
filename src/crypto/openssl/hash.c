#include "crypto/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "crypto/openssl/legacy.h"

/* The library looks a hash up by its name, in twice the time that a short text takes: once for each is enough. */
struct fetched {
    const struct hash *hash;
    EVP_MD *md; /* for as long as the program runs */
    struct fetched *next;
};

static _Atomic(struct fetched *) latest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static EVP_MD *find(const struct hash *hash)
{
    struct fetched *fetched = atomic_load_explicit(&latest, memory_order_acquire);

    while (fetched && fetched->hash != hash)
        fetched = fetched->next;
    return fetched ? fetched->md : NULL;
}

/* With the lock. */
static EVP_MD *add(const struct hash *hash)
{
    struct fetched *fetched = malloc(sizeof *fetched);
    EVP_MD *md = fetched ? EVP_MD_fetch(legacy_context(hash), hash->library, NULL) : NULL;

    if (!md) {
        free(fetched);
        return NULL;
    }
    *fetched = (struct fetched){.hash = hash, .md = md, .next = latest};
    atomic_store_explicit(&latest, fetched, memory_order_release);
    return md;
}

static EVP_MD *fetch(const struct hash *hash)
{
    EVP_MD *md = find(hash);

    if (md)
        return md;
    pthread_mutex_lock(&lock);
    if (!(md = find(hash)))
        md = add(hash);
    pthread_mutex_unlock(&lock);
    return md;
}

enum rc hash_compute(const struct hash *hash, const struct span *pieces, size_t count,
                     uint8_t *out, struct fault *why)
{
    EVP_MD *md = fetch(hash);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = md && context && EVP_DigestInit_ex2(context, md, NULL) == 1;

    for (size_t i = 0; done && i < count; i++)
        done = EVP_DigestUpdate(context, pieces[i].at, pieces[i].len) == 1;
    done = done && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done ? RC_OK
                : fail(why, RC_UNSUPPORTED, "the hash %s is not to be had", hash->name);
}
