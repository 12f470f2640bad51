#include "keep/command/credential_options.h"

#include "base/units.h"

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
