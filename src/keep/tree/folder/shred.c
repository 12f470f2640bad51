/* One file for good: without its header page nobody has its key. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/generator.h"
#include "keep/tree/folder/folder_tree.h"

static int overwrite(int fd)
{
    uint8_t noise[FOLDER_PAGE], back[FOLDER_PAGE];
    int error;

    if (generator_bytes(noise, sizeof noise, NULL) != RC_OK)
        return -EIO;
    if ((error = disk_write_all(&disk_files, fd, noise, sizeof noise, 0)) != 0)
        return error;
    if (fsync(fd) < 0)
        return -errno;
    posix_fadvise(fd, 0, FOLDER_PAGE, POSIX_FADV_DONTNEED); /* so that the disk is asked */
    error = disk_read_page(&disk_files, fd, back, 0);
    return error != 0 ? error : memcmp(noise, back, sizeof noise) == 0 ? 0 : -EIO;
}

/* Walks to the directory, as look-ups do; gives its node, looked up once if it is not the root. */
static int find_directory(struct tree *tree, const char *path, uint64_t *node,
                          const char **last)
{
    struct tree_entry entry;
    int error = 0;

    *node = TREE_ROOT;
    for (const char *end; error == 0 && (end = strchr(path, '/'));
         path = end + strspn(end, "/")) {
        char name[NAME_MAX + 1];
        size_t len = (size_t)(end - path);

        if (len > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, path, len);
        name[len] = '\0';
        error = folder_look_up(tree, *node, name, &entry);
        if (*node != TREE_ROOT)
            tree->kind->forget(tree, *node, 1);
        *node = entry.node;
    }
    *last = path;
    return error;
}

static int shred_in(struct folder *f, int at, const struct disk_name *disk)
{
    struct stat about;
    int fd, error;

    if (fstatat(at, disk->text, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(about.st_mode))
        return S_ISDIR(about.st_mode) ? -EISDIR : -EINVAL;
    if (about.st_nlink > 1)
        return -EMLINK;
    fd = lower_open(at, disk->text, true);
    if (fd < 0)
        return fd;
    error = overwrite(fd);
    close(fd);
    if (error == 0 && unlinkat(at, disk->text, 0) < 0)
        error = -errno;
    if (error == 0)
        folder_remove_beside(at, disk);
    (void)f;
    return error;
}

enum rc folder_shred(struct tree *tree, const char *path, struct fault *why)
{
    struct folder *f = folder_of(tree);
    struct node *directory = NULL;
    struct disk_name disk;
    const char *name;
    uint64_t node;
    int error = find_directory(tree, path, &node, &name), at;

    if (error == 0 && (error = folder_name(f, node, name, &directory, &disk)) == 0 &&
        (error = at = nodes_enter(f->nodes, directory, NODES_CHANGE)) >= 0) {
        error = shred_in(f, at, &disk);
        nodes_exit(f->nodes, directory);
    }
    nodes_put(f->nodes, directory);
    if (error == -EMLINK)
        return fail(why, RC_USAGE, "%s: has several names; remove the others first", path);
    if (error == -EINVAL)
        return fail(why, RC_USAGE, "%s: is no file", path);
    errno = -error;
    return error == 0 ? RC_OK : fail_errno(why, RC_IO, "%s", path);
}
