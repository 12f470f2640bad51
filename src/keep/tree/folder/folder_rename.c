/*
 * Renaming. What is renamed is bound to both names first, on the disk if it was ever synced; then
 * it is renamed; then the old binding goes, once the rename is on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

/* One side of it: a name, and what stands there (NULL: nothing). */
struct side {
    struct node *directory, *node;
    struct disk_name disk;
    int at;
    nlink_t links;
};

struct renaming {
    struct folder *f;
    struct side from, to;
    unsigned flags;
    bool durable; /* what is renamed, or replaced, may have been synced */
};

static int find_side(struct folder *f, struct side *side)
{
    struct tree_entry entry;
    int at = nodes_enter(f->nodes, side->directory, NODES_READ), error;

    if (at < 0)
        return at;
    error = folder_look_up_at(f, side->directory, at, side->disk.text, side->disk.tag, 0,
                              &entry, &side->node);
    nodes_exit(f->nodes, side->directory);
    if (error == 0)
        side->links = entry.about.st_nlink;
    return error;
}

static int find_both(struct renaming *r)
{
    int error = find_side(r->f, &r->from);

    if (error != 0)
        return error;
    error = find_side(r->f, &r->to);
    if (error == 0 && r->flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (error == -ENOENT && !(r->flags & RENAME_EXCHANGE))
        return 0;
    /* What is not authentic is not replaced: it may be all that is left of a file. */
    return error;
}

static int bind_directory(struct renaming *r, struct side *side, const uint8_t *only,
                          const uint8_t *also, bool urgent)
{
    struct directory_header header;
    int at = nodes_enter(r->f->nodes, side->directory, NODES_CHANGE), error;

    if (at < 0)
        return at;
    error = directory_header_read(&header, &r->f->keys, at, side->disk.text);
    if (error == 0) {
        header.bindings = (struct bindings){.count = also ? 2 : 1};
        memcpy(header.bindings.tags[0], only, FOLDER_TAG);
        if (also)
            memcpy(header.bindings.tags[1], also, FOLDER_TAG);
        error = directory_header_write(&header, &r->f->keys, at, side->disk.text, false,
                                       urgent && !r->f->rules.fast);
    }
    nodes_exit(r->f->nodes, side->directory);
    return error;
}

/* `side` is where it stands now. */
static int bind_to(struct renaming *r, struct side *side, struct node *node, nlink_t links,
                   const uint8_t *only, const uint8_t *also, bool urgent)
{
    struct content_binding binding = {.only = only,
                                      .also = also,
                                      .rebind = links == 1,
                                      .urgent = urgent,
                                      .always = r->to.node != NULL};
    int error;

    if (S_ISDIR(node->type)) {
        folder_note_checked(r->f, node, NULL);
        return bind_directory(r, side, only, also, urgent);
    }
    if (!S_ISREG(node->type))
        return 0;
    if ((error = folder_take(r->f, node, true)) != 0)
        return error;
    /* The names that it had besides are valid until it is known on the disk that they are gone. */
    if (binding.rebind && !r->f->rules.fast && content_is_unbound(kept_of(node)->content) &&
        syncfs(r->f->root) < 0)
        error = -errno;
    if (error == 0)
        error = folder_bind(r->f, node, &binding);
    folder_give(r->f, node);
    return error;
}

/* Its target is bound to its name, and cannot be changed: it is made anew, first for any name. */
static int bind_links(struct renaming *r, bool before)
{
    const uint8_t *old = r->from.disk.tag, *new = r->to.disk.tag;
    int error = 0;

    if (S_ISLNK(r->from.node->type))
        error = before ? folder_bind_link(r->f, r->from.at, r->from.disk.text, old, NULL)
                       : folder_bind_link(r->f, r->to.at, r->to.disk.text, NULL, new);
    if (error == 0 && r->flags & RENAME_EXCHANGE && S_ISLNK(r->to.node->type))
        error = before ? folder_bind_link(r->f, r->to.at, r->to.disk.text, new, NULL)
                       : folder_bind_link(r->f, r->from.at, r->from.disk.text, NULL, old);
    return error;
}

static int replace_slowly(const struct renaming *r, const char *gone)
{
    int error;

    if (renameat(r->to.at, r->to.disk.text, r->from.at, gone) < 0)
        return -errno;
    error = lower_rename(r->from.at, r->from.disk.text, r->to.at, r->to.disk.text, 0);
    if (error != 0)
        (void)lower_rename(r->from.at, gone, r->to.at, r->to.disk.text, 0);
    return error;
}

/* An empty directory is replaced by exchanging the two, and then removing it. */
static int replace_directory(struct renaming *r)
{
    char gone[64];
    bool bare;
    int error = folder_check_empty(r->f, r->to.node, r->to.at, r->to.disk.text, &bare);

    if (error != 0 || (error = folder_new_name(NAME_GONE, gone)) != 0)
        return error;
    error = lower_rename(r->from.at, r->from.disk.text, r->to.at, r->to.disk.text,
                         RENAME_EXCHANGE);
    if (error == -EINVAL) /* a file system that cannot exchange */
        error = replace_slowly(r, gone);
    else if (error == 0 && renameat(r->from.at, r->from.disk.text, r->from.at, gone) < 0)
        error = -errno;
    if (error != 0)
        return error;
    folder_remove_gone(r->from.at, gone);
    return 0;
}

static int rename_below(struct renaming *r)
{
    bool exchange = r->flags & RENAME_EXCHANGE;

    if (r->to.node && !exchange && S_ISDIR(r->from.node->type) && S_ISDIR(r->to.node->type))
        return replace_directory(r);
    if (r->to.node && !exchange && S_ISDIR(r->from.node->type) != S_ISDIR(r->to.node->type))
        return S_ISDIR(r->to.node->type) ? -EISDIR : -ENOTDIR;
    return lower_rename(r->from.at, r->from.disk.text, r->to.at, r->to.disk.text, r->flags);
}

/* A link that has several names is bound to none, and stays the file that it is. */
static bool remakes_links(const struct renaming *r)
{
    return (S_ISLNK(r->from.node->type) && r->from.links == 1) ||
           (r->flags & RENAME_EXCHANGE && S_ISLNK(r->to.node->type) && r->to.links == 1);
}

static int rename_entered(struct renaming *r)
{
    bool exchange = r->flags & RENAME_EXCHANGE, links = remakes_links(r);
    int error = folder_put_beside(r->f, r->to.at, &r->to.disk);

    /* Where it comes to stand must not be lost: a directory that was made just now, or a long name. */
    if (error == 0 && r->durable)
        error = folder_sync_names(r->f);
    if (error == 0 && links)
        error = bind_links(r, true);
    if (error == 0)
        error = rename_below(r);
    if (error != 0)
        return error;
    (void)nodes_renamed(r->f->nodes, r->from.directory, r->from.disk.text, r->to.directory,
                        r->to.disk.text, exchange);
    if (links) { /* they are other files now: the kernel is to ask for them anew */
        nodes_removed(r->f->nodes, r->to.directory, r->to.disk.text);
        if (exchange)
            nodes_removed(r->f->nodes, r->from.directory, r->from.disk.text);
        error = bind_links(r, false);
    }
    if (!exchange)
        folder_remove_beside(r->from.at, &r->from.disk);
    return error;
}

/* Bound to its new name alone, at once or when that is on the disk. */
static int end_side(struct renaming *r, struct side *now, struct node *node, nlink_t links)
{
    bool later = S_ISDIR(node->type);
    int error;

    if (S_ISLNK(node->type) || (!S_ISREG(node->type) && !later))
        return 0;
    if (S_ISREG(node->type)) {
        if ((error = folder_take(r->f, node, true)) != 0)
            return error;
        later = content_is_durable(kept_of(node)->content);
        folder_give(r->f, node);
    }
    if (later && !r->f->rules.fast)
        return folder_note_renamed(r->f, node, now->disk.tag);
    return bind_to(r, now, node, links, now->disk.tag, NULL, false);
}

/* 1 or 0: may it have been synced? Or a negative errno. */
static int is_durable(struct folder *f, struct node *node)
{
    int error;
    bool is;

    if (!S_ISREG(node->type))
        return 1;
    if ((error = folder_take(f, node, false)) != 0)
        return error;
    is = content_is_durable(kept_of(node)->content);
    folder_give(f, node);
    return is;
}

static int look_whether_durable(struct renaming *r)
{
    int is = r->to.node ? 1 : is_durable(r->f, r->from.node);

    r->durable = is > 0;
    return is < 0 ? is : 0;
}

static int bind_both(struct renaming *r)
{
    const uint8_t *old = r->from.disk.tag, *new = r->to.disk.tag;
    bool exchange = r->flags & RENAME_EXCHANGE;
    int error = 0;

    if (folder_is_renamed(r->f, r->from.node) ||
        (exchange && folder_is_renamed(r->f, r->to.node)))
        error = folder_settle_renamed(r->f);
    if (error == 0)
        error = bind_to(r, &r->from, r->from.node, r->from.links, old, new, true);
    if (error == 0 && exchange)
        error = bind_to(r, &r->to, r->to.node, r->to.links, new, old, true);
    return error;
}

static void unbind_both(struct renaming *r)
{
    (void)bind_to(r, &r->from, r->from.node, r->from.links, r->from.disk.tag, NULL, false);
    if (r->flags & RENAME_EXCHANGE)
        (void)bind_to(r, &r->to, r->to.node, r->to.links, r->to.disk.tag, NULL, false);
}

static int run(struct renaming *r)
{
    int at[2], error = look_whether_durable(r);

    if (error == 0)
        error = bind_both(r);
    if (error != 0)
        return error;
    if ((error = nodes_enter_both(r->f->nodes, r->from.directory, r->to.directory, at)) == 0) {
        r->from.at = at[0];
        r->to.at = at[1];
        error = rename_entered(r);
        nodes_exit_both(r->f->nodes, r->from.directory, r->to.directory);
    }
    if (error != 0) {
        unbind_both(r);
        return error;
    }
    if (r->to.node && !(r->flags & RENAME_EXCHANGE))
        folder_note_removed(r->f, r->to.node);
    error = end_side(r, &r->to, r->from.node, r->from.links);
    if (error == 0 && r->flags & RENAME_EXCHANGE)
        error = end_side(r, &r->from, r->to.node, r->to.links);
    return error;
}

int folder_rename(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name, unsigned flags)
{
    struct folder *f = folder_of(t);
    struct renaming r = {.f = f, .flags = flags};
    int error = folder_name(f, parent, name, &r.from.directory, &r.from.disk);

    if (error == 0)
        error = folder_name(f, new_parent, new_name, &r.to.directory, &r.to.disk);
    if (error == 0 && flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
        error = -EINVAL;
    if (error == 0)
        error = find_both(&r);
    if (error == 0 && r.from.node != r.to.node) /* two names of one file: nothing is done */
        error = run(&r);
    nodes_put(f->nodes, r.from.node);
    nodes_put(f->nodes, r.to.node);
    nodes_put(f->nodes, r.from.directory);
    nodes_put(f->nodes, r.to.directory);
    return error;
}
