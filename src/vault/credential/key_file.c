#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault/credential/credential.h"

enum { FIRST_ROOM = 4000 }; /* a page, with what a secret keeps for itself */

/* Bytes that were read, or -1 with errno. */
static ssize_t read_some(int fd, uint8_t *at, size_t size)
{
    ssize_t got;

    do
        got = read(fd, at, size);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Past `offset` bytes, of a pipe too: what is skipped may be key material, and so goes through
 * a secret. */
static enum rc skip(int fd, const char *path, uint64_t offset, struct fault *why)
{
    SCOPED(secret) skipped = {0};
    enum rc rc;

    if (offset == 0 || lseek(fd, (off_t)offset, SEEK_CUR) >= 0)
        return RC_OK;
    if (errno != ESPIPE)
        return fail_errno(why, RC_IO, "%s: cannot skip %" PRIu64 " bytes", path, offset);
    if ((rc = secret_alloc(&skipped, FIRST_ROOM, why)) != RC_OK)
        return rc;
    while (offset > 0) {
        ssize_t got = read_some(fd, skipped.at, offset < skipped.len ? offset : skipped.len);

        if (got < 0)
            return fail_errno(why, RC_IO, "%s: cannot read", path);
        if (got == 0)
            return fail(why, RC_TRUNCATED, "%s: ends before the key begins", path);
        offset -= (uint64_t)got;
    }
    return RC_OK;
}

/* A secret twice as large, with the first `len` bytes in it. */
static enum rc grow(struct secret *secret, size_t len, size_t most, struct fault *why)
{
    size_t size = secret->len < most / 2 ? 2 * secret->len : most;
    struct secret larger = {0};
    enum rc rc = secret_alloc(&larger, size, why);

    if (rc != RC_OK)
        return rc;
    memcpy(larger.at, secret->at, len);
    secret_clear(secret);
    *secret = larger;
    return RC_OK;
}

/* All that is left, or `most` bytes of it; *len of them are in `secret`, which is larger. */
static enum rc read_all(int fd, const char *path, size_t most, struct secret *secret,
                        size_t *len, struct fault *why)
{
    enum rc rc = secret_alloc(secret, most < FIRST_ROOM ? most : FIRST_ROOM, why);

    *len = 0;
    while (rc == RC_OK && *len < most) {
        ssize_t got;

        if (*len == secret->len && (rc = grow(secret, *len, most, why)) != RC_OK)
            break;
        if ((got = read_some(fd, secret->at + *len, secret->len - *len)) == 0)
            break;
        if (got < 0)
            rc = fail_errno(why, RC_IO, "%s: cannot read", path);
        else
            *len += (size_t)got;
    }
    return rc;
}

/* Skips, reads to the end or `size` bytes, and sees that it is all there and not too much. */
static enum rc read_key(int fd, const char *path, uint64_t offset, uint64_t size,
                        struct secret *secret, struct fault *why)
{
    size_t most = size > 0 ? (size_t)size : CREDENTIAL_MAX + 1, len;
    enum rc rc;

    if ((rc = skip(fd, path, offset, why)) ||
        (rc = read_all(fd, path, most, secret, &len, why)))
        return rc;
    if (len > CREDENTIAL_MAX)
        return fail(why, RC_LIMIT, "%s: longer than %d MiB", path, CREDENTIAL_MAX >> 20);
    if (len < size)
        return fail(why, RC_TRUNCATED, "%s: has only %zu of the %" PRIu64 " bytes asked for",
                    path, len, size);
    secret_cut(secret, len);
    return RC_OK;
}

static enum rc open_file(const char *path, int *fd, struct fault *why)
{
    if (strcmp(path, "-") == 0) {
        *fd = STDIN_FILENO;
        return RC_OK;
    }
    if ((*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) >= 0)
        return RC_OK;
    return fail_errno(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s: cannot open", path);
}

enum rc credential_key_file(const char *path, uint64_t offset, uint64_t size,
                            struct secret *secret, struct fault *why)
{
    int fd;
    enum rc rc;

    if (size > CREDENTIAL_MAX || offset > INT64_MAX)
        return fail(why, RC_LIMIT, "%s: a key has at most %d MiB", path, CREDENTIAL_MAX >> 20);
    if ((rc = open_file(path, &fd, why)) != RC_OK)
        return rc;
    if ((rc = read_key(fd, path, offset, size, secret, why)) != RC_OK)
        secret_clear(secret);
    if (fd != STDIN_FILENO)
        close(fd);
    return rc;
}

enum rc credential_passphrase_file(const char *path, struct secret *secret, struct fault *why)
{
    enum rc rc = credential_key_file(path, 0, 0, secret, why);

    if (rc == RC_OK && secret->len > 0 && secret->at[secret->len - 1] == '\n')
        secret_cut(secret, secret->len - 1);
    return rc;
}
