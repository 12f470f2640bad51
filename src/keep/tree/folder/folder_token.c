#include "keep/tree/folder/folder_token.h"

#include <string.h>

#include "vault/header/metadata.h"

#define TYPE "keep-folder"

enum { FORMAT_MAX = 1 << 20 };

enum rc folder_token_put(struct luks2 *header, const struct folder_format *format,
                         struct fault *why)
{
    struct json *tokens = json_get(header->metadata, "tokens"), *token = json_new_object();

    if (!json_put(tokens, "0", token) || !json_put_string(token, "type", TYPE) ||
        !json_put(token, "keyslots", json_new_array()) ||
        !json_put_number(token, "format", FOLDER_VERSION) ||
        !json_put_string(token, "cipher", format->cipher) ||
        !json_put_string(token, "names", format->plain_names ? "plain" : "encrypted"))
        return fail(why, RC_MEMORY, "no memory for a new header");
    return metadata_refresh(header, why);
}

static struct json *find(const struct luks2 *header)
{
    const struct json *tokens = json_get(header->metadata, "tokens");

    for (size_t i = 0; i < json_count(tokens); i++) {
        const char *name;
        struct json *token = json_at(tokens, i, &name);
        const char *type = json_string(json_get(token, "type"));

        if (type && strcmp(type, TYPE) == 0)
            return token;
    }
    return NULL;
}

enum rc folder_token_find(const struct luks2 *header, struct folder_format *format,
                          struct fault *why)
{
    const struct json *token = find(header);
    const char *names = json_string(json_get(token, "names"));
    uint64_t version;

    if (!token)
        return fail(why, RC_NOT_FOUND, "is a header, but not of an encrypted folder");
    if (!json_number(json_get(token, "format"), FORMAT_MAX, &version))
        return fail(why, RC_FORMAT, "its token " TYPE " names no format");
    if (version != FOLDER_VERSION)
        return fail(why, RC_UNSUPPORTED, "the folder has format %u, and this keep knows 1",
                    (unsigned)version);
    format->cipher = json_string(json_get(token, "cipher"));
    if (!format->cipher || !names ||
        (strcmp(names, "plain") != 0 && strcmp(names, "encrypted") != 0))
        return fail(why, RC_FORMAT, "its token " TYPE " names no cipher, or no form of names");
    format->plain_names = strcmp(names, "plain") == 0;
    return RC_OK;
}

const char *folder_token_previous(const struct luks2 *header)
{
    return json_string(json_get(find(header), "previous"));
}

enum rc folder_token_set_previous(struct luks2 *header, const char *text, struct fault *why)
{
    struct json *token = find(header);

    if (!text)
        json_remove(token, "previous");
    else if (!json_put_string(token, "previous", text))
        return fail(why, RC_MEMORY, "no memory to change a header");
    return metadata_refresh(header, why);
}
