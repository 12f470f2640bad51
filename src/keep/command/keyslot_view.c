#include "keep/command/keyslot_view.h"

#include <string.h>

#include "base/units.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot_name.h"

static const char *const priorities[] = {"ignore", "normal", "prefer"};

/* Of slots that hold another key than that of the data: of no use to open it. */
static bool is_unbound(const struct luks2 *header, unsigned number)
{
    int digest = digest_of_keyslot(header, number);

    return digest == DIGEST_NONE || digest != digest_of_segment(header, 0);
}

static bool holds_key(const struct luks2_keyslot *slot)
{
    return strcmp(slot->type, "luks2") == 0 || strcmp(slot->type, "luks1") == 0;
}

void keyslot_view_name(const struct luks2 *header, unsigned number, struct text *text)
{
    const char *name = keyslot_name_get(header, number);

    if (name)
        text_printf(text, "%s (%u)", name, number);
    else
        text_printf(text, "%u", number);
}

static void add_costs(const struct luks2_keyslot *slot, struct text *text)
{
    const struct kdf_params *kdf = &slot->kdf;
    char size[16];

    if (!kdf->kdf)
        text_printf(text, "not known here");
    else if (kdf->kdf->takes_memory)
        text_printf(text, "%s, %u passes, %s, %u lanes", kdf->kdf->name, kdf->passes,
                    units_size(size, (uint64_t)kdf->memory_kib << 10), kdf->lanes);
    else
        text_printf(text, "%s-%s, %u iterations", kdf->kdf->name,
                    kdf->hash ? kdf->hash->name : "unknown", kdf->passes);
}

void keyslot_view_kdf(const struct luks2 *header, unsigned number, struct text *text)
{
    const struct luks2_keyslot *slot = &header->keyslots[number];

    if (!holds_key(slot)) {
        text_printf(text, "no key: of another type");
        return;
    }
    add_costs(slot, text);
    if (slot->priority != LUKS2_NORMAL)
        text_printf(text, "; %s",
                    slot->priority == LUKS2_PREFER ? "tried first" : "not tried");
    if (is_unbound(header, number))
        text_printf(text, "; does not open the data");
}

static struct json *kdf_json(const struct luks2_keyslot *slot)
{
    const struct kdf_params *kdf = &slot->kdf;
    struct json *json = json_new_object();
    bool good = json_put_string(json, "type", slot->kdf_type);

    if (good && kdf->kdf && kdf->kdf->takes_memory)
        good = json_put_number(json, "passes", kdf->passes) &&
               json_put_number(json, "memory_kib", kdf->memory_kib) &&
               json_put_number(json, "lanes", kdf->lanes);
    else if (good && kdf->kdf)
        good = (!kdf->hash || json_put_string(json, "hash", kdf->hash->name)) &&
               json_put_number(json, "iterations", kdf->passes);
    if (good)
        return json;
    json_close(json);
    return NULL;
}

static bool put_key(struct json *json, const struct luks2_keyslot *slot)
{
    return json_put_number(json, "key_bits", (uint64_t)slot->key_size * 8) &&
           json_put_string(json, "encryption", slot->area_encryption) &&
           json_put(json, "kdf", kdf_json(slot));
}

struct json *keyslot_view_json(const struct luks2 *header, unsigned number)
{
    const struct luks2_keyslot *slot = &header->keyslots[number];
    const char *name = keyslot_name_get(header, number);
    struct json *json = json_new_object();

    if (json_put_number(json, "slot", number) &&
        (!name || json_put_string(json, "name", name)) &&
        json_put_string(json, "type", slot->type) &&
        json_put_string(json, "priority", priorities[slot->priority]) &&
        json_put_string(json, "opens", is_unbound(header, number) ? "nothing" : "data") &&
        json_put_number(json, "area_offset", slot->area_offset) &&
        json_put_number(json, "area_size", slot->area_size) &&
        (!holds_key(slot) || put_key(json, slot)))
        return json;
    json_close(json);
    return NULL;
}
