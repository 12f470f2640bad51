#include "gate/respond/symlinks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 256 };

static void close_quietly(int fd)
{
    const int error = errno;

    close(fd);
    errno = error;
}

/* What was opened over a link belongs to the link's owner, or it is closed: ELOOP. */
static int check_owner(int at, const char *name, int fd)
{
    struct stat link, target;

    if (fd < 0)
        return -1;
    if (fstatat(at, name, &link, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &target) == 0) {
        if (!S_ISLNK(link.st_mode) || link.st_uid == target.st_uid)
            return fd;
        errno = ELOOP;
    }
    close_quietly(fd);
    return -1;
}

/* One part of a path. */
static int step(const struct symlinks *s, int at, const char *name, int flags)
{
    return s->rule == SYMLINKS_OF_OWNER
               ? check_owner(at, name, openat(at, name, flags | O_CLOEXEC))
               : openat(at, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

size_t symlinks_trusted(const struct symlinks *s, const char *path)
{
    const struct span text = span_text(path), from = s->from;

    if (s->rule == SYMLINKS_FOLLOWED || from.len == 0 || !span_starts(text, from))
        return 0;
    if (from.len == text.len || path[from.len] == '/')
        return from.len;
    return path[from.len - 1] == '/' ? from.len - 1 : 0;
}

/* Where the walk begins: behind what is trusted. */
static int begin(const char *path, size_t trusted)
{
    char front[4096];

    if (trusted == 0)
        return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (trusted >= sizeof front) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(front, path, trusted);
    front[trusted] = '\0';
    return open(front, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Takes the next part off the path; false: there is none, or it is too long (errno). */
static bool next_part(const char **path, char name[NAME_SIZE])
{
    size_t len;

    *path += strspn(*path, "/");
    len = strcspn(*path, "/");
    errno = len == 0 ? 0 : ENAMETOOLONG;
    if (len == 0 || len >= NAME_SIZE)
        return false;
    memcpy(name, *path, len);
    name[len] = '\0';
    *path += len;
    return true;
}

int symlinks_open(const struct symlinks *s, const char *path, int flags)
{
    const size_t trusted = symlinks_trusted(s, path);
    const char *rest = path + trusted;
    char name[NAME_SIZE];
    int at, fd;

    if (s->rule == SYMLINKS_FOLLOWED || *rest == '\0')
        return open(path, flags | O_CLOEXEC);
    at = begin(path, trusted);
    while (at >= 0 && next_part(&rest, name)) {
        /* a '/' behind it: a directory, and the last one may be the whole answer */
        const bool is_last = rest[strspn(rest, "/")] == '\0';

        fd = step(s, at, name, is_last && *rest == '\0' ? flags : O_PATH | O_DIRECTORY);
        close_quietly(at);
        if (fd < 0 || is_last)
            return fd;
        at = fd;
    }
    if (at >= 0 && errno != 0) {
        close_quietly(at);
        return -1;
    }
    return at;
}

int symlinks_stat(const struct symlinks *s, const char *path, struct stat *found)
{
    int fd, done;

    if (s->rule == SYMLINKS_FOLLOWED || path[symlinks_trusted(s, path)] == '\0')
        return stat(path, found);
    fd = symlinks_open(s, path, O_PATH);
    if (fd < 0)
        return -1;
    done = fstat(fd, found);
    if (done == 0 && S_ISLNK(found->st_mode)) { /* O_PATH | O_NOFOLLOW opens a link itself */
        errno = ELOOP;
        done = -1;
    }
    close_quietly(fd);
    return done;
}
