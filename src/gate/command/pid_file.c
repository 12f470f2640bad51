#include "gate/command/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"

static enum rc failed(struct fault *why, const char *call, const char *path)
{
    return fail(why, RC_IO, "%s \"%s\" failed (%d: %s)", call, path, errno,
                strerrordesc_np(errno));
}

enum rc pid_file_write(const char *path, struct fault *why)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written;

    if (fd < 0)
        return failed(why, "open()", path);
    written = write(fd, text, (size_t)len) == len;
    if (close(fd) != 0 || !written)
        return failed(why, "write()", path);
    return RC_OK;
}

enum rc pid_file_read(const char *path, pid_t *pid, struct fault *why)
{
    char text[24];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t number;
    ssize_t n;

    if (fd < 0)
        return failed(why, "open()", path);
    n = read(fd, text, sizeof text);
    close(fd);
    if (n < 0)
        return failed(why, "read()", path);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (units_parse_number(span_of(text, (size_t)n), INT32_MAX, &number) != RC_OK ||
        number < 2)
        return fail(why, RC_FORMAT, "invalid PID number \"%.*s\" in \"%s\"", (int)n, text,
                    path);
    *pid = (pid_t)number;
    return RC_OK;
}

enum rc pid_file_test(const char *path, struct fault *why)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT &&
        (fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) >= 0)
        unlink(path);
    if (fd < 0)
        return failed(why, "open()", path);
    close(fd);
    return RC_OK;
}

void pid_file_remove(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        log_line(LOG_LEVEL_ALERT, "unlink() \"%s\" failed (%d: %s)", path, errno,
                 strerrordesc_np(errno));
}
