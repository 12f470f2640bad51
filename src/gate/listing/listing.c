#include "gate/listing/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum rc add(struct listing *listing, const char *name, const struct stat *stat)
{
    struct listing_entry *entries = listing->entries;

    if ((listing->count & (listing->count - 1)) == 0) { /* 0 or a power of two: full */
        size_t room = listing->count ? 2 * listing->count : 1;

        if (!(entries = reallocarray(entries, room, sizeof *entries)))
            return RC_MEMORY;
        listing->entries = entries;
    }
    entries[listing->count] = (struct listing_entry){.name = strdup(name),
                                                     .is_directory = S_ISDIR(stat->st_mode),
                                                     .is_file = S_ISREG(stat->st_mode),
                                                     .size = (uint64_t)stat->st_size,
                                                     .modified = stat->st_mtime};
    return entries[listing->count++].name ? RC_OK : RC_MEMORY;
}

static enum rc add_all(struct listing *listing, DIR *folder)
{
    const struct dirent *each;
    enum rc rc = RC_OK;

    while (rc == RC_OK && (each = readdir(folder))) {
        struct stat stat;

        if (each->d_name[0] == '.')
            continue;
        if (fstatat(dirfd(folder), each->d_name, &stat, 0) != 0 &&
            fstatat(dirfd(folder), each->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* it has gone, or nobody may know */
        rc = add(listing, each->d_name, &stat);
    }
    return rc;
}

static int compare(const void *one, const void *other)
{
    const struct listing_entry *a = one, *b = other;

    if (a->is_directory != b->is_directory)
        return a->is_directory ? -1 : 1;
    return strcmp(a->name, b->name);
}

enum rc listing_read(struct listing *listing, const char *path, struct fault *why)
{
    DIR *folder = opendir(path);
    enum rc rc;

    *listing = (struct listing){0};
    if (!folder) {
        const int error = errno;

        rc = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ? RC_NOT_FOUND
             : error == EACCES                                            ? RC_DENIED
                                                                          : RC_IO;
        return fail(why, rc, "opendir() \"%s\" failed (%d: %s)", path, error, strerror(error));
    }
    rc = add_all(listing, folder);
    closedir(folder);
    if (rc != RC_OK) {
        listing_clear(listing);
        return fail(why, rc, "no memory for the names in \"%s\"", path);
    }
    if (listing->count > 0)
        qsort(listing->entries, listing->count, sizeof *listing->entries, compare);
    return RC_OK;
}

void listing_clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].name);
    free(listing->entries);
    *listing = (struct listing){0};
}

const struct listing_entry *listing_choose(const struct listing *listing, uint64_t chance)
{
    size_t files = 0;

    for (size_t i = 0; i < listing->count; i++)
        files += listing->entries[i].is_file;
    if (files == 0)
        return NULL;
    chance %= files;
    for (size_t i = 0; i < listing->count; i++)
        if (listing->entries[i].is_file && chance-- == 0)
            return &listing->entries[i];
    return NULL;
}
