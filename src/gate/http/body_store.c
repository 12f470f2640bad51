#include "gate/http/body_store.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/http/temp_file.h"

enum { SIZE_FIRST = 8 * 1024 };

static enum rc write_all(int fd, struct span bytes, struct fault *why)
{
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.at, bytes.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(why, RC_IO, "write() to a temporary file failed (%d: %s)", errno,
                        strerror(errno));
        span_cut(&bytes, (uint64_t)done);
    }
    return RC_OK;
}

static enum rc open_file(struct body_store *store, const struct body_store_place *place,
                         struct fault *why)
{
    enum rc rc = place->named ? temp_file_open_named(place->directory, place->levels,
                                                     &store->fd, &store->path, why)
                              : temp_file_open(place->directory, &store->fd, why);

    store->has_file = rc == RC_OK;
    store->keeps = place->keeps;
    return rc;
}

static enum rc move_to_file(struct body_store *store, const struct body_store_place *place,
                            struct fault *why)
{
    enum rc rc = open_file(store, place, why);

    if (rc == RC_OK)
        rc = write_all(store->fd, span_of(store->at, (size_t)store->total), why);
    free(store->at);
    store->at = NULL;
    store->size = 0;
    return rc;
}

static enum rc make_room(struct body_store *store, size_t more, uint64_t most)
{
    size_t size = store->size ? store->size : SIZE_FIRST;
    uint8_t *at;

    while (size < store->total + more)
        size *= 2;
    if (size > most && most >= store->total + more)
        size = (size_t)most;
    if (size == store->size)
        return RC_OK;
    if (!(at = realloc(store->at, size)))
        return RC_MEMORY;
    store->at = at;
    store->size = size;
    return RC_OK;
}

enum rc body_store_add(struct body_store *store, const struct body_store_place *place,
                       struct span bytes, struct fault *why)
{
    enum rc rc = RC_OK;

    if (bytes.len == 0)
        return RC_OK;
    if (!store->has_file && (place->named || store->total + bytes.len > place->memory))
        rc = move_to_file(store, place, why);
    if (rc == RC_OK && store->has_file)
        rc = write_all(store->fd, bytes, why);
    else if (rc == RC_OK && (rc = make_room(store, bytes.len, place->memory)) == RC_OK)
        memcpy(store->at + store->total, bytes.at, bytes.len);
    if (rc == RC_OK)
        store->total += bytes.len;
    return rc;
}

enum rc body_store_end(struct body_store *store, const struct body_store_place *place,
                       struct fault *why)
{
    return place->named && !store->has_file ? move_to_file(store, place, why) : RC_OK;
}

enum rc body_store_read(const struct body_store *store, uint64_t offset, void *scratch,
                        size_t size, struct span *bytes)
{
    ssize_t got;

    if (!store->has_file) {
        *bytes = span_of(store->at + offset, (size_t)(store->total - offset));
        bytes->len = bytes->len < size ? bytes->len : size;
        return RC_OK;
    }
    if (size > store->total - offset)
        size = (size_t)(store->total - offset);
    do
        got = pread(store->fd, scratch, size, (off_t)offset);
    while (got < 0 && errno == EINTR);
    *bytes = span_of(scratch, got > 0 ? (size_t)got : 0);
    return got > 0 ? RC_OK : RC_IO;
}

void body_store_clear(struct body_store *store)
{
    free(store->at);
    if (store->has_file)
        close(store->fd);
    if (store->path && !store->keeps)
        unlink(store->path);
    free(store->path);
    *store = (struct body_store){0};
}
