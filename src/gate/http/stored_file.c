#include "gate/http/stored_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rc failed(const char *call, const char *path, struct fault *why)
{
    return fail(why, RC_IO, "%s() \"%s\" failed (%d: %s)", call, path, errno, strerror(errno));
}

bool stored_file_is_path(struct span path)
{
    if (path.len == 0 || path.at[0] != '/' || path.at[path.len - 1] == '/' ||
        memchr(path.at, 0, path.len))
        return false;
    while (path.len > 0) {
        struct span part = span_cut(&path, span_find(path, '/'));

        span_cut(&path, 1);
        if (span_equal(part, SPAN("..")))
            return false;
    }
    return true;
}

/* A folder can be entered by whoever may read what is in it. */
static void make_folders(char *path, mode_t access)
{
    const mode_t mode = access | (access & 0444) >> 2;

    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(path, mode) == 0)
            (void)!chmod(path, mode); /* whatever the umask */
        *slash = '/';
    }
}

enum rc stored_file_begin(struct stored_file *file, struct span path, mode_t access,
                          struct fault *why)
{
    const char *name = memrchr(path.at, '/', path.len);
    struct stored_file made = {.path = strndup((const char *)path.at, path.len), .fd = -1};

    if (!made.path || asprintf(&made.temporary, "%.*s/.gate-XXXXXX",
                               (int)(name - (const char *)path.at), path.at) < 0) {
        free(made.path);
        return fail(why, RC_MEMORY, "no memory for a file's name");
    }
    made.fd = mkostemp(made.temporary, O_CLOEXEC);
    if (made.fd < 0 && errno == ENOENT) {
        strcpy(made.temporary + strlen(made.temporary) - 6, "XXXXXX");
        make_folders(made.path, access);
        made.fd = mkostemp(made.temporary, O_CLOEXEC);
    }
    if (made.fd < 0) {
        const enum rc rc = failed("open", made.path, why);

        free(made.path);
        free(made.temporary);
        return rc;
    }
    *file = made;
    return RC_OK;
}

enum rc stored_file_add(struct stored_file *file, struct span bytes, struct fault *why)
{
    while (bytes.len > 0) {
        ssize_t done = write(file->fd, bytes.at, bytes.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return failed("write", file->temporary, why);
        span_cut(&bytes, (uint64_t)done);
    }
    return RC_OK;
}

enum rc stored_file_end(struct stored_file *file, mode_t access, const time_t *modified,
                        struct fault *why)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                      {.tv_sec = modified ? *modified : 0}};
    enum rc rc = RC_OK;

    if (fchmod(file->fd, access) < 0)
        rc = failed("fchmod", file->temporary, why);
    else if (modified && futimens(file->fd, times) < 0)
        rc = failed("futimens", file->temporary, why);
    else if (rename(file->temporary, file->path) < 0)
        rc = failed("rename", file->path, why);
    if (rc == RC_OK) {
        free(file->temporary);
        file->temporary = NULL;
    }
    stored_file_clear(file);
    return rc;
}

void stored_file_clear(struct stored_file *file)
{
    if (!file->path)
        return;
    close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct stored_file){0};
}
