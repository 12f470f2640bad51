/* From a node to its file below, by its descriptor or by its name; and directories that are read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "keep/tree/nodes_table.h"

int nodes_reach(struct nodes *nodes, uint64_t id, struct node_reached *out)
{
    int error = 0;

    out->node = nodes_get(nodes, id);
    if (!out->node)
        return -ESTALE;
    out->fd = S_ISREG(out->node->type) ? nodes_share_file(nodes, out->node) : -1;
    if (out->fd < 0) {
        out->fd = -1;
        error = nodes_find(nodes, out->node, &out->named);
    }
    if (error != 0)
        nodes_put(nodes, out->node);
    return error;
}

void nodes_let_go(struct nodes *nodes, struct node_reached *file)
{
    if (file->fd >= 0)
        nodes_release_file(nodes, file->node);
    else
        nodes_leave(nodes, &file->named);
    nodes_put(nodes, file->node);
}

int nodes_stat(struct nodes *nodes, struct node_reached *file, struct stat *out)
{
    int done = file->fd >= 0
                   ? fstat(file->fd, out)
                   : fstatat(file->named.at, file->named.name, out, AT_SYMLINK_NOFOLLOW);

    if (done < 0)
        return errno == ENOENT ? -ESTALE : -errno;
    if (out->st_ino != file->node->inode || out->st_dev != file->node->device)
        return -ESTALE;
    out->st_ino = nodes_inode(nodes, out);
    return 0;
}

int nodes_birth(struct nodes *nodes, uint64_t id, struct timespec *out)
{
    const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    struct node_reached file;
    struct statx about;
    int error = nodes_reach(nodes, id, &file);

    if (error != 0)
        return error;
    if ((file.fd >= 0 ? statx(file.fd, "", flags, STATX_BTIME, &about)
                      : statx(file.named.at, file.named.name, flags, STATX_BTIME, &about)) < 0)
        error = -errno;
    else if (!(about.stx_mask & STATX_BTIME))
        error = -ENODATA;
    else
        *out = (struct timespec){about.stx_btime.tv_sec, about.stx_btime.tv_nsec};
    nodes_let_go(nodes, &file);
    return error;
}

int nodes_stat_directory(struct nodes *nodes, struct node *directory, struct stat *out)
{
    int fd = nodes_directory(nodes, directory);

    if (fd < 0 || fstatat(fd, "", out, AT_EMPTY_PATH) < 0)
        return fd < 0 ? fd : -errno;
    out->st_ino = nodes_inode(nodes, out);
    return 0;
}

static void count_open(struct nodes *nodes, int more)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->open_count += (unsigned)more;
    pthread_mutex_unlock(&nodes->lock);
}

int nodes_open_reading(struct nodes *nodes, uint64_t id, struct node_reading **out)
{
    struct node_reading *reading = malloc(sizeof *reading);
    struct node *node = nodes_get(nodes, id);
    struct node_place place;
    int error = !reading               ? -ENOMEM
                : !node                ? -ESTALE
                : !S_ISDIR(node->type) ? -ENOTDIR
                                       : nodes_find(nodes, node, &place);

    if (error == 0) {
        error = lower_listing_open(&reading->listing, place.at, place.name);
        nodes_leave(nodes, &place);
    }
    if (error != 0) {
        nodes_put(nodes, node);
        free(reading);
        return error;
    }
    (void)nodes_directory(nodes, node); /* so that it can be asked after once it is removed */
    count_open(nodes, 1);
    reading->node = node;
    *out = reading;
    return 0;
}

void nodes_close_reading(struct nodes *nodes, struct node_reading *reading)
{
    close(reading->listing.fd);
    count_open(nodes, -1);
    nodes_put(nodes, reading->node);
    free(reading);
}
