/* What is kept with nodes: ids of directories, contents of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "keep/tree/folder/folder_tree.h"

void folder_drop(void *of)
{
    struct kept *kept = of;

    pthread_mutex_lock(&kept->folder->lock);
    if (kept->content)
        kept->folder->idle_count--; /* nobody uses it: the node is gone */
    list_remove(&kept->place);
    pthread_mutex_unlock(&kept->folder->lock);
    content_close(kept->content);
    free(kept);
}

struct kept *folder_keep(struct folder *f, struct node *node, const uint8_t id[FOLDER_ID])
{
    struct kept *kept;

    pthread_mutex_lock(&f->lock);
    kept = node->kept;
    if (!kept && (kept = calloc(1, sizeof *kept))) {
        kept->folder = f;
        memcpy(kept->id, id, FOLDER_ID);
        list_init(&kept->place);
        node->kept = kept;
    }
    pthread_mutex_unlock(&f->lock);
    return kept;
}

/* The content of the file that nobody has had open for longest leaves memory. With the lock. */
static struct content *evict(struct folder *f)
{
    struct kept *oldest;
    struct content *content;

    if (f->idle_count <= IDLE_MAX)
        return NULL;
    oldest = LIST_OWNER(f->idle.prev, struct kept, place);
    content = oldest->content;
    oldest->size = content_size(content);
    oldest->content = NULL;
    list_remove(&oldest->place);
    f->idle_count--;
    return content;
}

/* With the lock. */
static struct content *give(struct folder *f, struct kept *kept)
{
    if (kept->unread > 0) { /* whoever else has it open uses the content in his place */
        kept->unread--;
        return NULL;
    }
    if (--kept->users > 0)
        return NULL;
    atomic_store(&kept->is_modified, false); /* it is at rest */
    list_remove(&kept->place);
    list_add(&f->idle, &kept->place);
    f->idle_count++;
    return evict(f);
}

void folder_set_content(struct folder *f, struct kept *kept, struct content *content)
{
    struct content *spare = content;

    pthread_mutex_lock(&f->lock);
    if (!kept->content) {
        kept->content = content;
        kept->users = 1;
        spare = give(f, kept);
    }
    pthread_mutex_unlock(&f->lock);
    content_close(spare);
}

/* True where the content is in memory: it has one user more. With the lock. */
static bool use_locked(struct folder *f, struct kept *kept)
{
    if (!kept->content)
        return false;
    if (kept->users++ == 0) {
        list_remove(&kept->place);
        f->idle_count--;
    }
    return true;
}

static bool use(struct folder *f, struct kept *kept)
{
    bool there;

    pthread_mutex_lock(&f->lock);
    there = use_locked(f, kept);
    pthread_mutex_unlock(&f->lock);
    return there;
}

/* What is loaded is bound as it was when it was looked up. */
static bool is_bound_still(struct folder *f, struct kept *kept, struct content *content)
{
    uint8_t tag[FOLDER_TAG];
    bool is_checked;

    pthread_mutex_lock(&f->lock);
    is_checked = kept->is_checked;
    memcpy(tag, kept->checked, FOLDER_TAG);
    pthread_mutex_unlock(&f->lock);
    return !is_checked || content_is_bound(content, tag);
}

/* With the file below open. */
static int use_content(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);

    if (!kept)
        return -EIO;
    while (!use(f, kept)) {
        struct content *content;
        int error = content_load(&content, &f->rules, node->fd);

        if (error != 0)
            return error == -ENOENT ? -EIO : error;
        if (memcmp(content_id(content), kept->id, FOLDER_ID) != 0 ||
            !is_bound_still(f, kept, content)) {
            content_close(content);
            return -EIO;
        }
        folder_set_content(f, kept, content);
    }
    return 0;
}

