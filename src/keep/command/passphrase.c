#include "keep/command/passphrase.h"

#include <stdio.h>
#include <unistd.h>

#include "crypto/random.h"

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

enum rc passphrase_generate(struct secret *phrase, struct fault *why)
{
    size_t len = PASSPHRASE_GROUPS * (PASSPHRASE_GROUP + 1) - 1;
    SCOPED(secret) noise = {0};
    enum rc rc;

    if ((rc = secret_alloc(&noise, len, why)) || (rc = random_bytes(noise.at, len, why)) ||
        (rc = secret_alloc(phrase, len, why)))
        return rc;
    for (size_t i = 0; i < len; i++)
        phrase->at[i] = i % (PASSPHRASE_GROUP + 1) == PASSPHRASE_GROUP
                            ? '-'
                            : (uint8_t)alphabet[noise.at[i] % 32];
    return RC_OK;
}

enum rc passphrase_show(const struct secret *phrase, struct fault *why)
{
    static const char end = '\n';

    printf("The passphrase, which is shown this once:\n");
    if (fflush(stdout) == 0 &&
        write(STDOUT_FILENO, phrase->at, phrase->len) == (ssize_t)phrase->len &&
        write(STDOUT_FILENO, &end, 1) == 1)
        return RC_OK;
    return fail_errno(why, RC_IO, "the new passphrase could not be shown, and is not used");
}
