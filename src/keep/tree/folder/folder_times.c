/* Times of files: those that programs see, not those of our own writing. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/tree/folder/folder_tree.h"

void folder_times_open(struct folder *f, struct node *node)
{
    pthread_mutex_lock(&f->times_lock);
    kept_of(node)->handles++;
    pthread_mutex_unlock(&f->times_lock);
}

void folder_times_close(struct folder *f, struct node *node)
{
    pthread_mutex_lock(&f->times_lock);
    if (--kept_of(node)->handles == 0)
        kept_of(node)->is_told = false;
    pthread_mutex_unlock(&f->times_lock);
}

int folder_times_change(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);
    struct stat about;
    int error = 0;

    if (atomic_load(&kept->is_modified))
        return 0;
    pthread_mutex_lock(&f->times_lock);
    if (!atomic_load(&kept->is_modified)) {
        if (!kept->is_told) {
            error = fstat(node->fd, &about) < 0 ? -errno : 0;
            kept->modified = about.st_mtim;
        }
        atomic_store(&kept->is_modified, error == 0);
    }
    pthread_mutex_unlock(&f->times_lock);
    return error;
}

bool folder_times_prepare(struct folder *f, struct node *node)
{
    struct kept *kept = kept_of(node);
    bool settled = false;

    if (!kept || !atomic_load(&kept->is_modified) || folder_share(f, node) != 0)
        return false;
    if (content_is_cheap(kept->content)) /* what fails is tried again, and told then */
        settled = folder_commit(f, node, false) == 0 && content_is_settled(kept->content);
    folder_give(f, node);
    return settled;
}

void folder_times_told(struct folder *f, struct node *node, const struct timespec *modified,
                       bool prepared)
{
    struct kept *kept = kept_of(node);

    pthread_mutex_lock(&f->times_lock);
    kept->modified = *modified;
    kept->is_told = kept->handles > 0;
    if (prepared)
        atomic_store(&kept->is_modified, false);
    pthread_mutex_unlock(&f->times_lock);
}

int folder_put_back(int fd, const struct stat *about, int error)
{
    int done = 0;

    if ((about->st_mode & (S_ISUID | S_ISGID)) && geteuid() != 0)
        done = fchmod(fd, about->st_mode & ALLPERMS);
    if (futimens(fd, (struct timespec[]){about->st_atim, about->st_mtim}) < 0)
        done = -1;
    if (error != 0 || done == 0 || errno == EPERM || errno == EACCES)
        return error;
    return -errno;
}

/* Nobody has it open who could still tell another time. */
static bool is_due(const struct kept *kept)
{
    return kept->handles == 0 && atomic_load(&kept->is_modified);
}

int folder_times_before(struct node *node, struct stat *about)
{
    bool is_modified = atomic_load(&kept_of(node)->is_modified);

    *about = (struct stat){0};
    if ((!is_modified || geteuid() != 0) && fstat(node->fd, about) < 0)
        return -errno;
    about->st_atim.tv_nsec = UTIME_OMIT; /* nothing will be read */
    if (is_modified)
        about->st_mtim.tv_nsec = UTIME_OMIT;
    return 0;
}

int folder_times_put_back(struct folder *f, struct node *node, struct stat *about, int error)
{
    struct kept *kept = kept_of(node);
    bool is_modified;

    pthread_mutex_lock(&f->times_lock);
    is_modified = atomic_load(&kept->is_modified);
    if (is_due(kept) || (kept->is_told && !is_modified))
        about->st_mtim = kept->modified;
    else if (is_modified)
        about->st_mtim.tv_nsec = UTIME_OMIT;
    error = folder_put_back(node->fd, about, error);
    pthread_mutex_unlock(&f->times_lock);
    return error;
}

int folder_times_settle(struct folder *f, struct node *node)
{
    struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {0}};
    int error = 0;

    pthread_mutex_lock(&f->times_lock);
    times[1] = kept_of(node)->modified;
    if (is_due(kept_of(node)) && futimens(node->fd, times) < 0 && errno != EPERM)
        error = -errno;
    pthread_mutex_unlock(&f->times_lock);
    return error;
}
