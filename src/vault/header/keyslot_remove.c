#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"
#include "vault/header/metadata.h"

enum { WIPE_RUN = 1 << 20 };

/* The array of numbers under "keyslots" without one of them. */
static bool leave_out(struct json *member, const char *number)
{
    struct json *old = json_get(member, "keyslots"), *kept = json_new_array();
    const char *none;

    for (size_t i = 0; i < json_count(old); i++) {
        const char *name = json_string(json_at(old, i, &none));

        if (strcmp(name, number) != 0 && !json_put_string(kept, NULL, name)) {
            json_close(kept);
            return false;
        }
    }
    return json_put(member, "keyslots", kept);
}

static bool leave_out_of_all(struct json *section, const char *number)
{
    for (size_t i = 0; i < json_count(section); i++) {
        const char *name;

        if (!leave_out(json_at(section, i, &name), number))
            return false;
    }
    return true;
}

enum rc keyslot_remove(struct luks2 *header, unsigned number, struct fault *why)
{
    char name[12];

    if (number >= LUKS2_KEYSLOTS_MAX || !header->keyslots[number].present)
        return fail(why, RC_NOT_FOUND, "there is no keyslot %u", number);
    snprintf(name, sizeof name, "%u", number);
    if (!leave_out_of_all(json_get(header->metadata, "digests"), name) ||
        !leave_out_of_all(json_get(header->metadata, "tokens"), name))
        return fail(why, RC_MEMORY, "no memory to remove a keyslot");
    json_remove(json_get(header->metadata, "keyslots"), name);
    return metadata_refresh(header, why);
}

enum rc keyslot_remove_digest(struct luks2 *header, int digest, struct fault *why)
{
    uint32_t keyslots = header->digests[digest].keyslots;
    char name[12];
    enum rc rc;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        if (keyslots >> i & 1 && (rc = keyslot_remove(header, i, why)) != RC_OK)
            return rc;
    snprintf(name, sizeof name, "%d", digest);
    json_remove(json_get(header->metadata, "digests"), name);
    return metadata_refresh(header, why);
}

enum rc keyslot_copy_tokens(struct luks2 *header, unsigned from, unsigned to,
                            struct fault *why)
{
    char number[12], name[12];

    snprintf(name, sizeof name, "%u", to);
    for (unsigned i = 0; i < LUKS2_TOKENS_MAX; i++) {
        const struct luks2_token *token = &header->tokens[i];

        if (!token->present || !(token->keyslots >> from & 1) || token->keyslots >> to & 1 ||
            strcmp(token->type, KEYSLOT_NAME_TOKEN) == 0)
            continue;
        snprintf(number, sizeof number, "%u", i);
        if (!json_put_string(
                json_get(json_get(json_get(header->metadata, "tokens"), number), "keyslots"),
                NULL, name))
            return fail(why, RC_MEMORY, "no memory to change a header");
    }
    return metadata_refresh(header, why);
}

static enum rc wipe_run(struct device *device, uint64_t offset, uint8_t *noise, uint8_t *back,
                        size_t len, struct fault *why)
{
    enum rc rc;

    if ((rc = random_bytes(noise, len, why)) ||
        (rc = device_write(device, offset, noise, len, why)) ||
        (rc = device_flush(device, why)))
        return rc;
    device_forget(device, offset, len);
    if ((rc = device_read(device, offset, back, len, why)))
        return rc;
    if (memcmp(noise, back, len) != 0)
        return fail(why, RC_IO,
                    "offset %" PRIu64
                    ": the device does not give back what it was overwritten with",
                    offset);
    return RC_OK;
}

enum rc keyslot_wipe(struct device *device, uint64_t offset, uint64_t len, struct fault *why)
{
    size_t run = len < WIPE_RUN ? (size_t)len : WIPE_RUN;
    uint8_t *noise = malloc(2 * run + 1);
    enum rc rc = noise ? RC_OK : fail(why, RC_MEMORY, "no memory to wipe a keyslot");

    for (uint64_t done = 0; done < len && rc == RC_OK; done += run) {
        if (run > len - done)
            run = (size_t)(len - done);
        rc = wipe_run(device, offset + done, noise, noise + run, run, why);
    }
    free(noise);
    return rc;
}
