/* What people and scripts are told of a key slot: never key material, nor salts. */
#ifndef KEEP_COMMAND_KEYSLOT_VIEW_H
#define KEEP_COMMAND_KEYSLOT_VIEW_H

#include "base/text.h"
#include "codec/json.h"
#include "vault/header/luks2.h"

/* "alice (3)", or "3" for a slot without a name; for sentences. */
void keyslot_view_name(const struct luks2 *header, unsigned number, struct text *text);

/* "argon2id, 4 passes, 1.0 GiB, 4 lanes", and what is special about the slot. */
void keyslot_view_kdf(const struct luks2 *header, unsigned number, struct text *text);

/* An object with all of it; NULL when there is no memory. */
struct json *keyslot_view_json(const struct luks2 *header, unsigned number);

#endif
