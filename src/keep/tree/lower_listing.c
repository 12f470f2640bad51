/* Directories of the file system below, read in large pieces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "keep/tree/lower.h"

bool lower_is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int lower_listing_open(struct lower_listing *listing, int at, const char *name)
{
    listing->next = listing->last = 0;
    listing->used = listing->last_used = listing->len = 0;
    listing->fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return listing->fd < 0 ? -errno : 0;
}

int lower_listing_next(struct lower_listing *listing, uint64_t from, struct lower_name *out)
{
    const struct dirent64 *entry;

    if (from != listing->next && from == listing->last && listing->len > 0) {
        listing->used = listing->last_used;
        listing->next = from;
    } else if (from != listing->next || from == 0) {
        bool is_there = from == 0 && listing->len == 0; /* nothing was read yet */

        if (!is_there && lseek(listing->fd, (off_t)from, SEEK_SET) < 0)
            return -errno;
        listing->next = from;
        listing->used = listing->len = 0;
    }
    if (listing->used == listing->len) {
        ssize_t got = getdents64(listing->fd, listing->bytes, sizeof listing->bytes);

        if (got <= 0)
            return got < 0 ? -errno : 0;
        listing->used = 0;
        listing->len = (size_t)got;
    }
    listing->last = listing->next;
    listing->last_used = listing->used;
    entry = (const struct dirent64 *)(const void *)(listing->bytes + listing->used);
    listing->used += entry->d_reclen;
    listing->next = (uint64_t)entry->d_off;
    *out = (struct lower_name){.text = entry->d_name,
                               .inode = entry->d_ino,
                               .type = DTTOIF(entry->d_type),
                               .next = listing->next};
    return 1;
}

int lower_listing_names(int fd, struct text *names)
{
    struct lower_listing *listing = malloc(sizeof *listing);
    struct lower_name name;
    uint64_t from = 0;
    int got = listing ? lower_listing_open(listing, fd, ".") : -ENOMEM;

    if (got < 0) {
        free(listing);
        return got;
    }
    while ((got = lower_listing_next(listing, from, &name)) > 0) {
        from = name.next;
        if (!lower_is_dots(name.text))
            text_add(names, span_of(name.text, strlen(name.text) + 1));
    }
    close(listing->fd);
    free(listing);
    return got < 0 ? got : text_ok(names) ? 0 : -ENOMEM;
}
