/* What is written without being asked for: contents after a while, old bindings after a rename. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "keep/tree/folder/folder_tree.h"

static int64_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* no processor is asked */
    return now.tv_sec;
}

int folder_commit(struct folder *f, struct node *node, bool sync)
{
    struct content *content = kept_of(node)->content;
    struct stat about;
    int error;

    if (!sync && content_is_settled(content))
        return folder_times_settle(f, node);
    if ((error = folder_times_before(node, &about)) != 0)
        return error;
    error = content_commit(content, node->fd, sync);
    if (error == 0 && !content_is_settled(content)) /* what was settled by the sync */
        error = content_commit(content, node->fd, false);
    return folder_times_put_back(f, node, &about, error);
}

int folder_sync(struct folder *f, struct node *node)
{
    struct content *content = kept_of(node)->content;
    int error = folder_commit(f, node, false);

    if (error == 0)
        error = content_sync(content, node->fd);
    return error == 0 && !content_is_settled(content) ? folder_commit(f, node, false) : error;
}

int folder_bind(struct folder *f, struct node *node, const struct content_binding *binding)
{
    struct stat about;
    int error = folder_times_before(node, &about);

    if (error != 0)
        return error;
    folder_note_checked(f, node, NULL);
    error = content_bind(kept_of(node)->content, node->fd, binding);
    return folder_times_put_back(f, node, &about, error);
}

void folder_note_written(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);

    pthread_mutex_lock(&f->lock);
    if (!kept->is_later && nodes_share_file(f->nodes, node) >= 0) {
        kept->is_later = true;
        kept->since = seconds();
        kept->node = node;
        kept->users++;
        list_remove(&kept->place);
        list_add_last(&f->later, &kept->place);
    }
    pthread_mutex_unlock(&f->lock);
}

/* Takes it out of `later`; true where it was there, and what it held is the caller's to give. */
static bool take_out(struct folder *f, struct kept *kept)
{
    bool was;

    pthread_mutex_lock(&f->lock);
    was = kept->is_later;
    if (was) {
        kept->is_later = false;
        list_remove(&kept->place);
    }
    pthread_mutex_unlock(&f->lock);
    return was;
}

static void tell(struct folder *f, int error)
{
    if (error == 0 || atomic_exchange(&f->lost, -error) != 0)
        return;
    errno = -error;
    log_line(LOG_LEVEL_ERROR, "keep: what was written to a file could not be saved: %m");
}

void folder_note_removed(struct folder *f, struct node *node)
{
    struct kept *kept = S_ISREG(node->type) ? kept_of(node) : NULL;

    if (kept && take_out(f, kept)) {
        if (!nodes_is_gone(f->nodes, node))
            folder_note_written(f, node);
        folder_give(f, node);
    }
}

/* Was it written to, and not all of that and its time saved since? */
static bool is_waited_for(struct folder *f, struct kept *kept)
{
    bool is;

    pthread_mutex_lock(&f->lock);
    is = kept->is_later || atomic_load(&kept->is_modified);
    pthread_mutex_unlock(&f->lock);
    return is;
}

void folder_note_closed(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);
    int error;

    folder_times_close(f, node);
    if (!is_waited_for(f, kept))
        return;
    if (nodes_is_gone(f->nodes, node)) {
        folder_note_removed(f, node);
        return;
    }
    error = content_is_cheap(kept->content) ? folder_commit(f, node, false)
                                            : folder_times_settle(f, node);
    tell(f, error);
    if (error == 0 && content_is_settled(kept->content) && take_out(f, kept))
        folder_give(f, node);
}

/* The oldest one, if it is old enough: it is the caller's now, as by folder_take. */
static struct node *next_later(struct folder *f, bool all)
{
    struct kept *kept = NULL;

    pthread_mutex_lock(&f->lock);
    if (!list_is_empty(&f->later)) {
        kept = LIST_OWNER(f->later.next, struct kept, place);
        if (!all && kept->since + LATER_SECONDS > seconds())
            kept = NULL;
    }
    if (kept) {
        kept->is_later = false;
        list_remove(&kept->place);
    }
    pthread_mutex_unlock(&f->lock);
    return kept ? kept->node : NULL;
}

enum later {
    LATER_DUE,  /* what has waited long enough; where that fails it is tried again */
    LATER_NOW,  /* all, up to the first that fails */
    LATER_LAST, /* all, and nothing is tried again */
};

static void write_later(struct folder *f, enum later when)
{
    struct node *node;
    int error = 0;

    while ((error == 0 || when != LATER_NOW) && (node = next_later(f, when != LATER_DUE))) {
        struct content *content = kept_of(node)->content;
        bool is_gone = nodes_is_gone(f->nodes, node);

        error = is_gone ? 0 : folder_commit(f, node, false);
        if (error == 0 && !is_gone && !content_is_settled(content))
            error = folder_commit(f, node, true);
        tell(f, error);
        if (error != 0 && when != LATER_LAST)
            folder_note_written(f, node);
        folder_give(f, node);
    }
}

/* Open and in use as by folder_take. */
static struct node *next_new(struct folder *f)
{
    struct node *node = NULL;

    pthread_mutex_lock(&f->lock);
    for (struct list *at = f->later.next; at != &f->later && !node; at = at->next) {
        struct kept *kept = LIST_OWNER(at, struct kept, place);

        if (content_is_unwritten(kept->content) &&
            nodes_share_file(f->nodes, kept->node) >= 0) {
            kept->users++;
            node = kept->node;
        }
    }
    pthread_mutex_unlock(&f->lock);
    return node;
}

