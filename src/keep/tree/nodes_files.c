/* The descriptors of nodes: of directories the latest, of files those that are open. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "keep/tree/lower.h"
#include "keep/tree/nodes_table.h"

/* The descriptor of the directory, which is the latest now; or -1. */
static int recent_fd(struct nodes *nodes, struct node *directory)
{
    if (directory->fd >= 0 && directory != nodes->root &&
        nodes->recent.next != &directory->recent) {
        list_remove(&directory->recent);
        list_add(&nodes->recent, &directory->recent);
    }
    return directory->fd;
}

/* Closes the one that was not used for longest. A directory that is gone could not be opened
 * again. */
static void close_oldest(struct nodes *nodes)
{
    for (struct list *at = nodes->recent.prev; at != &nodes->recent; at = at->prev) {
        struct node *node = LIST_OWNER(at, struct node, recent);

        if (node->pins > 0 || !node->names)
            continue;
        list_remove(&node->recent);
        nodes->recent_count--;
        close(node->fd);
        node->fd = -1;
        return;
    }
}

static int keep_directory(struct nodes *nodes, struct node *directory, int fd)
{
    pthread_mutex_lock(&nodes->lock);
    if (directory->fd >= 0) { /* somebody else was as fast */
        close(fd);
    } else {
        if (nodes->recent_count >= nodes->recent_max)
            close_oldest(nodes);
        directory->fd = fd;
        nodes->recent_count++;
        list_add(&nodes->recent, &directory->recent);
    }
    fd = directory->fd;
    pthread_mutex_unlock(&nodes->lock);
    return fd;
}

/* Opens a directory in its own one, `above`, which has a descriptor. */
static int open_directory(struct nodes *nodes, struct node *directory, struct node *above)
{
    struct node_name *name;
    struct stat about;
    int fd = -ESTALE, at = above->fd;

    pthread_rwlock_rdlock(table_guard(nodes, above));
    pthread_mutex_lock(&nodes->lock);
    name = directory->names;
    if (name && name->directory != above)
        name = NULL;
    pthread_mutex_unlock(&nodes->lock);
    if (name) {
        fd = openat(at, name->text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            fd = errno == ENOENT || errno == ENOTDIR ? -ESTALE : -errno;
    }
    pthread_rwlock_unlock(table_guard(nodes, above));
    if (fd >= 0 && (fstat(fd, &about) < 0 || about.st_ino != directory->inode ||
                    about.st_dev != directory->device)) {
        close(fd);
        return -ESTALE;
    }
    return fd < 0 ? fd : keep_directory(nodes, directory, fd);
}

/* The highest directory on the way to this one that has no descriptor, and the one above it,
 * which has: both as by nodes_get. False where there is no way. */
static bool find_gap(struct nodes *nodes, struct node *directory, struct node *gap[2])
{
    while (directory->fd < 0 && directory->names) {
        struct node *above = directory->names->directory;

        if (above->fd >= 0) {
            recent_fd(nodes, above);
            directory->pins++;
            above->pins++;
            gap[0] = directory;
            gap[1] = above;
            return true;
        }
        directory = above;
    }
    return false;
}

int nodes_directory(struct nodes *nodes, struct node *directory)
{
    struct node *gap[2];
    bool found;
    int fd, moved = 0;

    if (!S_ISDIR(directory->type))
        return -ENOTDIR;
    for (;;) {
        pthread_mutex_lock(&nodes->lock);
        fd = recent_fd(nodes, directory);
        found = fd < 0 && find_gap(nodes, directory, gap);
        pthread_mutex_unlock(&nodes->lock);
        if (fd >= 0)
            return fd;
        if (!found)
            return -ESTALE;
        fd = open_directory(nodes, gap[0], gap[1]);
        nodes_put(nodes, gap[0]);
        nodes_put(nodes, gap[1]);
        if (fd == -ESTALE && moved++ < 16)
            continue; /* moved meanwhile, perhaps */
        if (fd < 0)
            return fd;
    }
}

/* Opens the file anew, for more than before perhaps. */
static int open_lower(struct nodes *nodes, struct node *node, bool write)
{
    struct node_place place;
    char path[LOWER_PATH_MAX];
    struct stat about;
    int fd = nodes_find(nodes, node, &place);

    if (fd == 0) {
        fd = lower_open(place.at, place.name, write);
        nodes_leave(nodes, &place);
    } else if (fd == -ESTALE && (fd = nodes_share_file(nodes, node)) >= 0) {
        lower_path(path, fd, NULL); /* it has no name any more, but somebody has it open */
        fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
        nodes_release_file(nodes, node);
    } else if (fd == -EBADF) {
        fd = -ESTALE;
    }
    if (fd >= 0 && (fstat(fd, &about) < 0 || about.st_ino != node->inode ||
                    about.st_dev != node->device)) {
        close(fd);
        return -ESTALE;
    }
    return fd;
}

int nodes_open_file(struct nodes *nodes, struct node *node, bool write)
{
    bool opened;
    int fd;

    if (!S_ISREG(node->type))
        return S_ISDIR(node->type) ? -EISDIR : -ENXIO;
    pthread_mutex_lock(&nodes->lock);
    opened = node->opens > 0 && (node->writable || !write);
    if (opened)
        node->opens++;
    pthread_mutex_unlock(&nodes->lock);
    if (opened)
        return 0;
    fd = open_lower(nodes, node, write);
    if (fd < 0)
        return fd;
    pthread_mutex_lock(&nodes->lock);
    if (node->opens++ == 0) {
        node->fd = fd;
        node->writable = write;
        nodes->open_count++;
    } else {
        if (write && !node->writable) /* under the number that others are reading from now */
            node->writable = dup3(fd, node->fd, O_CLOEXEC) >= 0;
        close(fd);
    }
    pthread_mutex_unlock(&nodes->lock);
    return 0;
}

void nodes_adopt_file(struct nodes *nodes, struct node *node, int fd)
{
    pthread_mutex_lock(&nodes->lock);
    if (node->opens++ == 0) {
        node->fd = fd;
        nodes->open_count++;
    } else {
        close(fd);
    }
    node->writable = true;
    pthread_mutex_unlock(&nodes->lock);
}

bool nodes_has_room(struct nodes *nodes)
{
    bool has;

    pthread_mutex_lock(&nodes->lock);
    has = nodes->open_count < nodes->open_max;
    pthread_mutex_unlock(&nodes->lock);
    return has;
}

int nodes_share_file(struct nodes *nodes, struct node *node)
{
    int fd = -EBADF;

    pthread_mutex_lock(&nodes->lock);
    if (node->opens > 0) {
        node->opens++;
        fd = node->fd;
    }
    pthread_mutex_unlock(&nodes->lock);
    return fd;
}

bool nodes_is_gone(struct nodes *nodes, struct node *node)
{
    struct stat about;
    bool named;

    pthread_mutex_lock(&nodes->lock);
    named = node->names;
    pthread_mutex_unlock(&nodes->lock);
    return !named && fstat(node->fd, &about) == 0 && about.st_nlink == 0;
}

void nodes_release_file(struct nodes *nodes, struct node *node)
{
    struct node *gone = NULL;
    int fd = -1;

    pthread_mutex_lock(&nodes->lock);
    if (--node->opens == 0) {
        fd = node->fd;
        node->fd = -1;
        node->writable = false;
        nodes->open_count--;
        if (!node->names)
            table_part(nodes, node);
        table_settle(nodes, node, &gone);
    }
    pthread_mutex_unlock(&nodes->lock);
    if (fd >= 0)
        close(fd);
    table_free(nodes, gone);
}
