/*
 * What proves that nobody else wrote the metadata: a digest whose key is made of the volume keys
 * and of the metadata themselves. Each text stands there without an end, each number in
 * big-endian order.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/json.h"
#include "vault/header/metadata.h"
#include "vault/header/reencryption.h"

enum {
    PROOF_MAX = 2048,
    TEXT_MAX = 64,
    ITERATIONS = 1000, /* the volume keys are in it: nobody guesses those */
};

struct proof {
    struct secret bytes;
    bool failed; /* something is missing, or does not fit */
};

static void add(struct proof *p, const void *at, size_t len)
{
    if (len > PROOF_MAX - p->bytes.len)
        p->failed = true;
    if (p->failed)
        return;
    memcpy(p->bytes.at + p->bytes.len, at, len);
    p->bytes.len += len;
}

static void add_text(struct proof *p, const struct json *object, const char *name)
{
    const char *text = json_string(json_get(object, name));

    if (!text || !*text || strlen(text) > TEXT_MAX)
        p->failed = true;
    else
        add(p, text, strlen(text));
}

static void add_decimal(struct proof *p, const struct json *object, const char *name)
{
    uint8_t bytes[8];
    uint64_t number = 0;

    if (!json_decimal(json_get(object, name), UINT64_MAX, &number))
        p->failed = true;
    be64_put(bytes, number);
    add(p, bytes, sizeof bytes);
}

static void add_number(struct proof *p, const struct json *object, const char *name)
{
    uint8_t bytes[4];
    uint64_t number = 0;

    if (!json_number(json_get(object, name), UINT32_MAX, &number))
        p->failed = true;
    be32_put(bytes, (uint32_t)number);
    add(p, bytes, sizeof bytes);
}

static void add_size(struct proof *p, const struct json *segment)
{
    const char *size = json_string(json_get(segment, "size"));

    if (size && strcmp(size, "dynamic") == 0)
        add(p, size, strlen(size));
    else
        add_decimal(p, segment, "size");
}

static void add_segment(struct proof *p, const struct luks2 *header, enum luks2_role role)
{
    char name[12];
    unsigned i = 0;
    struct json *segment;

    while (i < LUKS2_SEGMENTS_MAX &&
           !(header->segments[i].present && header->segments[i].role == role))
        i++;
    if (i == LUKS2_SEGMENTS_MAX) {
        p->failed |= role != LUKS2_MOVED;
        return;
    }
    snprintf(name, sizeof name, "%u", i);
    segment = json_get(json_get(header->metadata, "segments"), name);
    add_text(p, segment, "type");
    add_decimal(p, segment, "offset");
    add_size(p, segment);
    if (strcmp(header->segments[i].type, "crypt") != 0)
        return;
    add_decimal(p, segment, "iv_tweak");
    add_text(p, segment, "encryption");
    add_number(p, segment, "sector_size");
}

static void add_keyslot(struct proof *p, const struct luks2 *header,
                        const struct reencryption *r)
{
    struct json *slot, *area;
    char name[12];

    snprintf(name, sizeof name, "%u", r->keyslot);
    slot = json_get(json_get(header->metadata, "keyslots"), name);
    area = json_get(slot, "area");
    add_text(p, slot, "mode");
    add_text(p, slot, "direction");
    add_text(p, area, "type");
    add_decimal(p, area, "offset");
    add_decimal(p, area, "size");
    if (r->guard == REENCRYPTION_CHECKSUM) {
        add_text(p, area, "hash");
        add_number(p, area, "sector_size");
    }
    if (r->shift > 0)
        add_decimal(p, area, "shift_size");
}

static enum rc assemble(struct proof *p, const struct luks2 *header,
                        const struct reencryption *r, const struct secret *previous_key,
                        const struct secret *final_key, struct fault *why)
{
    uint8_t version[] = {0x76, (uint8_t)(0x30 + r->version)};
    enum rc rc = secret_alloc(&p->bytes, PROOF_MAX, why);

    if (rc != RC_OK)
        return rc;
    p->bytes.len = 0;
    add(p, version, sizeof version);
    if (previous_key)
        add(p, previous_key->at, previous_key->len);
    if (final_key && r->final.digest != r->previous.digest)
        add(p, final_key->at, final_key->len);
    add_keyslot(p, header, r);
    add_segment(p, header, LUKS2_PREVIOUS);
    add_segment(p, header, LUKS2_FINAL);
    add_segment(p, header, LUKS2_MOVED);
    return p->failed ? fail(why, RC_FORMAT, "the metadata of the reencryption are incomplete")
                     : RC_OK;
}

enum rc reencryption_verify(const struct luks2 *header, const struct reencryption *r,
                            const struct secret *previous_key, const struct secret *final_key,
                            struct fault *why)
{
    int digest = digest_of_keyslot(header, r->keyslot);
    struct proof proof = {0};
    enum rc rc;

    if (r->version < 2 || digest == DIGEST_NONE)
        return fail(
            why, RC_UNSUPPORTED,
            "nothing proves who began this reencryption; 'cryptsetup repair' asks you");
    rc = assemble(&proof, header, r, previous_key, final_key, why);
    if (rc == RC_OK &&
        (rc = digest_verify(&header->digests[digest], &proof.bytes, why)) == RC_DENIED)
        rc = fail(why, RC_DENIED,
                  "the metadata of the reencryption were not written by anyone who has the "
                  "volume key, and it is not continued");
    secret_clear(&proof.bytes);
    return rc;
}

enum rc reencryption_seal(struct luks2 *header, const struct reencryption *r, unsigned digest,
                          const struct secret *previous_key, const struct secret *final_key,
                          struct fault *why)
{
    struct json *digests = json_get(header->metadata, "digests");
    struct proof proof = {0};
    char of[12], slot[12];
    enum rc rc = assemble(&proof, header, r, previous_key, final_key, why);

    if (rc == RC_OK)
        rc = digest_put(digests, digest, &proof.bytes, ITERATIONS, why);
    secret_clear(&proof.bytes);
    if (rc != RC_OK)
        return rc;
    snprintf(of, sizeof of, "%u", digest);
    snprintf(slot, sizeof slot, "%u", r->keyslot);
    if (!json_put_string(json_get(json_get(digests, of), "keyslots"), NULL, slot))
        return fail(why, RC_MEMORY, "no memory to begin a reencryption");
    return metadata_refresh(header, why);
}
