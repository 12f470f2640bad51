/*
 * Whose key is in a slot: names for people, in one token of the header. A token
 * {"type":"keep-names","keyslots":["0"],"names":{"0":"alice"}} is kept by other programs, and
 * one that removes a slot takes its number out of "keyslots": a name whose slot is not listed
 * there is none.
 */
#ifndef VAULT_HEADER_KEYSLOT_NAME_H
#define VAULT_HEADER_KEYSLOT_NAME_H

#include "vault/header/luks2.h"

enum { KEYSLOT_NAME_MAX = 64 }; /* bytes */

#define KEYSLOT_NAME_TOKEN "keep-names"

/* NULL for a slot without one; valid until the header is changed. Safe to show. */
const char *keyslot_name_get(const struct luks2 *header, unsigned number);

/* 1 to KEYSLOT_NAME_MAX bytes of UTF-8, no control characters. */
bool keyslot_name_is_good(const char *name);

/*
 * In memory; luks2_write makes it last.
 *
 * RC_USAGE      not a name
 * RC_NOT_FOUND  there is no such slot
 * RC_LIMIT      all tokens are taken
 */
enum rc keyslot_name_set(struct luks2 *header, unsigned number, const char *name,
                         struct fault *why);

#endif
