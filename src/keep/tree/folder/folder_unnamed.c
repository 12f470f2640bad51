/* Files without a name (O_TMPFILE), and how they get one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

/* Bound to no name of any directory. */
static const uint8_t nowhere[FOLDER_TAG];

/* The file below, which has its header and its owner. */
static int make(struct folder *f, int at, const struct tree_new *what, struct stat *about,
                struct content **content)
{
    int fd = openat(at, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, what->mode & ALLPERMS), error = 0;

    if (fd < 0)
        return errno == EISDIR || errno == ENOSYS ? -EOPNOTSUPP : -errno;
    if (fstat(fd, about) < 0)
        error = -errno;
    if (error == 0 && (error = lower_give(fd, at, NULL, &what->caller, about)) == 0)
        error = content_create(content, &f->rules, fd, nowhere);
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

int folder_create_unnamed(struct tree *t, uint64_t parent, const struct tree_new *what,
                          struct tree_entry *out, tree_handle *file)
{
    struct folder *f = folder_of(t);
    struct node *directory = nodes_get(f->nodes, parent), *node;
    struct content *content = NULL;
    int at = !directory ? -ESTALE : folder_make_room(f), fd;

    if (at == 0)
        at = nodes_enter(f->nodes, directory, NODES_READ);
    fd = at;
    if (at >= 0) {
        fd = make(f, at, what, &out->about, &content);
        nodes_exit(f->nodes, directory);
    }
    nodes_put(f->nodes, directory);
    if (fd < 0)
        return fd;
    node = nodes_add_unnamed(f->nodes, &out->about);
    if (!node || !folder_keep(f, node, content_id(content))) {
        if (node)
            nodes_forget(f->nodes, node->id, 1);
        nodes_put(f->nodes, node);
        content_close(content);
        close(fd);
        return -ENOMEM;
    }
    return folder_adopt(f, node, fd, content, out, file);
}

int folder_link_unnamed(struct folder *f, struct node *node, struct node *directory,
                        const struct disk_name *name, struct tree_entry *out,
                        struct node **added)
{
    const struct content_binding binding = {
        .only = name->tag, .rebind = true, .urgent = true, .always = true};
    char path[LOWER_PATH_MAX];
    int error = folder_bind(f, node, &binding), at;

    if (error == 0)
        error = folder_sync_names(f);
    if (error != 0 || (error = at = nodes_enter(f->nodes, directory, NODES_CHANGE)) < 0)
        return error;
    error = folder_put_beside(f, at, name);
    lower_path(path, node->fd, NULL);
    if (error == 0 && linkat(AT_FDCWD, path, at, name->text, AT_SYMLINK_FOLLOW) < 0)
        error = -errno;
    if (error == 0)
        error = folder_look_up_at(f, directory, at, name->text, name->tag, 1, out, added);
    else if (error != -EEXIST)
        folder_remove_beside(at, name);
    nodes_exit(f->nodes, directory);
    if (error == 0)
        folder_note_written(f, node);
    return error;
}
