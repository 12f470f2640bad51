/* Contents as a whole: their beginning and end, their header, their keys. */
#include "keep/tree/folder/content.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "keep/tree/folder/content_parts.h"

/* Left over: for those that a crash kept from being counted. */
#define NONCES_SAFETY (UINT64_C(1) << 31)

static struct content *new_content(const struct content_rules *rules)
{
    struct content *c = malloc(sizeof *c);

    if (!c)
        return NULL;
    memset(c, 0, offsetof(struct content, header.content));
    c->rules = rules;
    pthread_rwlock_init(&c->lock, NULL);
    pthread_mutex_init(&c->memory_lock, NULL);
    c->writers = (pthread_mutex_t)PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
    list_init(&c->recent);
    return c;
}

static void free_buckets(struct content *c)
{
    if (c->buckets != c->few_buckets)
        free(c->buckets);
}

void content_begin_blocks(struct content *c)
{
    free_buckets(c);
    c->buckets = c->few_buckets;
    c->buckets_count = FEW_BUCKETS;
    memset(c->few_buckets, 0, sizeof c->few_buckets);
}

/* What is beyond the size of content in the header page is zeros, or was never written. */
static void wipe_header(struct file_header *header)
{
    size_t used = sizeof *header;

    if (header->is_inline && header->size <= FILE_INLINE_MAX)
        used = offsetof(struct file_header, content) + (size_t)header->size;
    wipe(header, used);
}

void content_close(struct content *content)
{
    struct epoch *epoch, *next;

    if (!content)
        return;
    content_drop_pending(content, 0, UINT64_MAX);
    content_free_spare(content);
    content_drop_tags(content, 0);
    free_buckets(content);
    for (epoch = content->epochs; epoch; epoch = next) {
        next = epoch->next;
        aead_close(epoch->aead);
        if (epoch != &content->first_epoch)
            free(epoch);
    }
    pthread_mutex_destroy(&content->writers);
    pthread_mutex_destroy(&content->memory_lock);
    pthread_rwlock_destroy(&content->lock);
    wipe_header(&content->header);
    free(content);
}

/* Opens the key of an epoch, and puts it first. */
static struct aead *add_epoch(struct content *c, const uint8_t *file_key, uint32_t number)
{
    bool is_first = !c->first_epoch.aead;
    struct epoch *epoch = is_first ? &c->first_epoch : malloc(sizeof *epoch);

    if (!epoch)
        return NULL;
    epoch->number = number;
    epoch->aead = folder_keys_epoch(c->rules->keys, file_key, number);
    if (!epoch->aead) {
        if (!is_first)
            free(epoch);
        return NULL;
    }
    epoch->next = atomic_load_explicit(&c->epochs, memory_order_relaxed);
    atomic_store_explicit(&c->epochs, epoch, memory_order_release);
    return epoch->aead;
}

static struct aead *find_epoch(struct content *c, uint32_t number)
{
    struct epoch *epoch = atomic_load_explicit(&c->epochs, memory_order_acquire);

    while (epoch && epoch->number != number)
        epoch = epoch->next;
    return epoch ? epoch->aead : NULL;
}

struct aead *content_epoch(struct content *c, uint32_t number)
{
    uint8_t file_key[FOLDER_FILE_KEY];
    struct aead *aead = find_epoch(c, number);

    if (aead)
        return aead;
    pthread_mutex_lock(&c->memory_lock);
    aead = find_epoch(c, number);
    if (!aead && file_header_key(&c->header, c->rules->keys, number, file_key))
        aead = add_epoch(c, file_key, number);
    pthread_mutex_unlock(&c->memory_lock);
    wipe(file_key, sizeof file_key);
    return aead;
}

int content_take_nonces(struct content *c, uint64_t count)
{
    uint64_t most = c->rules->nonces_max;

    c->header_dirty = true;
    if (c->nonces + count <= (most > 0 ? most : FILE_NONCES_MAX - NONCES_SAFETY)) {
        c->nonces += count;
        return 0;
    }
    if (!content_epoch(c, c->header.epoch + 1))
        return -ENOMEM;
    c->header.epoch++;
    c->nonces = count;
    return 0;
}

int content_write_header(struct content *c, int fd)
{
    alignas(ALIGNED) uint8_t page[FOLDER_PAGE];
    struct aead *aead = content_epoch(c, c->header.epoch);
    int error;

    c->header.nonces = ++c->nonces;
    if (!aead || !file_header_seal(&c->header, aead, page))
        return -ENOMEM;
    error = disk_write_all(c->rules->disk, fd, page, sizeof page, 0);
    if (error == 0) {
        c->header_dirty = false;
        c->unwritten = false;
    }
    return error;
}

/* Reads the page, and with the key in it the rest of it. */
static int read_header(struct content *c, int fd)
{
    alignas(ALIGNED) uint8_t page[FOLDER_PAGE], file_key[FOLDER_FILE_KEY];
    struct iovec part = {page, sizeof page};
    ssize_t got = c->rules->disk->read(fd, &part, 1, 0);
    struct aead *aead = NULL;

    if (got <= 0)
        return got < 0 ? (int)got : -ENOENT;
    if (got != sizeof page || !file_header_unwrap(&c->header, c->rules->keys, page, file_key))
        return -EIO;
    aead = add_epoch(c, file_key, c->header.epoch);
    wipe(file_key, sizeof file_key);
    if (!aead)
        return -ENOMEM;
    return file_header_unseal(&c->header, aead, page) ? 0 : -EIO;
}

