/* From a node or a name to the file below, and what it says of itself. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

/* What the file below says, as it looks from above. */
static void show(struct folder *f, struct node *node, struct stat *about)
{
    about->st_blksize = FOLDER_PAGE;
    if (S_ISREG(about->st_mode))
        about->st_size = (off_t)folder_size(f, kept_of(node));
    else if (S_ISLNK(about->st_mode))
        about->st_size = (off_t)target_len((size_t)about->st_size);
}

int folder_stat(struct folder *f, struct node_reached *file, struct stat *out)
{
    int error = nodes_stat(f->nodes, file, out);

    if (error == 0)
        show(f, file->node, out);
    return error;
}

int folder_name(struct folder *f, uint64_t parent, const char *name, struct node **directory,
                struct disk_name *out)
{
    *directory = nodes_get(f->nodes, parent);
    if (!*directory)
        return -ESTALE;
    if (!S_ISDIR((*directory)->type) || !kept_of(*directory))
        return S_ISDIR((*directory)->type) ? -EIO : -ENOTDIR;
    return name_seal(&f->keys, kept_of(*directory)->id, name, out);
}

static int check_directory(struct folder *f, struct node *node, int at, const char *text,
                           const uint8_t *tag)
{
    struct directory_header header;
    int error = directory_header_read(&header, &f->keys, at, text);

    if (error != 0)
        return error;
    if (header.is_root || !bindings_allow(&header.bindings, tag))
        return -EIO;
    if (!folder_keep(f, node, header.id))
        return -ENOMEM;
    return memcmp(kept_of(node)->id, header.id, FOLDER_ID) == 0 ? 0 : -EIO;
}

/* The header is read, but not where it is in memory, newer than on the disk perhaps. */
static int check_file(struct folder *f, struct node *node, int at, const char *text,
                      const uint8_t *tag)
{
    struct content *content;
    int fd, error;

    if (kept_of(node) && (error = folder_share(f, node)) != -EBADF) {
        if (error != 0)
            return error;
        error = content_is_bound(kept_of(node)->content, tag) ? 0 : -EIO;
        folder_give(f, node);
        return error;
    }
    fd = lower_open(at, text, false);
    if (fd < 0)
        return fd;
    error = content_load(&content, &f->rules, fd);
    close(fd);
    if (error != 0)
        return error;
    if (!content_is_bound(content, tag)) {
        content_close(content);
        return -EIO;
    }
    if (!folder_keep(f, node, content_id(content)) ||
        memcmp(kept_of(node)->id, content_id(content), FOLDER_ID) != 0) {
        error = kept_of(node) ? -EIO : -ENOMEM;
        content_close(content);
        return error;
    }
    folder_set_content(f, kept_of(node), content);
    return 0;
}

static int check(struct folder *f, struct node *node, int at, const char *text,
                 const uint8_t *tag)
{
    int error = 0;

    if (!S_ISDIR(node->type) && !S_ISREG(node->type))
        return 0;
    error = S_ISDIR(node->type) ? check_directory(f, node, at, text, tag)
                                : check_file(f, node, at, text, tag);
    if (error == -EIO && S_ISDIR(node->type) && folder_is_unmade(at, text))
        error = -ENOENT;
    if (error == 0)
        folder_note_checked(f, node, tag);
    return error;
}

int folder_look_up_at(struct folder *f, struct node *directory, int at, const char *text,
                      const uint8_t tag[FOLDER_TAG], unsigned look_ups, struct tree_entry *out,
                      struct node **added)
{
    int error = 0;

    if (fstatat(at, text, &out->about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (folder_is_left_over(f, directory, at, text, &out->about))
        return -ENOENT;
    *added = nodes_add(f->nodes, directory, text, &out->about, look_ups);
    if (!*added)
        return -ENOMEM;
    if (!folder_is_checked(f, *added, tag))
        error = check(f, *added, at, text, tag);
    if (error == 0) {
        out->node = (*added)->id;
        out->about.st_ino = nodes_inode(f->nodes, &out->about);
        show(f, *added, &out->about);
        return 0;
    }
    if (look_ups > 0)
        nodes_forget(f->nodes, (*added)->id, look_ups);
    nodes_put(f->nodes, *added);
    *added = NULL;
    return error;
}

int folder_look_up(struct tree *t, uint64_t parent, const char *name, struct tree_entry *out)
{
    struct folder *f = folder_of(t);
    struct node *directory, *added = NULL;
    struct disk_name disk;
    int error = folder_name(f, parent, name, &directory, &disk), at;

    if (error == -EPERM)
        error = -ENOENT; /* the folder's own */
    if (error == 0 && (error = at = nodes_enter(f->nodes, directory, NODES_READ)) >= 0) {
        error = folder_look_up_at(f, directory, at, disk.text, disk.tag, 1, out, &added);
        nodes_exit(f->nodes, directory);
    }
    nodes_put(f->nodes, added);
    nodes_put(f->nodes, directory);
    return error;
}
