#include "vault/header/keyslot_name.h"

#include <stdio.h>
#include <string.h>

#include "codec/utf8.h"
#include "vault/header/metadata.h"

enum { NO_TOKEN = -1 };

static int find_token(const struct luks2 *header)
{
    for (int i = 0; i < LUKS2_TOKENS_MAX; i++) {
        if (header->tokens[i].present &&
            strcmp(header->tokens[i].type, KEYSLOT_NAME_TOKEN) == 0)
            return i;
    }
    return NO_TOKEN;
}

static struct json *token_json(const struct luks2 *header, int token)
{
    char number[12];

    snprintf(number, sizeof number, "%d", token);
    return json_get(json_get(header->metadata, "tokens"), number);
}

bool keyslot_name_is_good(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= KEYSLOT_NAME_MAX && utf8_is_plain(span_text(name));
}

const char *keyslot_name_get(const struct luks2 *header, unsigned number)
{
    int token = find_token(header);
    const char *name;
    char slot[12];

    if (token == NO_TOKEN || !(header->tokens[token].keyslots >> number & 1))
        return NULL;
    snprintf(slot, sizeof slot, "%u", number);
    name = json_string(json_get(json_get(token_json(header, token), "names"), slot));
    return name && keyslot_name_is_good(name) ? name : NULL;
}

static enum rc make_token(struct luks2 *header, int *number, struct fault *why)
{
    struct json *token = json_new_object();
    char name[12];
    int free_one = 0;

    while (free_one < LUKS2_TOKENS_MAX && header->tokens[free_one].present)
        free_one++;
    if (free_one == LUKS2_TOKENS_MAX) {
        json_close(token);
        return fail(why, RC_LIMIT, "all %d tokens of the header are in use", LUKS2_TOKENS_MAX);
    }
    snprintf(name, sizeof name, "%d", free_one);
    if (!json_put(json_get(header->metadata, "tokens"), name, token) ||
        !json_put_string(token, "type", KEYSLOT_NAME_TOKEN) ||
        !json_put(token, "keyslots", json_new_array()))
        return fail(why, RC_MEMORY, "no memory to name a keyslot");
    *number = free_one;
    return metadata_refresh(header, why);
}

/* Names of slots that are gone are left behind. */
static struct json *make_names(const struct luks2 *header, unsigned number, const char *name)
{
    struct json *names = json_new_object();

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const char *kept = i == number ? name : keyslot_name_get(header, i);
        char slot[12];

        snprintf(slot, sizeof slot, "%u", i);
        if (kept && !json_put_string(names, slot, kept)) {
            json_close(names);
            return NULL;
        }
    }
    return names;
}

static struct json *list_names(const struct json *names)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < json_count(names); i++) {
        const char *slot;

        (void)json_at(names, i, &slot);
        if (!json_put_string(list, NULL, slot)) {
            json_close(list);
            return NULL;
        }
    }
    return list;
}

enum rc keyslot_name_set(struct luks2 *header, unsigned number, const char *name,
                         struct fault *why)
{
    int token = find_token(header);
    struct json *names, *json;
    enum rc rc;

    if (!keyslot_name_is_good(name))
        return fail(why, RC_USAGE,
                    "a name has 1 to %d bytes of UTF-8, without control characters",
                    KEYSLOT_NAME_MAX);
    if (number >= LUKS2_KEYSLOTS_MAX || !header->keyslots[number].present)
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u", number);
    if (token == NO_TOKEN && (rc = make_token(header, &token, why)) != RC_OK)
        return rc;
    json = token_json(header, token);
    names = make_names(header, number, name);
    if (!json_put(json, "keyslots", names ? list_names(names) : NULL)) {
        json_close(names);
        return fail(why, RC_MEMORY, "no memory to name a keyslot");
    }
    if (!json_put(json, "names", names))
        return fail(why, RC_MEMORY, "no memory to name a keyslot");
    return metadata_refresh(header, why);
}
