#include "keep/command/folder_cat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/keys.h"

enum { RUN = 1 << 20 };

static enum rc write_all(int to, const uint8_t *at, size_t len, struct fault *why)
{
    while (len > 0) {
        ssize_t put = write(to, at, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_errno(why, RC_IO, "cannot be written");
        at += put;
        len -= (size_t)put;
    }
    return RC_OK;
}

/* A run of bytes; of one in which something is not authentic the first page. */
static ssize_t read_some(struct tree *tree, tree_handle file, uint8_t *run, size_t *len,
                         uint64_t offset)
{
    const size_t page = FOLDER_PAGE - offset % FOLDER_PAGE;
    ssize_t got = tree->kind->read(tree, file, run, *len, offset);

    if (got != -EIO || *len <= page)
        return got;
    *len = page;
    return tree->kind->read(tree, file, run, *len, offset);
}

static bool is_zeros(const uint8_t *at, size_t len)
{
    return at[0] == 0 && memcmp(at, at + 1, len - 1) == 0;
}

/* A hole: in the place of zeros, or of bytes that cannot be read. */
static enum rc skip(int to, size_t len, struct fault *why)
{
    off_t at = lseek(to, (off_t)len, SEEK_CUR);

    return at >= 0 && ftruncate(to, at) == 0 ? RC_OK
                                             : fail_errno(why, RC_IO, "cannot be written");
}

static enum rc copy(struct tree *tree, tree_handle file, int to, uint64_t offset,
                    uint64_t length, uint64_t *lost, uint8_t *run, struct fault *why)
{
    while (length > 0) {
        size_t len = length < RUN ? (size_t)length : RUN;
        ssize_t got = read_some(tree, file, run, &len, offset);
        enum rc rc;

        if (got == -EIO && !lost)
            return fail(why, RC_FORMAT, "is not authentic in the %ju bytes from %ju on",
                        (uintmax_t)len, (uintmax_t)offset);
        if (got < 0 && got != -EIO) {
            errno = (int)-got;
            return fail_errno(why, RC_IO, "cannot be read");
        }
        if (got == 0)
            break;
        if (got > 0)
            len = (size_t)got;
        else
            *lost += len;
        if (lost && (got < 0 || is_zeros(run, len)))
            rc = skip(to, len, why);
        else
            rc = write_all(to, run, len, why);
        if (rc != RC_OK)
            return rc;
        offset += len;
        length -= len;
    }
    return RC_OK;
}

enum rc folder_copy_file(struct tree *tree, uint64_t node, int to, uint64_t offset,
                         uint64_t length, uint64_t *lost, struct fault *why)
{
    uint8_t *run = malloc(RUN);
    tree_handle file;
    int error = run ? tree->kind->open(tree, node, O_RDONLY, &file) : -ENOMEM;
    enum rc rc;

    if (error != 0) {
        free(run);
        errno = -error;
        return fail_errno(why, error == -EIO ? RC_FORMAT : RC_IO, "cannot be read");
    }
    rc = copy(tree, file, to, offset, length, lost, run, why);
    tree->kind->release(tree, file);
    free(run);
    return rc;
}

enum rc folder_cat(struct folder_opening *opening, const char *path, uint64_t offset,
                   uint64_t length, struct fault *why)
{
    struct tree_entry entry;
    struct tree *tree;
    enum rc rc = folder_unlock(opening, &tree, why);

    if (rc != RC_OK)
        return rc;
    rc = folder_find(tree, opening->path, path, &entry, why);
    if (rc == RC_OK && !S_ISREG(entry.about.st_mode))
        rc = fail(why, RC_USAGE, "%s/%s: is no file", opening->path, path);
    else if (rc == RC_OK && (rc = folder_copy_file(tree, entry.node, STDOUT_FILENO, offset,
                                                   length, NULL, why)) != RC_OK)
        rc = fault_at(why, "%s/%s", opening->path, path);
    tree->kind->close(tree);
    return rc;
}
