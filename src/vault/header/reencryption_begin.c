#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "vault/header/keyslot.h"
#include "vault/header/metadata.h"
#include "vault/header/reencryption.h"

static const char *const guards[2][3] = {
    {"none", "checksum", "journal"},
    {"datashift", "datashift-checksum", "datashift-journal"},
};

static bool put_keyslot(struct json *keyslots, const char *name, const struct reencryption *r)
{
    struct json *slot = json_new_object(), *area = json_new_object();

    if (!json_put(keyslots, name, slot) || !json_put(slot, "area", area) ||
        !json_put_string(slot, "type", "reencrypt") || !json_put_number(slot, "key_size", 1) ||
        !json_put_string(slot, "mode", reencryption_mode_name(r->mode)) ||
        !json_put_string(slot, "direction", r->backward ? "backward" : "forward") ||
        !json_put_number(slot, "priority", 0) ||
        !json_put_string(area, "type", guards[r->shift > 0][r->guard]) ||
        !json_put_decimal(area, "offset", r->area_offset) ||
        !json_put_decimal(area, "size", r->area_size))
        return false;
    if (r->guard == REENCRYPTION_CHECKSUM && (!json_put_string(area, "hash", r->hash->name) ||
                                              !json_put_number(area, "sector_size", r->block)))
        return false;
    return r->shift == 0 || json_put_decimal(area, "shift_size", r->shift);
}

static bool put_requirement(struct json *config, unsigned version)
{
    struct json *requirements = json_new_object(), *mandatory = json_new_array();
    char word[32];

    snprintf(word, sizeof word, "online-reencrypt-v%u", version);
    return json_put(config, "requirements", requirements) &&
           json_put(requirements, "mandatory", mandatory) &&
           json_put_string(mandatory, NULL, word);
}

static enum rc find_places(const struct luks2 *header, struct reencryption *r,
                           unsigned *digest, struct fault *why)
{
    r->keyslot = *digest = 0;
    while (r->keyslot < LUKS2_KEYSLOTS_MAX && header->keyslots[r->keyslot].present)
        r->keyslot++;
    while (*digest < LUKS2_DIGESTS_MAX && header->digests[*digest].present)
        ++*digest;
    if (r->area_size == 0)
        keyslot_find_gap(header, &r->area_offset, &r->area_size);
    if (r->keyslot == LUKS2_KEYSLOTS_MAX || *digest == LUKS2_DIGESTS_MAX ||
        r->area_size < LUKS2_AREA_ALIGN)
        return fail(why, RC_LIMIT,
                    "there is no room in the header for a reencryption; remove a key slot");
    return RC_OK;
}

enum rc reencryption_begin(struct luks2 *header, struct reencryption *r, uint64_t size,
                           const struct secret *previous_key, const struct secret *final_key,
                           struct fault *why)
{
    static const struct reencryption_progress nothing;
    unsigned number;
    char name[12];
    enum rc rc;

    r->version = r->shift > 0 && r->mode == REENCRYPTION_DECRYPT ? 3 : 2;
    if ((rc = find_places(header, r, &number, why)) != RC_OK)
        return rc;
    snprintf(name, sizeof name, "%u", r->keyslot);
    if (!put_keyslot(json_get(header->metadata, "keyslots"), name, r) ||
        !put_requirement(json_get(header->metadata, "config"), r->version))
        return fail(why, RC_MEMORY, "no memory to begin a reencryption");
    rc = reencryption_progress_put(header, r, size, &nothing, why);
    return rc == RC_OK ? reencryption_seal(header, r, number, previous_key, final_key, why)
                       : rc;
}

enum rc reencryption_end(struct luks2 *header, const struct reencryption *r, struct fault *why)
{
    int proof = digest_of_keyslot(header, r->keyslot);
    enum rc rc;

    json_remove(json_get(header->metadata, "config"), "requirements");
    if ((rc = reencryption_last_put(header, r, why)) ||
        (rc = proof != DIGEST_NONE ? keyslot_remove_digest(header, proof, why)
                                   : keyslot_remove(header, r->keyslot, why)))
        return rc;
    if (r->previous.digest == DIGEST_NONE || r->previous.digest == r->final.digest)
        return RC_OK;
    return keyslot_remove_digest(header, r->previous.digest, why);
}

/* ---- the note ---- */

static const char note[] = "keep-in-place";

static int find_note(const struct luks2 *header)
{
    for (int i = 0; i < LUKS2_TOKENS_MAX; i++)
        if (header->tokens[i].present && strcmp(header->tokens[i].type, note) == 0)
            return i;
    return -1;
}

bool reencryption_note_is_there(const struct luks2 *header)
{
    return find_note(header) >= 0;
}

enum rc reencryption_note_put(struct luks2 *header, struct fault *why)
{
    struct json *token;
    unsigned number = 0;
    char name[12];

    while (number < LUKS2_TOKENS_MAX && header->tokens[number].present)
        number++;
    if (number == LUKS2_TOKENS_MAX)
        return fail(why, RC_LIMIT, "all tokens of the header are taken");
    snprintf(name, sizeof name, "%u", number);
    token = json_new_object();
    if (!json_put(json_get(header->metadata, "tokens"), name, token) ||
        !json_put_string(token, "type", note) ||
        !json_put(token, "keyslots", json_new_array()))
        return fail(why, RC_MEMORY, "no memory to change a header");
    return metadata_refresh(header, why);
}

enum rc reencryption_note_remove(struct luks2 *header, struct fault *why)
{
    int number = find_note(header);
    char name[12];

    if (number < 0)
        return RC_OK;
    snprintf(name, sizeof name, "%d", number);
    json_remove(json_get(header->metadata, "tokens"), name);
    return metadata_refresh(header, why);
}
