#include "keep/command/credential_options.h"

#include <limits.h>
#include <stdio.h>

#include "base/units.h"
#include "keep/command/passphrase.h"
#include "vault/unlock.h"

static enum rc read_bytes(const char *name, const char *word, uint64_t *bytes,
                          struct fault *why)
{
    *bytes = 0;
    if (word && units_parse_size(span_text(word), bytes) != RC_OK)
        return fail(why, RC_USAGE, "--%s: \"%s\" is no number of bytes, as in 512 or 4K", name,
                    word);
    return RC_OK;
}

enum rc credential_options_read(const struct credential_options *options,
                                struct credential *credential, struct fault *why)
{
    enum rc rc;

    *credential = (struct credential){.passphrase_file = options->passphrase_file,
                                      .key_file = options->key_file};
    if (options->passphrase_file && options->key_file)
        return fail(why, RC_USAGE, "--passphrase-file and --key-file exclude each other");
    if (!options->key_file && (options->key_file_offset || options->key_file_size))
        return fail(why, RC_USAGE,
                    "--key-file-offset and --key-file-size need a --key-file beside them");
    if ((rc = read_bytes("key-file-offset", options->key_file_offset, &credential->key_offset,
                         why)))
        return rc;
    return read_bytes("key-file-size", options->key_file_size, &credential->key_size, why);
}

static bool is_input(const char *path)
{
    return path && path[0] == '-' && !path[1];
}

enum rc new_credential_options_read(const struct new_credential_options *options,
                                    const struct credential *opening,
                                    struct credential *credential, struct fault *why)
{
    *credential = (struct credential){.passphrase_file = options->passphrase_file,
                                      .key_file = options->key_file};
    if (options->passphrase_file && options->key_file)
        return fail(why, RC_USAGE,
                    "--new-passphrase-file and --new-key-file exclude each other");
    if (options->generate && (options->passphrase_file || options->key_file))
        return fail(why, RC_USAGE,
                    "--generate-passphrase needs no other new passphrase or key");
    if ((is_input(opening->passphrase_file) || is_input(opening->key_file)) &&
        (is_input(options->passphrase_file) || is_input(options->key_file)))
        return fail(why, RC_USAGE,
                    "standard input cannot be both the passphrase or key that opens and the "
                    "new one");
    return RC_OK;
}

enum rc credential_options_get_new(const struct credential *from, bool generate,
                                   const char *path, struct secret *secret, struct fault *why)
{
    char prompt[PATH_MAX + 32];
    enum rc rc;

    if (generate)
        return passphrase_generate(secret, why);
    snprintf(prompt, sizeof prompt, "New passphrase for %s: ", path);
    rc = credential_get(from, prompt, true, secret, why);
    if (rc == RC_OK && secret->len == 0)
        return fail(why, RC_USAGE, "%s: an empty passphrase protects nothing", path);
    return rc;
}

enum rc credential_options_key_slot(const char *word, int *key_slot, struct fault *why)
{
    uint64_t number;

    *key_slot = UNLOCK_ANY;
    if (!word)
        return RC_OK;
    if (units_parse_number(span_text(word), LUKS2_KEYSLOTS_MAX - 1, &number) != RC_OK)
        return fail(why, RC_USAGE, "--key-slot: \"%s\" is no number from 0 to %d", word,
                    LUKS2_KEYSLOTS_MAX - 1);
    *key_slot = (int)number;
    return RC_OK;
}
