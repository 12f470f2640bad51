/* Making files, directories, links and the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/hex.h"
#include "crypto/generator.h"
#include "keep/tree/folder/folder_tree.h"

/* One thing that is made: where, and under what name. */
struct making {
    struct folder *f;
    struct node *directory;
    int at;
    const struct disk_name *name;
    const struct tree_new *what;
};

int folder_new_name(const char *prefix, char out[64])
{
    uint8_t bytes[12];
    char digits[2 * sizeof bytes + 1];

    if (generator_bytes(bytes, sizeof bytes, NULL) != RC_OK)
        return -EIO;
    hex_encode(span_of(bytes, sizeof bytes), digits);
    snprintf(out, 64, "%s%s", prefix, digits);
    return 0;
}

int folder_put_beside(struct folder *f, int at, const struct disk_name *name)
{
    int fd, error = 0;

    if (name->beside_len == 0)
        return 0;
    fd = openat(at, name->beside_name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (pwrite(fd, name->beside, name->beside_len, 0) != (ssize_t)name->beside_len)
        error = -ENOSPC;
    close(fd);
    atomic_store(&f->names_unsynced, true);
    return error;
}

int folder_put_beside_synced(struct folder *f, int at, const struct disk_name *name)
{
    int error = folder_put_beside(f, at, name), fd;

    if (error != 0 || name->beside_len == 0)
        return error;
    fd = openat(at, name->beside_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

void folder_remove_beside(int at, const struct disk_name *name)
{
    if (name->beside_len > 0)
        unlinkat(at, name->beside_name, 0);
}

static void unmake(const struct making *m)
{
    char header[NAME_MAX + sizeof NAME_DIRECTORY + 1];

    if (S_ISDIR(m->what->mode)) {
        snprintf(header, sizeof header, "%s/" NAME_DIRECTORY, m->name->text);
        unlinkat(m->at, header, 0);
    }
    unlinkat(m->at, m->name->text, S_ISDIR(m->what->mode) ? AT_REMOVEDIR : 0);
}

static int fill_directory(const struct making *m, const uint8_t id[FOLDER_ID])
{
    struct directory_header header = {.bindings.count = 1};
    mode_t wanted = m->what->mode & S_IRWXU;
    struct stat about;
    int error;

    memcpy(header.id, id, FOLDER_ID);
    memcpy(header.bindings.tags[0], m->name->tag, FOLDER_TAG);
    error = directory_header_write(&header, &m->f->keys, m->at, m->name->text, true, false);
    if (error != 0)
        return error;
    if (wanted != S_IRWXU &&
        (fstatat(m->at, m->name->text, &about, AT_SYMLINK_NOFOLLOW) < 0 ||
         fchmodat(m->at, m->name->text, (about.st_mode & ALLPERMS & ~(mode_t)S_IRWXU) | wanted,
                  0) < 0))
        return -errno;
    return 0;
}

/* Until it has its header it is not there; and what is left of an earlier one without is none. */
static int make_directory(const struct making *m, uint8_t id[FOLDER_ID])
{
    mode_t mode = (m->what->mode & ALLPERMS) | S_IRWXU;
    int error = generator_bytes(id, FOLDER_ID, NULL) == RC_OK ? 0 : -EIO;

    if (error == 0 && mkdirat(m->at, m->name->text, mode) < 0)
        error = -errno;
    if (error == -EEXIST && folder_is_unmade(m->at, m->name->text)) {
        folder_remove_gone(m->at, m->name->text);
        error = mkdirat(m->at, m->name->text, mode) < 0 ? -errno : 0;
    }
    if (error != 0)
        return error;
    atomic_store(&m->f->names_unsynced, true);
    if ((error = fill_directory(m, id)) != 0)
        unmake(m);
    return error;
}

static int make_link(const struct making *m)
{
    char target[PATH_MAX];
    int error = target_seal(&m->f->keys, m->name->tag, m->what->target, target);

    if (error == 0 && symlinkat(target, m->at, m->name->text) < 0)
        error = errno == ENOSYS ? -EPERM : -errno; /* no links there */
    return error;
}

static int give_away(const struct making *m, struct stat *about)
{
    if (fstatat(m->at, m->name->text, about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return lower_give(-1, m->at, m->name->text, &m->what->caller, about);
}

/* A file that was left without a header is no file: its name is free. */
static int open_new(const struct making *m)
{
    int flags = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(m->at, m->name->text, flags, m->what->mode & ALLPERMS);
    struct stat about;

    if (fd >= 0 || errno != EEXIST)
        return fd < 0 ? -errno : fd;
    if (fstatat(m->at, m->name->text, &about, AT_SYMLINK_NOFOLLOW) < 0 ||
        !folder_is_left_over(m->f, m->directory, m->at, m->name->text, &about))
        return -EEXIST;
    unlinkat(m->at, m->name->text, 0);
    fd = openat(m->at, m->name->text, flags, m->what->mode & ALLPERMS);
    return fd < 0 ? -errno : fd;
}

/* A new file, of which all is there: it is open as by folder_take. */
static int adopt(struct folder *f, struct node *node, int fd, struct content *content,
                 struct tree_entry *out)
{
    int error;

    nodes_adopt_file(f->nodes, node, fd);
    folder_set_content(f, kept_of(node), content);
    out->node = node->id;
    out->about.st_ino = nodes_inode(f->nodes, &out->about);
    out->about.st_size = 0;
    error = folder_share(f, node);
    nodes_release_file(f->nodes, node);
    return error;
}

int folder_adopt(struct folder *f, struct node *node, int fd, struct content *content,
                 struct tree_entry *out, tree_handle *file)
{
    int error = adopt(f, node, fd, content, out);

    if (error == 0) {
        folder_times_open(f, node);
        *file = (tree_handle)(uintptr_t)node;
    }
    nodes_put(f->nodes, node);
    return error;
}

/* The new file, open as by folder_take if it is wanted so. */
static int make_file(const struct making *m, bool keep_open, struct tree_entry *out,
                     struct node **added)
{
    struct content *content = NULL;
    int fd = open_new(m), error;

    if (fd < 0)
        return fd;
    error = keep_open ? content_make(&content, &m->f->rules, m->name->tag)
                      : content_create(&content, &m->f->rules, fd, m->name->tag);
    if (error == 0 && fstat(fd, &out->about) < 0)
        error = -errno;
    if (error == 0)
        error = lower_give(fd, m->at, NULL, &m->what->caller, &out->about);
    if (error == 0)
        *added = nodes_add(m->f->nodes, m->directory, m->name->text, &out->about, 1);
    if (error == 0 && (!*added || !folder_keep(m->f, *added, content_id(content))))
        error = -ENOMEM;
    if (error != 0) {
        content_close(content);
        close(fd);
        unmake(m);
        return error;
    }
    folder_note_checked(m->f, *added, m->name->tag);
    atomic_store(&kept_of(*added)->is_bare, true);
    error = adopt(m->f, *added, fd, content, out);
    if (error == 0 && keep_open)
        folder_note_written(m->f, *added);
    else if (error == 0)
        folder_give(m->f, *added);
    return error;
}

/* What was made is there as if looked up. The header of a directory (`id`) need not be read for that. */
static int add_made(const struct making *m, const uint8_t *id, const struct stat *about,
                    struct tree_entry *out, struct node **added)
{
    struct node *node = nodes_add(m->f->nodes, m->directory, m->name->text, about, 0);
    int error = node && (!id || folder_keep(m->f, node, id)) ? 0 : -ENOMEM;

    if (error == 0 && id && memcmp(kept_of(node)->id, id, FOLDER_ID) == 0)
        folder_note_checked(m->f, node, m->name->tag);
    if (error == 0)
        error = folder_look_up_at(m->f, m->directory, m->at, m->name->text, m->name->tag, 1,
                                  out, added);
    nodes_put(m->f->nodes, node);
    return error;
}

static int make_in(const struct making *m, struct tree_entry *out, struct node **added)
{
    bool is_directory = S_ISDIR(m->what->mode);
    uint8_t id[FOLDER_ID];
    struct stat about;
    int error = 0;

    if (S_ISREG(m->what->mode))
        return make_file(m, false, out, added);
    if (is_directory)
        error = make_directory(m, id);
    else if (S_ISLNK(m->what->mode))
        error = make_link(m);
    else if (mknodat(m->at, m->name->text, m->what->mode, m->what->device) < 0)
        error = -errno;
    if (error != 0)
        return error;
    if ((error = give_away(m, &about)) == 0)
        error = add_made(m, is_directory ? id : NULL, &about, out, added);
    if (error != 0)
        unmake(m);
    return error;
}

int folder_make(struct tree *t, uint64_t parent, const char *name, const struct tree_new *what,
                struct tree_entry *out)
{
    struct folder *f = folder_of(t);
    struct node *added = NULL;
    struct disk_name disk;
    struct making m = {.f = f, .name = &disk, .what = what};
    int error = folder_name(f, parent, name, &m.directory, &disk);

    if (error == 0 && (error = m.at = nodes_enter(f->nodes, m.directory, NODES_CHANGE)) >= 0) {
        error = folder_put_beside(f, m.at, &disk);
        if (error == 0 && (error = make_in(&m, out, &added)) != 0 && error != -EEXIST)
            folder_remove_beside(m.at, &disk);
        nodes_exit(f->nodes, m.directory);
    }
    nodes_put(f->nodes, added);
    nodes_put(f->nodes, m.directory);
    return error;
}

int folder_create_file(struct tree *t, uint64_t parent, const char *name,
                       const struct tree_new *what, int flags, struct tree_entry *out,
                       tree_handle *file)
{
    struct folder *f = folder_of(t);
    struct node *added = NULL;
    struct disk_name disk;
    struct making m = {.f = f, .name = &disk, .what = what};
    int error = folder_make_room(f);
    bool found = false;

    if (error == 0)
        error = folder_name(f, parent, name, &m.directory, &disk);
    if (error == 0 && (error = m.at = nodes_enter(f->nodes, m.directory, NODES_CHANGE)) >= 0) {
        error = folder_put_beside(f, m.at, &disk);
        if (error == 0 && (error = make_file(&m, true, out, &added)) != 0 && error != -EEXIST)
            folder_remove_beside(m.at, &disk);
        found = error == -EEXIST && !(flags & O_EXCL);
        if (found)
            error =
                folder_look_up_at(f, m.directory, m.at, disk.text, disk.tag, 1, out, &added);
        nodes_exit(f->nodes, m.directory);
    }
    if (error == 0 && found && (error = folder_take(f, added, true)) != 0)
        nodes_forget(f->nodes, added->id, 1);
    if (error == 0) {
        folder_times_open(f, added);
        if (!found)
            folder_times_told(f, added, &out->about.st_mtim, false);
        *file = (tree_handle)(uintptr_t)added;
    }
    nodes_put(f->nodes, added);
    nodes_put(f->nodes, m.directory);
    return error;
}

int folder_replace_link(int at, const char *name, const struct stat *about, const char *sealed)
{
    char fresh[64];
    int error = folder_new_name(NAME_NEW, fresh);

    if (error != 0)
        return error;
    if (symlinkat(sealed, at, fresh) < 0)
        return -errno;
    if ((fchownat(at, fresh, about->st_uid, about->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
         errno != EPERM) ||
        utimensat(at, fresh, (struct timespec[]){about->st_atim, about->st_mtim},
                  AT_SYMLINK_NOFOLLOW) < 0 ||
        renameat(at, fresh, at, name) < 0) {
        error = -errno;
        unlinkat(at, fresh, 0);
    }
    return error;
}

int folder_bind_link(struct folder *f, int at, const char *text, const uint8_t *from,
                     const uint8_t *to)
{
    static const uint8_t none[FOLDER_TAG];
    char sealed[PATH_MAX], target[PATH_MAX];
    ssize_t len = readlinkat(at, text, sealed, sizeof sealed);
    struct stat about;
    int error;

    if (len < 0 || fstatat(at, text, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    len = target_unseal(&f->keys, from ? from : none, span_of(sealed, (size_t)len), target);
    if (len < 0)
        return (int)len;
    target[len] = '\0';
    if ((error = target_seal(&f->keys, to, target, sealed)) != 0)
        return error;
    return folder_replace_link(at, text, &about, sealed);
}

/* A file with several names is bound to none; a symbolic link becomes another file for that. */
static int unbind(struct folder *f, struct node *node, bool *durable)
{
    int error;

    *durable = true;
    if (!S_ISREG(node->type))
        return 0;
    if ((error = folder_take(f, node, true)) != 0)
        return error;
    *durable = content_is_durable(kept_of(node)->content);
    error = folder_bind(f, node, &(struct content_binding){.urgent = true});
    folder_give(f, node);
    return error;
}

/* Its one name's tag; -EIO where it has none that is right. */
static int tag_of_place(struct folder *f, const struct node_place *place,
                        uint8_t tag[FOLDER_TAG])
{
    char name[NAME_MAX + 1];

    if (!place->directory || !kept_of(place->directory) ||
        name_unseal(&f->keys, kept_of(place->directory)->id, place->at, place->name, name,
                    tag) != NAME_OF_ENTRY)
        return -EIO;
    return 0;
}

static int link_in(struct folder *f, struct node *node, const struct node_place *place,
                   struct node *directory, int at, const struct disk_name *disk,
                   struct tree_entry *out, struct node **added)
{
    uint8_t tag[FOLDER_TAG];
    struct stat about;
    int error = folder_put_beside(f, at, disk);

    if (error == 0 && S_ISLNK(node->type) &&
        fstatat(at, disk->text, &about, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    if (error == 0 && S_ISLNK(node->type) && (error = tag_of_place(f, place, tag)) == 0)
        error = folder_bind_link(f, place->at, place->name, tag, NULL);
    if (error == 0 && linkat(place->at, place->name, at, disk->text, 0) < 0)
        error = -errno;
    if (error == 0)
        error = folder_look_up_at(f, directory, at, disk->text, disk->tag, 1, out, added);
    else if (error != -EEXIST)
        folder_remove_beside(at, disk);
    return error;
}

static int link_named(struct folder *f, struct node *node, struct node *directory,
                      const struct disk_name *disk, struct tree_entry *out,
                      struct node **added)
{
    struct node_place place;
    bool durable = false;
    int error = unbind(f, node, &durable), at;

    if (error == 0 && durable) /* the new name may soon be its only one */
        error = folder_sync_names(f);
    if (error != 0 || (error = at = nodes_find_with(f->nodes, node, directory, &place)) < 0)
        return error;
    error = link_in(f, node, &place, directory, at, disk, out, added);
    nodes_leave_with(f->nodes, directory, &place);
    return error;
}

int folder_link(struct tree *t, uint64_t id, uint64_t parent, const char *name,
                struct tree_entry *out)
{
    struct folder *f = folder_of(t);
    struct node *node = nodes_get(f->nodes, id), *directory, *added = NULL;
    struct disk_name disk;
    int error = folder_name(f, parent, name, &directory, &disk);

    if (error == 0 && !node)
        error = -ESTALE;
    if (error == 0 && S_ISREG(node->type) && (error = folder_share(f, node)) == 0) {
        error = nodes_is_gone(f->nodes, node)
                    ? folder_link_unnamed(f, node, directory, &disk, out, &added)
                    : link_named(f, node, directory, &disk, out, &added);
        folder_give(f, node);
    } else if (error == 0 || error == -EBADF) {
        error = link_named(f, node, directory, &disk, out, &added);
    }
    nodes_put(f->nodes, added);
    nodes_put(f->nodes, node);
    nodes_put(f->nodes, directory);
    return error;
}
