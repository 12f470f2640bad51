#include "keep/command/header_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "codec/utf8.h"
#include "keep/command/keyslot_view.h"
#include "keep/format/luks1/luks1_header.h"

const char *header_view_plain(const char *text)
{
    return !text ? "-" : utf8_is_plain(span_text(text)) ? text : "(not shown: no plain text)";
}

void header_view_copies(const struct luks2 *header, struct text *text)
{
    if (luks1_header_is(header))
        text_printf(text, "its one copy is sound, as far as LUKS1 can tell");
    else if (header->repair_due)
        text_printf(text, "the %s copy is damaged: %s",
                    header->second_is_good ? "first" : "second",
                    header_view_plain(header->damage.text));
    else
        text_printf(text, "both copies are sound");
}

static void add_numbers(struct text *text, const char *what, uint32_t bits)
{
    if (bits == 0)
        return;
    text_printf(text, ", %s", what);
    for (unsigned i = 0; i < 32; i++)
        if (bits >> i & 1)
            text_printf(text, " %u", i);
}

static void add_segment(struct text *text, unsigned number, const struct luks2_segment *s)
{
    text_printf(text, "Segment %-2u  %s at %" PRIu64, number, header_view_plain(s->type),
                s->offset);
    if (s->dynamic)
        text_printf(text, ", to the end of the device");
    else
        text_printf(text, ", %" PRIu64 " bytes", s->size);
    if (s->encryption)
        text_printf(text, ", %s, sectors of %u bytes", header_view_plain(s->encryption),
                    s->sector_size);
    if (s->integrity)
        text_printf(text, ", integrity %s", header_view_plain(s->integrity));
    text_printf(text, "%s\n", s->backup ? ", of a reencryption" : "");
}

static void add_keyslot(struct text *text, const struct luks2 *header, unsigned number)
{
    const struct luks2_keyslot *slot = &header->keyslots[number];

    text_printf(text, "Key slot ");
    keyslot_view_name(header, number, text);
    text_printf(text, "  ");
    keyslot_view_kdf(header, number, text);
    text_printf(text, "; area at %" PRIu64 ", %" PRIu64 " bytes\n", slot->area_offset,
                slot->area_size);
}

static void add_members(struct text *text, const struct luks2 *header)
{
    for (unsigned i = 0; i < LUKS2_SEGMENTS_MAX; i++)
        if (header->segments[i].present)
            add_segment(text, i, &header->segments[i]);
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        if (header->keyslots[i].present)
            add_keyslot(text, header, i);
    for (unsigned i = 0; i < LUKS2_DIGESTS_MAX; i++) {
        const struct luks2_digest *digest = &header->digests[i];

        if (!digest->present)
            continue;
        text_printf(text, "Digest %-2u   %s", i, header_view_plain(digest->type));
        add_numbers(text, "of key slots", digest->keyslots);
        add_numbers(text, "of segments", digest->segments);
        text_add_char(text, '\n');
    }
    for (unsigned i = 0; i < LUKS2_TOKENS_MAX; i++) {
        if (!header->tokens[i].present)
            continue;
        text_printf(text, "Token %-2u    %s", i, header_view_plain(header->tokens[i].type));
        add_numbers(text, "of key slots", header->tokens[i].keyslots);
        text_add_char(text, '\n');
    }
}

static const char *format_of(const struct luks2 *header)
{
    return luks1_header_is(header) ? "LUKS1" : "LUKS2";
}

void header_view_text(const struct luks2 *header, struct text *text)
{
    char size[16];

    text_printf(text, "Format      %s\n", format_of(header));
    text_printf(text, "UUID        %s\n", header_view_plain(header->uuid));
    if (header->label[0])
        text_printf(text, "Label       %s\n", header_view_plain(header->label));
    if (header->subsystem[0])
        text_printf(text, "Subsystem   %s\n", header_view_plain(header->subsystem));
    if (!luks1_header_is(header)) {
        text_printf(text, "Sequence    %" PRIu64 "\n", header->sequence);
        text_printf(text, "Copies      %s each, %s; ", units_size(size, header->copy_size),
                    header->checksum);
        header_view_copies(header, text);
        text_printf(text, "\nKey slots   %s\n", units_size(size, header->keyslots_size));
    }
    if (header->requirement)
        text_printf(text, "Requires    %s\n", header_view_plain(header->requirement));
    if (header->reencrypting)
        text_printf(text, "Requires    the end of a reencryption\n");
    add_members(text, header);
}

