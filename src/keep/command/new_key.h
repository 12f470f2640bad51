/* A new passphrase or key where an old one opens: what 'key add' and 'key change' have in common. */
#ifndef KEEP_COMMAND_NEW_KEY_H
#define KEEP_COMMAND_NEW_KEY_H

#include "keep/command/credential_options.h"
#include "keep/command/kdf_options.h"
#include "keep/command/luks_target.h"

struct new_key_options {
    struct credential_options credential;
    struct new_credential_options fresh;
    struct kdf_options kdf;
    const char *header, *key_slot, *name;
    bool help;
};

#define NEW_KEY_ROWS(name_doc, slot_doc)                                                      \
    {"name", 'n', "TEXT", name_doc, offsetof(struct new_key_options, name)},                  \
        {"key-slot", 0, "NUMBER", slot_doc, offsetof(struct new_key_options, key_slot)},      \
        CREDENTIAL_ROWS(struct new_key_options), NEW_CREDENTIAL_ROWS(struct new_key_options), \
        KDF_ROWS(struct new_key_options),                                                     \
        {"header", 0, "FILE", "The header is in this file, and not in the target.",           \
         offsetof(struct new_key_options, header)},                                           \
        COMMAND_HELP_ROW(struct new_key_options),                                             \
    {                                                                                         \
        0                                                                                     \
    }

/* One run of either. */
struct new_key {
    struct new_key_options options;
    struct credential credential, fresh;
    struct kdf_params kdf;
    unsigned kdf_ms;
    int key_slot;
};

/* RC_USAGE  options that do not fit */
enum rc new_key_read(struct new_key *k, struct fault *why);

/* What the format of the header has to say to them, and the costs, measured where that is asked for. */
enum rc new_key_settle(struct new_key *k, const struct luks_target *target, struct fault *why);

#endif