int content_load(struct content **out, const struct content_rules *rules, int fd)
{
    struct content *c = new_content(rules);
    int error = c ? read_header(c, fd) : -ENOMEM;

    if (error == 0 && c->header.is_renewing && !rules->renews)
        error = -EIO; /* an old state of the file: who put it back may have its earlier key */
    if (error != 0) {
        content_close(c);
        return error;
    }
    if (!c->header.is_inline)
        content_begin_blocks(c);
    c->durable = true;
    c->durable_size = c->header.size;
    c->nonces = c->header.nonces;
    *out = c;
    return 0;
}

int content_make(struct content **out, const struct content_rules *rules,
                 const uint8_t tag[FOLDER_TAG])
{
    struct content *c = new_content(rules);
    uint8_t file_key[FOLDER_FILE_KEY];
    bool made =
        c && file_header_new(&c->header, rules->keys, file_key) && add_epoch(c, file_key, 0);

    wipe(file_key, sizeof file_key);
    if (!made) {
        content_close(c);
        return -ENOMEM;
    }
    c->trimmed = c->header_dirty = true;
    c->unwritten = true;
    c->header.bindings.count = 1;
    memcpy(c->header.bindings.tags[0], tag, FOLDER_TAG);
    *out = c;
    return 0;
}

int content_create(struct content **out, const struct content_rules *rules, int fd,
                   const uint8_t tag[FOLDER_TAG])
{
    struct content *c;
    int error = content_make(&c, rules, tag);

    if (error == 0 && (error = content_write_header(c, fd)) != 0)
        content_close(c);
    else if (error == 0)
        *out = c;
    return error;
}

bool content_is_unwritten(const struct content *content)
{
    return content->unwritten;
}

uint64_t content_size(struct content *content)
{
    uint64_t size;

    pthread_rwlock_rdlock(&content->lock);
    size = content->header.size;
    pthread_rwlock_unlock(&content->lock);
    return size;
}

const uint8_t *content_id(const struct content *content)
{
    return content->header.id;
}

bool content_is_bound(struct content *content, const uint8_t tag[FOLDER_TAG])
{
    bool bound;

    pthread_rwlock_rdlock(&content->lock);
    bound = bindings_allow(&content->header.bindings, tag);
    pthread_rwlock_unlock(&content->lock);
    return bound;
}

bool content_is_unbound(struct content *content)
{
    bool unbound;

    pthread_rwlock_rdlock(&content->lock);
    unbound = content->header.bindings.count == 0;
    pthread_rwlock_unlock(&content->lock);
    return unbound;
}

static void change_bindings(struct bindings *b, const struct content_binding *to)
{
    if (to->only && b->count == 0 && !to->rebind)
        return;
    *b = (struct bindings){.count = !to->only ? 0 : to->also ? 2 : 1};
    if (to->only)
        memcpy(b->tags[0], to->only, FOLDER_TAG);
    if (to->also)
        memcpy(b->tags[1], to->also, FOLDER_TAG);
}

bool content_is_durable(struct content *content)
{
    bool durable;

    pthread_rwlock_rdlock(&content->lock);
    durable = content->durable;
    pthread_rwlock_unlock(&content->lock);
    return durable;
}

int content_bind(struct content *content, int fd, const struct content_binding *binding)
{
    struct content *c = content;
    struct bindings before;
    int error;

    pthread_rwlock_wrlock(&c->lock);
    before = c->header.bindings;
    change_bindings(&c->header.bindings, binding);
    c->header_dirty = true;
    error = content_commit_all(
        c, fd, binding->urgent && !c->rules->fast && (c->durable || binding->always));
    if (error != 0) { /* the disk may have either */
        c->header.bindings = before;
        c->header_dirty = true;
    }
    pthread_rwlock_unlock(&c->lock);
    return error;
}

static bool wrap_anew(struct content *c, const struct content_rules *rules)
{
    uint8_t file_key[FOLDER_FILE_KEY];
    bool good = file_header_key(&c->header, c->rules->keys, c->header.epoch, file_key);

    if (good && rules->renews) {
        good = file_header_renew(&c->header, rules->keys, file_key);
        c->nonces = 0;
    } else if (good) {
        good = file_header_wrap(&c->header, rules->keys, file_key);
    }
    wipe(file_key, sizeof file_key);
    return good;
}

int content_rewrap(struct content *c, int fd, const struct content_rules *rules,
                   const uint8_t tag[FOLDER_TAG])
{
    int error = 0;

    if (rules->renews && !c->header.is_inline &&
        (error = content_fit_ranges(c, fd, FILE_RANGES_RENEWING)) == 0 && c->header_dirty)
        error = content_commit_all(c, fd, true);
    if (error != 0)
        return error;
    if (!wrap_anew(c, rules))
        return -EIO;
    c->rules = rules;
    if (c->header.bindings.count > 0) {
        c->header.bindings = (struct bindings){.count = 1};
        memcpy(c->header.bindings.tags[0], tag, FOLDER_TAG);
    }
    return content_write_header(c, fd);
}