static struct json *numbers_json(uint32_t bits)
{
    struct json *array = json_new_array();
    bool good = array;

    for (unsigned i = 0; good && i < 32; i++)
        good = !(bits >> i & 1) || json_put_number(array, NULL, i);
    if (good)
        return array;
    json_close(array);
    return NULL;
}

static struct json *segment_json(const struct luks2 *header, unsigned number)
{
    const struct luks2_segment *s = &header->segments[number];
    struct json *json = json_new_object();

    if (json_put_number(json, "segment", number) &&
        json_put_string(json, "type", header_view_plain(s->type)) &&
        json_put_number(json, "offset", s->offset) &&
        (s->dynamic || json_put_number(json, "size", s->size)) &&
        (!s->encryption ||
         (json_put_string(json, "encryption", header_view_plain(s->encryption)) &&
          json_put_number(json, "sector_size", s->sector_size) &&
          json_put_number(json, "iv_tweak", s->iv_tweak))) &&
        (!s->integrity || json_put_string(json, "integrity", header_view_plain(s->integrity))))
        return json;
    json_close(json);
    return NULL;
}

static struct json *digest_json(const struct luks2 *header, unsigned number)
{
    const struct luks2_digest *d = &header->digests[number];
    struct json *json = json_new_object();

    if (json_put_number(json, "digest", number) &&
        json_put_string(json, "type", header_view_plain(d->type)) &&
        (!d->hash || (json_put_string(json, "hash", d->hash->name) &&
                      json_put_number(json, "iterations", d->iterations))) &&
        json_put(json, "keyslots", numbers_json(d->keyslots)) &&
        json_put(json, "segments", numbers_json(d->segments)))
        return json;
    json_close(json);
    return NULL;
}

static struct json *token_json(const struct luks2 *header, unsigned number)
{
    const struct luks2_token *t = &header->tokens[number];
    struct json *json = json_new_object();

    if (json_put_number(json, "token", number) &&
        json_put_string(json, "type", header_view_plain(t->type)) &&
        json_put(json, "keyslots", numbers_json(t->keyslots)))
        return json;
    json_close(json);
    return NULL;
}

static bool put_members(struct json *into, const struct luks2 *header)
{
    struct json *segments = json_new_array(), *keyslots = json_new_array();
    struct json *digests = json_new_array(), *tokens = json_new_array();
    bool good = json_put(into, "segments", segments);

    /* Each takes its value over, also after a failure. */
    good &= json_put(into, "keyslots", keyslots);
    good &= json_put(into, "digests", digests);
    good &= json_put(into, "tokens", tokens);
    for (unsigned i = 0; good && i < 32; i++)
        good = (!header->segments[i].present ||
                json_put(segments, NULL, segment_json(header, i))) &&
               (!header->keyslots[i].present ||
                json_put(keyslots, NULL, keyslot_view_json(header, i))) &&
               (i >= LUKS2_DIGESTS_MAX || !header->digests[i].present ||
                json_put(digests, NULL, digest_json(header, i))) &&
               (!header->tokens[i].present || json_put(tokens, NULL, token_json(header, i)));
    return good;
}

/* What LUKS1 has no notion of. */
static bool put_luks2(struct json *json, const struct luks2 *header)
{
    return json_put_string(json, "label", header_view_plain(header->label)) &&
           json_put_string(json, "subsystem", header_view_plain(header->subsystem)) &&
           json_put_number(json, "sequence", header->sequence) &&
           json_put_number(json, "copy_size", header->copy_size) &&
           json_put_number(json, "keyslots_size", header->keyslots_size) &&
           json_put_string(json, "checksum", header->checksum) &&
           (!header->requirement ||
            json_put_string(json, "requirement", header_view_plain(header->requirement))) &&
           json_put_string(json, "reencryption", header->reencrypting ? "begun" : "none");
}

struct json *header_view_json(const struct luks2 *header)
{
    bool is_luks1 = luks1_header_is(header);
    struct json *json = json_new_object();
    struct text copies = {0};
    bool good;

    header_view_copies(header, &copies);
    good = text_ok(&copies) && json_put_string(json, "format", format_of(header)) &&
           json_put_string(json, "uuid", header_view_plain(header->uuid)) &&
           json_put_string(json, "copies", copies.at) &&
           json_put_number(json, "sound_copies", header->repair_due || is_luks1 ? 1 : 2) &&
           (is_luks1 || put_luks2(json, header)) && put_members(json, header);
    text_clear(&copies);
    if (good)
        return json;
    json_close(json);
    return NULL;
}
