#include "gate/tls/tls_pair_cache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/list.h"

enum { DIGEST = 32, BUCKETS_MAX = 1 << 14 };

struct entry {
    struct list all; /* in the cache's list, the one that was asked for last in front */
    struct entry *next;
    uint8_t digest[DIGEST]; /* of both words: keys may stand in them */
    uint64_t read_ms, used_ms;
    struct tls_pair pair;
};

struct tls_pair_cache {
    pthread_mutex_t lock;
    size_t max, count;
    uint64_t inactive_ms, valid_ms;
    struct list all;
    size_t buckets_count; /* a power of two */
    struct entry *buckets[];
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum rc tls_pair_cache_open(struct tls_pair_cache **out, size_t max, uint64_t inactive_ms,
                            uint64_t valid_ms)
{
    struct tls_pair_cache *cache;
    size_t buckets = 1;

    while (buckets < max && buckets < BUCKETS_MAX)
        buckets *= 2;
    if (!(cache = calloc(1, sizeof *cache + buckets * sizeof *cache->buckets)))
        return RC_MEMORY;
    pthread_mutex_init(&cache->lock, NULL);
    list_init(&cache->all);
    cache->max = max;
    cache->inactive_ms = inactive_ms;
    cache->valid_ms = valid_ms;
    cache->buckets_count = buckets;
    *out = cache;
    return RC_OK;
}

static struct entry **bucket_of(struct tls_pair_cache *cache, const uint8_t digest[DIGEST])
{
    size_t number;

    memcpy(&number, digest, sizeof number);
    return &cache->buckets[number & (cache->buckets_count - 1)];
}

static void forget(struct tls_pair_cache *cache, struct entry *entry)
{
    struct entry **link = bucket_of(cache, entry->digest);

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    list_remove(&entry->all);
    cache->count--;
    tls_pair_clear(&entry->pair);
    free(entry);
}

static struct entry *find(struct tls_pair_cache *cache, const uint8_t digest[DIGEST])
{
    struct entry *entry = *bucket_of(cache, digest);

    while (entry && memcmp(entry->digest, digest, DIGEST) != 0)
        entry = entry->next;
    return entry;
}

/* The caller has its own hold on it. */
static struct tls_pair share(const struct tls_pair *pair)
{
    X509_up_ref(pair->leaf);
    EVP_PKEY_up_ref(pair->key);
    return (struct tls_pair){pair->leaf, X509_chain_up_ref(pair->chain), pair->key};
}

static bool take(struct tls_pair_cache *cache, const uint8_t digest[DIGEST],
                 struct tls_pair *pair)
{
    const uint64_t now = now_ms();
    struct entry *entry;
    bool found;

    pthread_mutex_lock(&cache->lock);
    entry = find(cache, digest);
    found = entry && now - entry->read_ms < cache->valid_ms &&
            now - entry->used_ms < cache->inactive_ms;
    if (found) {
        entry->used_ms = now;
        list_remove(&entry->all);
        list_add(&cache->all, &entry->all);
        *pair = share(&entry->pair);
    } else if (entry) {
        forget(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* What is too old, and what is too much. */
static void make_room(struct tls_pair_cache *cache, uint64_t now)
{
    while (!list_is_empty(&cache->all)) {
        struct entry *oldest = LIST_OWNER(cache->all.prev, struct entry, all);

        if (cache->count < cache->max && now - oldest->used_ms < cache->inactive_ms)
            break;
        forget(cache, oldest);
    }
}

static void put(struct tls_pair_cache *cache, const uint8_t digest[DIGEST],
                const struct tls_pair *pair)
{
    struct entry *entry = calloc(1, sizeof *entry), *other, **bucket;

    if (!entry)
        return; /* it is read again, then */
    memcpy(entry->digest, digest, DIGEST);
    entry->read_ms = entry->used_ms = now_ms();
    entry->pair = share(pair);
    pthread_mutex_lock(&cache->lock);
    if ((other = find(cache, digest))) /* another thread was as fast */
        forget(cache, other);
    make_room(cache, entry->used_ms);
    bucket = bucket_of(cache, digest);
    entry->next = *bucket;
    *bucket = entry;
    list_add(&cache->all, &entry->all);
    cache->count++;
    pthread_mutex_unlock(&cache->lock);
}

static bool digest_of(struct span certificate, struct span key, uint8_t digest[DIGEST])
{
    EVP_MD_CTX *made = EVP_MD_CTX_new();
    bool done = made && EVP_DigestInit_ex(made, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(made, &certificate.len, sizeof certificate.len) == 1 &&
                EVP_DigestUpdate(made, certificate.at, certificate.len) == 1 &&
                EVP_DigestUpdate(made, key.at, key.len) == 1 &&
                EVP_DigestFinal_ex(made, digest, NULL) == 1;

    EVP_MD_CTX_free(made);
    return done;
}

enum rc tls_pair_cache_read(struct tls_pair_cache *cache, struct tls_pair *pair,
                            struct span certificate, struct span key, struct span phrases,
                            struct fault *why)
{
    uint8_t digest[DIGEST];
    enum rc rc;

    if (!cache || !digest_of(certificate, key, digest))
        return tls_pair_read(pair, certificate, key, phrases, why);
    if (take(cache, digest, pair))
        return RC_OK;
    rc = tls_pair_read(pair, certificate, key, phrases, why);
    if (rc == RC_OK)
        put(cache, digest, pair);
    return rc;
}

void tls_pair_cache_close(struct tls_pair_cache *cache)
{
    if (!cache)
        return;
    while (!list_is_empty(&cache->all))
        forget(cache, LIST_OWNER(cache->all.next, struct entry, all));
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}
