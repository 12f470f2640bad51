#include "vault/credential/credential.h"

enum { PROMPT_TRIES = 3 };

/* Asks for a new passphrase until it was typed alike twice. */
static enum rc ask_twice(const char *prompt, struct secret *secret, struct fault *why)
{
    for (int i = 0; i < PROMPT_TRIES; i++) {
        SCOPED(secret) again = {0};
        enum rc rc;

        if ((rc = credential_ask(prompt, secret, why)) ||
            (rc = credential_ask("Again: ", &again, why))) {
            secret_clear(secret);
            return rc;
        }
        if (secret_equal(secret, &again))
            return RC_OK;
        secret_clear(secret);
    }
    return fail(why, RC_USAGE, "the two passphrases are not the same");
}

enum rc credential_get(const struct credential *from, const char *prompt, bool twice,
                       struct secret *secret, struct fault *why)
{
    if (from->passphrase_file && from->key_file)
        return fail(why, RC_USAGE, "--passphrase-file and --key-file exclude each other");
    if (!from->key_file && (from->key_offset > 0 || from->key_size > 0))
        return fail(why, RC_USAGE, "--key-file-offset and --key-file-size want --key-file");
    if (from->passphrase_file)
        return credential_passphrase_file(from->passphrase_file, secret, why);
    if (from->key_file)
        return credential_key_file(from->key_file, from->key_offset, from->key_size, secret,
                                   why);
    return twice ? ask_twice(prompt, secret, why) : credential_ask(prompt, secret, why);
}
