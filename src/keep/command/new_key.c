#include "keep/command/new_key.h"

#include "vault/header/keyslot_name.h"

enum rc new_key_read(struct new_key *k, struct fault *why)
{
    const struct new_key_options *o = &k->options;
    enum rc rc;

    if (o->name && !keyslot_name_is_good(o->name))
        return fail(why, RC_USAGE,
                    "--name: 1 to %d bytes of UTF-8, without control characters",
                    KEYSLOT_NAME_MAX);
    if ((rc = credential_options_read(&o->credential, &k->credential, why)) ||
        (rc = new_credential_options_read(&o->fresh, &k->credential, &k->fresh, why)) ||
        (rc = credential_options_key_slot(o->key_slot, &k->key_slot, why)))
        return rc;
    return kdf_options_read(&o->kdf, &k->kdf, &k->kdf_ms, why);
}

/* It knows PBKDF2 alone, with one hash for the whole header, and has no place for names. */
static enum rc suit_luks1(struct new_key *k, const struct luks_target *target,
                          struct fault *why)
{
    enum rc rc;

    if (k->options.name)
        return fail(why, RC_USAGE, "--name: a LUKS1 header keeps no names of keys");
    if (!k->options.kdf.pbkdf) {
        k->options.kdf.pbkdf = "pbkdf2";
        if ((rc = kdf_options_read(&k->options.kdf, &k->kdf, &k->kdf_ms, why)) != RC_OK)
            return rc;
    }
    if (k->kdf.kdf->takes_memory)
        return fail(why, RC_USAGE, "--pbkdf: a LUKS1 header has pbkdf2 alone");
    k->kdf.hash = target->header->digests[0].hash;
    return RC_OK;
}

enum rc new_key_settle(struct new_key *k, const struct luks_target *target, struct fault *why)
{
    enum rc rc = target->is_luks1 ? suit_luks1(k, target, why) : RC_OK;

    return rc == RC_OK ? kdf_options_settle(&k->kdf, k->kdf_ms, why) : rc;
}
