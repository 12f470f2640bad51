#include "gate/auth/htpasswd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/base64.h"
#include "gate/auth/password.h"

enum { FILE_MAX = 16 << 20 };

/* nginx takes the text without its padding, too. */
static enum rc decode(struct span text, struct buffer *room)
{
    uint8_t padded[2 * PASSWORD_MAX];
    size_t len = 0;
    enum rc rc;

    while (text.len > 0 && text.at[text.len - 1] == '=')
        text.len--;
    if (text.len + 3 > sizeof padded)
        return RC_LIMIT;
    memcpy(padded, text.at, text.len);
    for (len = text.len; len % 4 != 0; len++)
        padded[len] = '=';
    rc = base64_decode(span_of(padded, len), room->at, room->size, &room->len);
    explicit_bzero(padded, sizeof padded);
    return rc;
}

bool htpasswd_credentials(struct span value, struct buffer *room, struct span *user,
                          struct span *password)
{
    struct span pair;

    if (value.len < 6 || !span_equal_nocase(span_cut(&value, 6), SPAN("Basic ")))
        return false;
    while (value.len > 0 && value.at[0] == ' ')
        span_cut(&value, 1);
    if (value.len == 0 || decode(value, room) != RC_OK)
        return false;
    pair = buffer_span(room);
    *user = span_cut(&pair, span_find(pair, ':'));
    if (pair.len == 0 || user->len == 0)
        return false;
    span_cut(&pair, 1);
    *password = pair;
    return true;
}

bool htpasswd_find(struct span text, struct span user, struct span *kept)
{
    while (text.len > 0) {
        struct span line = span_cut(&text, span_find(text, '\n'));

        span_cut(&text, 1);
        if (line.len == 0 || line.at[0] == '#' || line.at[0] == '\r' ||
            !span_equal(span_cut(&line, span_find(line, ':')), user) || line.len == 0)
            continue;
        span_cut(&line, 1);
        *kept = span_cut(&line, span_find(line, ':'));
        kept->len = span_find(*kept, '\r');
        return true;
    }
    return false;
}

static enum rc read_all(int fd, const char *path, uint8_t **at, size_t *len, struct fault *why)
{
    struct stat stat;

    if (fd < 0)
        return fail(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO,
                    "open() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
    if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > FILE_MAX)
        return fail(why, RC_IO, "\"%s\" is not a file of passwords", path);
    if (!(*at = malloc((size_t)stat.st_size + 1)))
        return fail(why, RC_MEMORY, "no memory for \"%s\"", path);
    for (ssize_t got = 1; got > 0 && *len < (size_t)stat.st_size; *len += (size_t)got)
        if ((got = read(fd, *at + *len, (size_t)stat.st_size - *len)) < 0)
            return fail(why, RC_IO, "read() \"%s\" failed (%d: %s)", path, errno,
                        strerror(errno));
    return RC_OK;
}

enum rc htpasswd_check(const char *path, struct span user, struct span password,
                       enum htpasswd_verdict *verdict, struct fault *why)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct span kept;
    uint8_t *at = NULL;
    size_t len = 0;
    enum rc rc = read_all(fd, path, &at, &len, why);

    if (fd >= 0)
        close(fd);
    if (rc == RC_OK)
        *verdict = !htpasswd_find(span_of(at, len), user, &kept) ? HTPASSWD_UNKNOWN
                   : password_fits(kept, password)               ? HTPASSWD_FITS
                                                                 : HTPASSWD_MISMATCH;
    if (at)
        explicit_bzero(at, len);
    free(at);
    return rc;
}