int folder_take(struct folder *f, struct node *node, bool write)
{
    int error;

    /* What is opened for a moment has room that is kept free for it: this may fail. */
    (void)folder_make_room(f);
    error = nodes_open_file(f->nodes, node, write);
    if (error != 0)
        return error;
    error = use_content(f, node);
    if (error != 0)
        nodes_release_file(f->nodes, node);
    return error;
}

int folder_take_unread(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);
    int error = nodes_open_file(f->nodes, node, false);

    if (error != 0)
        return error;
    if (!kept) {
        nodes_release_file(f->nodes, node);
        return -EIO;
    }
    pthread_mutex_lock(&f->lock);
    if (!use_locked(f, kept))
        kept->unread++;
    pthread_mutex_unlock(&f->lock);
    return 0;
}

int folder_load(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);
    int error;

    if (kept->unread == 0)
        return 0;
    if ((error = use_content(f, node)) != 0)
        return error;
    pthread_mutex_lock(&f->lock);
    kept->users += kept->unread;
    kept->unread = 0;
    content_close(give(f, kept));
    pthread_mutex_unlock(&f->lock);
    return 0;
}

int folder_share(struct folder *f, struct node *node)
{
    int fd = nodes_share_file(f->nodes, node), error;

    if (fd < 0)
        return fd;
    error = use_content(f, node);
    if (error != 0)
        nodes_release_file(f->nodes, node);
    return error;
}

void folder_give(struct folder *f, struct node *node)
{
    struct content *gone;

    pthread_mutex_lock(&f->lock);
    gone = give(f, kept_of(node));
    pthread_mutex_unlock(&f->lock);
    content_close(gone);
    nodes_release_file(f->nodes, node);
}

uint64_t folder_size(struct folder *f, struct kept *kept)
{
    uint64_t size;

    if (!kept)
        return 0;
    pthread_mutex_lock(&f->lock);
    size = kept->content ? UINT64_MAX : kept->size;
    pthread_mutex_unlock(&f->lock);
    if (size != UINT64_MAX)
        return size;
    if (!use(f, kept)) /* it has left memory meanwhile */
        return folder_size(f, kept);
    size = content_size(kept->content);
    pthread_mutex_lock(&f->lock);
    content_close(give(f, kept));
    pthread_mutex_unlock(&f->lock);
    return size;
}

/* Was it just made, and is written later? */
static bool is_new(struct folder *f, struct node *directory, const char *text)
{
    struct node *node = directory ? nodes_named(f->nodes, directory, text) : NULL;
    struct kept *kept;
    bool is;

    if (!node)
        return false;
    pthread_mutex_lock(&f->lock);
    kept = S_ISREG(node->type) ? kept_of(node) : NULL;
    is = kept && kept->content && content_is_unwritten(kept->content);
    pthread_mutex_unlock(&f->lock);
    nodes_put(f->nodes, node);
    return is;
}

bool folder_is_left_over(struct folder *f, struct node *directory, int at, const char *text,
                         struct stat *about)
{
    if (!S_ISREG(about->st_mode) || about->st_size != 0 || is_new(f, directory, text))
        return false;
    return fstatat(at, text, about, AT_SYMLINK_NOFOLLOW) < 0 || about->st_size == 0;
}

void folder_note_checked(struct folder *f, struct node *node, const uint8_t *tag)
{
    struct kept *kept = kept_of(node);

    pthread_mutex_lock(&f->lock);
    kept->is_checked = tag;
    if (tag)
        memcpy(kept->checked, tag, FOLDER_TAG);
    pthread_mutex_unlock(&f->lock);
}

bool folder_is_checked(struct folder *f, struct node *node, const uint8_t tag[FOLDER_TAG])
{
    struct kept *kept;
    bool is;

    pthread_mutex_lock(&f->lock);
    kept = kept_of(node);
    is = kept && kept->is_checked && memcmp(kept->checked, tag, FOLDER_TAG) == 0;
    pthread_mutex_unlock(&f->lock);
    return is;
}
