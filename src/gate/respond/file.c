#include "gate/respond/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The parser of targets has resolved them all, but the cut may make one anew: "location /i" with
 * "alias /srv/x/" turns /i../secret into /srv/x/../secret.
 */
static bool has_dot_dot(struct span path)
{
    while (path.len > 0) {
        if (span_equal(span_cut(&path, span_find(path, '/')), SPAN("..")))
            return true;
        span_cut(&path, 1);
    }
    return false;
}

static void end_with_nul(struct buffer *b)
{
    buffer_add_byte(b, '\0');
    if (!b->full)
        b->len--;
}

bool file_path(struct span root, size_t replaced, struct span path, struct buffer *out)
{
    const size_t given = path.len;

    span_cut(&path, replaced);
    if (replaced > given || has_dot_dot(path))
        return false;
    buffer_add(out, root);
    buffer_add(out, path);
    if (memchr(out->at, '\0', out->len))
        return false;
    end_with_nul(out);
    return !out->full;
}

/* 'open() "/x" failed (2: No such file or directory)', and the status that errno comes to. */
static unsigned open_failed(const char *call, const char *path, struct fault *why)
{
    const int error = errno;

    (void)fail(why, RC_IO, "%s() \"%s\" failed (%d: %s)", call, path, error, strerror(error));
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return 404;
    case EACCES:
    case ELOOP:
        return 403;
    default:
        return 500;
    }
}

unsigned file_open(const char *path, const struct file_way *way, struct file *file,
                   struct fault *why)
{
    struct file_entry *held;
    struct stat stat;
    int fd;

    if (file_way_open(way, path, &stat, &fd, &held) < 0)
        return open_failed(way && way->links.rule != SYMLINKS_FOLLOWED ? "openat" : "open",
                           path, why);
    if (S_ISDIR(stat.st_mode))
        return 301;
    if (!S_ISREG(stat.st_mode)) {
        (void)fail(why, RC_IO, "\"%s\" is not a regular file", path);
        file_way_close(fd, held);
        return 404;
    }
    *file = (struct file){fd, held, (uint64_t)stat.st_size, stat.st_mtime};
    return 200;
}

static unsigned index_failed(const char *path, int error, struct fault *why)
{
    const bool forbidden = error == EACCES || error == ELOOP;

    (void)fail(why, RC_IO, "\"%s\" is %s (%d: %s)", path,
               forbidden ? "forbidden" : "not found", error, strerror(error));
    return forbidden ? 403 : 404;
}

/* After an index file that is not there: is its directory, the first `len` bytes? 0 where it is. */
static unsigned check_directory(struct buffer *path, const struct file_way *way, size_t len,
                                struct fault *why)
{
    char *text = (char *)path->at;
    const char first = text[len];
    struct stat stat_of;
    int error;

    text[len] = '\0';
    error = file_way_stat(way, text, &stat_of) == 0 ? 0 : errno;
    text[len] = first;
    if (error == 0 ||
        error == EACCES) /* its files could be asked for, so it may be searched */
        return 0;
    errno = error;
    return error == ENOENT || error == ENOTDIR ? index_failed(text, error, why)
                                               : open_failed("stat", text, why);
}

/* 200 where the file is there, 0 where the search goes on. */
static unsigned try_index(struct buffer *path, const struct file_way *way, struct span name,
                          bool is_first, struct fault *why)
{
    const size_t len = path->len;
    struct stat stat_of;
    unsigned status = 0;

    buffer_add(path, name);
    end_with_nul(path);
    if (path->full)
        status = index_failed((char *)path->at, ENAMETOOLONG, why);
    else if (file_way_stat(way, (char *)path->at, &stat_of) == 0)
        status = 200;
    else if (errno == ENOTDIR || errno == ENAMETOOLONG || errno == EACCES || errno == ELOOP)
        status = index_failed((char *)path->at, errno, why);
    else if (errno != ENOENT)
        status = open_failed("stat", (char *)path->at, why);
    else if (is_first)
        status = check_directory(path, way, len, why);
    path->len = len;
    path->at[len] = '\0';
    return status;
}

unsigned file_index(struct buffer *path, const struct file_way *way, const struct span *names,
                    size_t count, size_t *found, struct fault *why)
{
    for (*found = 0; *found < count; ++*found) {
        unsigned status;

        if (span_starts(names[*found], SPAN("/")))
            return 200;
        if ((status = try_index(path, way, names[*found], *found == 0, why)) != 0)
            return status;
    }
    (void)fail(why, RC_DENIED, "directory index of \"%s\" is forbidden", (char *)path->at);
    return 403;
}

struct span file_extension(struct span path)
{
    size_t dot = path.len;

    while (dot-- > 1 && path.at[dot] != '/')
        if (path.at[dot] == '.' && path.at[dot - 1] != '/')
            return span_of(path.at + dot + 1, path.len - dot - 1);
    return (struct span){0};
}

struct span file_etag(const struct file *file, char text[FILE_ETAG_MAX])
{
    int len = snprintf(text, FILE_ETAG_MAX, "\"%llx-%llx\"",
                       (unsigned long long)file->modified, (unsigned long long)file->size);

    return span_of(text, (size_t)len);
}