int folder_write_new(struct folder *f)
{
    struct node *node;
    int error = 0;

    while (error == 0 && (node = next_new(f))) {
        error = folder_commit(f, node, false);
        folder_give(f, node);
    }
    return error;
}

int folder_make_room(struct folder *f)
{
    if (!nodes_has_room(f->nodes))
        write_later(f, LATER_NOW);
    return nodes_has_room(f->nodes) ? 0 : -ENFILE;
}

static void *write_now_and_then(void *of)
{
    struct folder *f = of;

    pthread_mutex_lock(&f->lock);
    while (!f->ends) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&f->wakes, &f->lock, &until);
        pthread_mutex_unlock(&f->lock);
        write_later(f, LATER_DUE);
        tell(f, folder_settle_renamed(f));
        content_rest();
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

int folder_start_writer(struct folder *f)
{
    pthread_condattr_t clock;
    sigset_t all, before;
    int error;

    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&f->wakes, &clock);
    pthread_condattr_destroy(&clock);
    if (f->tree.read_only)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* they are for whoever opened the folder */
    error = pthread_create(&f->writer, NULL, write_now_and_then, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    f->has_writer = error == 0;
    return -error;
}

void folder_end_writer(struct folder *f)
{
    pthread_mutex_lock(&f->lock);
    f->ends = true;
    pthread_cond_signal(&f->wakes);
    pthread_mutex_unlock(&f->lock);
    if (f->has_writer)
        pthread_join(f->writer, NULL);
    pthread_cond_destroy(&f->wakes);
    if (f->tree.read_only)
        return;
    write_later(f, LATER_LAST);
    tell(f, folder_settle_renamed(f));
}

int folder_sync_names(struct folder *f)
{
    if (f->rules.fast || !atomic_exchange(&f->names_unsynced, false))
        return 0;
    if (syncfs(f->root) == 0)
        return 0;
    atomic_store(&f->names_unsynced, true);
    return -errno;
}

bool folder_is_renamed(struct folder *f, const struct node *node)
{
    bool found = false;

    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->renamed_count && !found; i++)
        found = f->renamed[i].node == node;
    pthread_mutex_unlock(&f->lock);
    return found;
}

static int settle_directory(struct folder *f, const struct renamed *renamed)
{
    struct directory_header header;
    struct node_place place;
    int error = nodes_find(f->nodes, renamed->node, &place);

    if (error != 0)
        return error == -ESTALE ? 0 : error;
    error = directory_header_read(&header, &f->keys, place.at, place.name);
    if (error == 0 && bindings_allow(&header.bindings, renamed->tag)) {
        header.bindings = (struct bindings){.count = 1};
        memcpy(header.bindings.tags[0], renamed->tag, FOLDER_TAG);
        folder_note_checked(f, renamed->node, NULL);
        error = directory_header_write(&header, &f->keys, place.at, place.name, false, false);
    }
    nodes_leave(f->nodes, &place);
    return error;
}

static int settle_file(struct folder *f, const struct renamed *renamed)
{
    int error = folder_take(f, renamed->node, true);

    if (error != 0)
        return error == -ESTALE ? 0 : error; /* it was removed */
    error = folder_bind(f, renamed->node, &(struct content_binding){.only = renamed->tag});
    folder_give(f, renamed->node);
    return error;
}

int folder_settle_renamed(struct folder *f)
{
    struct renamed batch[RENAMED_MAX];
    unsigned count;
    int error = 0;

    pthread_mutex_lock(&f->settle_lock);
    pthread_mutex_lock(&f->lock);
    count = f->renamed_count;
    memcpy(batch, f->renamed, count * sizeof *batch);
    pthread_mutex_unlock(&f->lock);
    if (count > 0 && syncfs(f->root) < 0)
        error = -errno;
    for (unsigned i = 0; i < count && error == 0; i++)
        error = S_ISDIR(batch[i].node->type) ? settle_directory(f, &batch[i])
                                             : settle_file(f, &batch[i]);
    if (error == 0) {
        pthread_mutex_lock(&f->lock);
        f->renamed_count -= count; /* others may have come behind these */
        memmove(f->renamed, f->renamed + count, f->renamed_count * sizeof *f->renamed);
        pthread_mutex_unlock(&f->lock);
        for (unsigned i = 0; i < count; i++)
            nodes_put(f->nodes, batch[i].node);
    }
    pthread_mutex_unlock(&f->settle_lock);
    return error;
}

int folder_note_renamed(struct folder *f, struct node *node, const uint8_t tag[FOLDER_TAG])
{
    struct node *kept = nodes_get(f->nodes, node->id);
    bool noted = false;

    if (!kept)
        return -ESTALE;
    while (!noted) {
        pthread_mutex_lock(&f->lock);
        if (f->renamed_count < RENAMED_MAX) {
            struct renamed *renamed = &f->renamed[f->renamed_count++];

            renamed->node = kept;
            memcpy(renamed->tag, tag, FOLDER_TAG);
            noted = true;
        }
        pthread_mutex_unlock(&f->lock);
        if (!noted) {
            int error = folder_settle_renamed(f);

            if (error != 0) {
                nodes_put(f->nodes, kept);
                return error;
            }
        }
    }
    return 0;
}
