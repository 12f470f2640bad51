#include "vault/unlock.h"

#include <stdlib.h>

#include "vault/header/digest.h"
#include "vault/header/keyslot.h"

/* What is tried, and what came of it so far. */
struct attempt {
    const struct luks2 *header;
    struct device *device;
    const struct secret *credential;
    int digest;             /* of the data */
    const char *encryption; /* which the key must suit */
    const char *integrity;  /* with it; NULL for none */
    unsigned tried;
    enum rc reason; /* why a slot could not be tried at all; RC_OK when none was in the way */
    struct fault cause; /* of it */
};

static bool holds_data_key(const struct attempt *a, unsigned slot)
{
    return a->header->keyslots[slot].present &&
           a->header->digests[a->digest].keyslots >> slot & 1;
}

/* Credential -> keyslot -> candidate -> digest. RC_DENIED: it opens another slot, or none. */
static enum rc try_slot(struct attempt *a, unsigned slot, struct secret *key,
                        struct fault *why)
{
    enum rc rc;

    if (!luks2_takes_key(a->encryption, a->integrity, a->header->keyslots[slot].key_size))
        return fail(why, RC_UNSUPPORTED, "keyslot %u: \"%s\" takes no key of %u bits", slot,
                    a->encryption, a->header->keyslots[slot].key_size * 8);
    if ((rc = keyslot_open(a->header, a->device, slot, a->credential, key, why)) == RC_OK)
        rc = digest_verify(&a->header->digests[a->digest], key, why);
    if (rc != RC_OK)
        secret_clear(key);
    return rc;
}

/* A slot that we cannot read does not keep the others from being tried; a failing device does.
 */
static bool may_go_on(enum rc rc)
{
    return rc == RC_DENIED || rc == RC_UNSUPPORTED || rc == RC_LIMIT || rc == RC_FORMAT ||
           rc == RC_MEMORY;
}

static enum rc try_and_note(struct attempt *a, unsigned slot, struct unlock *out,
                            struct fault *why)
{
    struct fault cause = {0};
    enum rc rc = try_slot(a, slot, &out->volume_key, &cause);

    if (rc == RC_OK) {
        out->keyslot = slot;
        return RC_OK;
    }
    if (!may_go_on(rc))
        return fail(why, rc, "%s", cause.text);
    a->tried++;
    if (rc != RC_DENIED && a->reason == RC_OK) {
        a->reason = rc;
        a->cause = cause;
    }
    return RC_DENIED;
}

static enum rc try_all(struct attempt *a, struct unlock *out, struct fault *why)
{
    for (int priority = LUKS2_PREFER; priority > LUKS2_IGNORE; priority--) {
        for (unsigned slot = 0; slot < LUKS2_KEYSLOTS_MAX; slot++) {
            enum rc rc;

            if (!holds_data_key(a, slot) ||
                (int)a->header->keyslots[slot].priority != priority)
                continue;
            if ((rc = try_and_note(a, slot, out, why)) != RC_DENIED)
                return rc;
        }
    }
    return RC_DENIED;
}

static enum rc try_named(struct attempt *a, int slot, struct unlock *out, struct fault *why)
{
    if (slot >= LUKS2_KEYSLOTS_MAX || !holds_data_key(a, (unsigned)slot))
        return fail(why, RC_NOT_FOUND, "there is no keyslot %d that holds the key of the data",
                    slot);
    return try_and_note(a, (unsigned)slot, out, why);
}

static enum rc try_slots(struct attempt *a, int keyslot, struct unlock *out, struct fault *why)
{
    enum rc rc =
        keyslot == UNLOCK_ANY ? try_all(a, out, why) : try_named(a, keyslot, out, why);

    if (rc != RC_DENIED)
        return rc;
    if (a->reason != RC_OK)
        return fail(why, a->reason, "%s", a->cause.text);
    if (a->tried == 0)
        return fail(why, RC_DENIED, "no keyslot of the header opens the data");
    return fail(why, RC_DENIED, "no keyslot opens with this passphrase or key");
}

enum rc unlock_digest(const struct luks2 *header, struct device *header_device, int digest,
                      const char *encryption, const struct secret *credential, int keyslot,
                      struct unlock *out, struct fault *why)
{
    struct attempt a = {.header = header,
                        .device = header_device,
                        .credential = credential,
                        .digest = digest,
                        .encryption = encryption};

    return try_slots(&a, keyslot, out, why);
}

enum rc unlock(const struct luks2 *header, struct device *header_device, uint64_t data_size,
               const struct secret *credential, int keyslot, struct unlock *out,
               struct fault *why)
{
    struct attempt a = {.header = header, .device = header_device, .credential = credential};
    struct luks2_extent extent;
    enum rc rc = luks2_extent_find(header, data_size, &extent, why);

    if (rc != RC_OK)
        return rc;
    if ((a.digest = digest_of_segment(header, extent.segment)) == DIGEST_NONE)
        return fail(why, RC_FORMAT, "no digest belongs to the data");
    a.encryption = extent.encryption;
    a.integrity = extent.integrity;
    if ((rc = try_slots(&a, keyslot, out, why)) == RC_OK)
        out->extent = extent;
    return rc;
}

void unlock_clear(struct unlock *u)
{
    secret_clear(&u->volume_key);
    *u = (struct unlock){0};
}
