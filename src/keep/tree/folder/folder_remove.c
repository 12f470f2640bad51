/* Taking names away, and giving them to others. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

/* Not the folder's own and not a leftover: an entry, or something foreign, which nobody loses. */
static bool is_entry(const char *text)
{
    return strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
           strcmp(text, NAME_DIRECTORY) != 0 &&
           strncmp(text, NAME_BESIDE, strlen(NAME_BESIDE)) != 0 &&
           strncmp(text, NAME_GONE, strlen(NAME_GONE)) != 0 &&
           strncmp(text, NAME_NEW, strlen(NAME_NEW)) != 0;
}

/* A file of no bytes is an interrupted creation, a directory without a header may be one, or a removal. */
static bool is_interrupted(struct folder *f, struct node *node, int at, const char *text)
{
    struct stat about;

    if (fstatat(at, text, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (S_ISDIR(about.st_mode))
        return folder_is_unmade(at, text);
    return folder_is_left_over(f, node, at, text, &about);
}

int folder_check_empty(struct folder *f, struct node *node, int at, const char *text,
                       bool *bare)
{
    struct lower_listing listing;
    struct lower_name name;
    uint64_t from = 0;
    int error = lower_listing_open(&listing, at, text), got = 0;

    *bare = true;
    if (error != 0)
        return error;
    while (error == 0 && (got = lower_listing_next(&listing, from, &name)) > 0) {
        from = name.next;
        *bare &= lower_is_dots(name.text) || strcmp(name.text, NAME_DIRECTORY) == 0;
        if (is_entry(name.text) && !is_interrupted(f, node, listing.fd, name.text))
            error = -ENOTEMPTY;
    }
    close(listing.fd);
    return error != 0 ? error : got;
}

/* Directories in it are leftovers too, and as empty as this one. */
static void remove_gone(int at, const char *text, unsigned depth)
{
    struct lower_listing listing;
    struct lower_name name;
    uint64_t from = 0;

    if (depth < 8 && lower_listing_open(&listing, at, text) == 0) {
        while (lower_listing_next(&listing, from, &name) > 0) {
            from = name.next;
            if (strcmp(name.text, ".") == 0 || strcmp(name.text, "..") == 0)
                continue;
            if (unlinkat(listing.fd, name.text, 0) < 0 && (errno == EISDIR || errno == EPERM))
                remove_gone(listing.fd, name.text, depth + 1);
        }
        close(listing.fd);
    }
    unlinkat(at, text, AT_REMOVEDIR);
}

void folder_remove_gone(int at, const char *text)
{
    char header[NAME_MAX + sizeof NAME_DIRECTORY + 1];

    snprintf(header, sizeof header, "%s/" NAME_DIRECTORY, text);
    unlinkat(at, header, 0);
    if (unlinkat(at, text, AT_REMOVEDIR) < 0) /* there is more in it than that */
        remove_gone(at, text, 0);
}

int folder_unlink(struct tree *t, uint64_t parent, const char *name)
{
    struct folder *f = folder_of(t);
    struct node *directory, *node = NULL;
    struct disk_name disk;
    int error = folder_name(f, parent, name, &directory, &disk), at;

    if (error == 0 && (error = at = nodes_enter(f->nodes, directory, NODES_CHANGE)) >= 0) {
        node = nodes_named(f->nodes, directory, disk.text);
        error = unlinkat(at, disk.text, 0) < 0 ? -errno : 0;
        if (error == 0) {
            nodes_removed(f->nodes, directory, disk.text);
            folder_remove_beside(at, &disk);
        }
        nodes_exit(f->nodes, directory);
    }
    if (error == 0 && node)
        folder_note_removed(f, node);
    nodes_put(f->nodes, node);
    nodes_put(f->nodes, directory);
    return error;
}

/* It leaves the tree in one step: by losing its header, or by a rename where it has leftovers in it, to be taken
 * apart afterwards. */
static int remove_in(struct folder *f, struct node *node, int at, const char *text)
{
    char header[NAME_MAX + sizeof NAME_DIRECTORY + 1], gone[64];
    bool bare;
    int error = folder_check_empty(f, node, at, text, &bare);

    if (error != 0)
        return error;
    snprintf(header, sizeof header, "%s/" NAME_DIRECTORY, text);
    if (bare && unlinkat(at, header, 0) == 0 && unlinkat(at, text, AT_REMOVEDIR) == 0)
        return 0;
    if ((error = folder_new_name(NAME_GONE, gone)) != 0)
        return error;
    if (renameat(at, text, at, gone) < 0)
        return -errno;
    folder_remove_gone(at, gone);
    return 0;
}

int folder_remove_directory(struct tree *t, uint64_t parent, const char *name)
{
    struct folder *f = folder_of(t);
    struct node *directory, *node = NULL;
    struct disk_name disk;
    int error = folder_name(f, parent, name, &directory, &disk), at;

    if (error == 0 && (error = at = nodes_enter(f->nodes, directory, NODES_CHANGE)) >= 0) {
        node = nodes_named(f->nodes, directory, disk.text);
        error = remove_in(f, node, at, disk.text);
        if (error == 0) {
            nodes_removed(f->nodes, directory, disk.text);
            folder_remove_beside(at, &disk);
        }
        nodes_exit(f->nodes, directory);
    }
    nodes_put(f->nodes, node);
    nodes_put(f->nodes, directory);
    return error;
}

bool folder_is_unmade(int at, const char *text)
{
    int fd = openat(at, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct text names = {0};
    struct stat about;
    bool is;

    if (fd < 0)
        return false;
    is = lower_listing_names(fd, &names) == 0 &&
         (names.len == 0 ||
          (names.len == sizeof NAME_DIRECTORY && strcmp(names.at, NAME_DIRECTORY) == 0 &&
           fstatat(fd, NAME_DIRECTORY, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(about.st_mode) && about.st_size == 0));
    text_clear(&names);
    close(fd);
    return is;
}
