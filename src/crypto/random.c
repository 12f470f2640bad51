#include "crypto/random.h"

#include <errno.h>
#include <sys/random.h>

enum rc random_bytes(void *at, size_t len, struct fault *why)
{
    uint8_t *to = at;

    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_errno(why, RC_IO, "the kernel gives no random bytes");
        to += got;
        len -= (size_t)got;
    }
    return RC_OK;
}

enum rc random_key(struct secret *key, size_t len, struct fault *why)
{
    enum rc rc = secret_alloc(key, len, why);

    if (rc == RC_OK && (rc = random_bytes(key->at, len, why)) != RC_OK)
        secret_clear(key);
    return rc;
}
