#include "keep/tree/folder/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/generator.h"
#include "keep/tree/folder/folder_tree.h"

void folder_free(struct folder *f)
{
    folder_keys_clear(&f->keys);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->settle_lock);
    pthread_mutex_destroy(&f->times_lock);
    free(f);
}

static struct folder *new_folder(const struct folder_options *options)
{
    struct folder *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->tree = (struct tree){.kind = &folder_kind, .read_only = options->read_only};
    f->root = -1;
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->settle_lock, NULL);
    pthread_mutex_init(&f->times_lock, NULL);
    list_init(&f->idle);
    list_init(&f->later);
    f->rules =
        (struct content_rules){.keys = &f->keys, .disk = &disk_files, .fast = options->fast};
    return f;
}

static enum rc read_root(struct folder *f, struct directory_header *header,
                         const char *directory, struct fault *why)
{
    int error;

    if (faccessat(f->root, NAME_DIRECTORY, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return fail(why, RC_FORMAT,
                    "%s: is no encrypted folder, or " NAME_DIRECTORY " is missing", directory);
    error = directory_header_read(header, &f->keys, f->root, ".");
    errno = -error;
    if (error != 0 && error != -EIO)
        return fail_errno(why, RC_IO, "%s/" NAME_DIRECTORY, directory);
    if (error != 0 || !header->is_root)
        return fail(why, RC_DENIED,
                    "%s/" NAME_DIRECTORY ": belongs to another folder or key, or was changed",
                    directory);
    return RC_OK;
}

static enum rc open_nodes(struct folder *f, const struct directory_header *header,
                          const char *directory, struct fault *why)
{
    enum rc rc = nodes_open(&f->nodes, f->root, folder_drop, why);
    struct node *root;
    bool kept;

    if (rc != RC_OK)
        return rc;
    root = nodes_get(f->nodes, TREE_ROOT);
    kept = root && folder_keep(f, root, header->id);
    nodes_put(f->nodes, root);
    if (kept && (errno = -folder_start_writer(f)) == 0)
        return RC_OK;
    rc = fail(why, RC_MEMORY, "%s: no memory for a folder", directory);
    nodes_close(f->nodes);
    return rc;
}

enum rc folder_open(struct tree **out, const char *directory,
                    const struct folder_options *options, const struct secret *volume_key,
                    struct fault *why)
{
    struct folder *f = new_folder(options);
    struct directory_header header;
    enum rc rc;

    if (!f)
        return fail(why, RC_MEMORY, "%s: no memory for a folder", directory);
    if ((rc = folder_keys_open(&f->keys, &options->format, volume_key, why)) == RC_OK) {
        f->root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (f->root < 0)
            rc = fail_errno(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", directory);
    }
    if (rc == RC_OK && (rc = read_root(f, &header, directory, why)) != RC_OK)
        close(f->root);
    if (rc == RC_OK)
        rc = open_nodes(f, &header, directory, why); /* takes the descriptor over */
    if (rc != RC_OK) {
        folder_free(f);
        return rc;
    }
    *out = &f->tree;
    return RC_OK;
}

enum rc folder_create(const char *directory, const struct folder_format *format,
                      const struct secret *volume_key, struct fault *why)
{
    struct directory_header header = {.is_root = true};
    struct folder_keys keys = {0};
    int at, error;
    enum rc rc;

    if ((rc = folder_keys_open(&keys, format, volume_key, why)) != RC_OK ||
        (rc = generator_bytes(header.id, FOLDER_ID, why)) != RC_OK) {
        folder_keys_clear(&keys);
        return rc;
    }
    at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = at < 0 ? -errno : directory_header_write(&header, &keys, at, ".", true, true);
    if (error == 0 && fsync(at) < 0)
        error = -errno;
    if (at >= 0)
        close(at);
    folder_keys_clear(&keys);
    errno = -error;
    return error == 0 ? RC_OK
                      : fail_errno(why, error == -EEXIST ? RC_BUSY : RC_IO,
                                   "%s/" NAME_DIRECTORY, directory);
}
