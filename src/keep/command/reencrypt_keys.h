/* The key slots of a volume that gets a new volume key: each passphrase that is known keeps opening
 * it. */
#ifndef KEEP_COMMAND_REENCRYPT_KEYS_H
#define KEEP_COMMAND_REENCRYPT_KEYS_H

#include "keep/command/convert.h"

struct reencrypt_keys {
    const struct credential *credential; /* opens one slot */
    const char *others_file;             /* passphrases of others, a line each; or NULL */
    int key_slot;                        /* to be opened, or UNLOCK_ANY */
    bool yes;                            /* slots that nobody can open may go */
};

/*
 * Opens what can be opened, and adds a slot of the new key for each: in the header in memory. The
 * costs of each stay what they were, and so does its name.
 *
 *   digest  of c->final_key, whose slots these become; c->previous_key is filled
 *
 * RC_USAGE  slots would be lost, and the answer was not yes
 */
enum rc reencrypt_keys_add(struct convert *c, const struct reencrypt_keys *keys, int digest,
                           struct fault *why);

#endif
