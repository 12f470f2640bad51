/* What opens a folder: the keys that come from its volume key, each for one purpose. docs/formats/folder.md */
#ifndef KEEP_TREE_FOLDER_KEYS_H
#define KEEP_TREE_FOLDER_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/siv.h"

enum {
    FOLDER_ID = 16,  /* bytes of the id of a file or directory; so the next */
    FOLDER_TAG = 16, /* of the tag of a name */
    FOLDER_PAGE = 4096,
    FOLDER_VERSION = 1,
};

/* The parameters of a folder, as its token has them: they are part of every key. */
struct folder_format {
    const char *cipher; /* "aes-256-gcm" or "chacha20-poly1305" */
    bool plain_names;
};

struct folder_keys {
    const struct aead_kind *cipher;
    bool plain_names;
    struct siv *files, *names, *links, *attributes, *directories;
};

/* RC_UNSUPPORTED  a cipher that we do not have */
enum rc folder_keys_open(struct folder_keys *keys, const struct folder_format *format,
                         const struct secret *volume_key, struct fault *why);
/* Harmless on {0}. */
void folder_keys_clear(struct folder_keys *keys);

/*
 * While a folder gets a new volume key, its header has the one before, sealed under the new one, as
 * text; and with it whether files get new keys too. RC_DENIED: it is not authentic.
 */
enum rc folder_keys_seal_previous(const struct folder_format *format,
                                  const struct secret *volume_key,
                                  const struct secret *previous, bool renews, struct text *out,
                                  struct fault *why);
enum rc folder_keys_open_previous(const struct folder_format *format,
                                  const struct secret *volume_key, const char *text,
                                  struct secret *previous, bool *renews, struct fault *why);

/* A file key, 32 bytes. */
enum { FOLDER_FILE_KEY = 32, FOLDER_WRAPPED = FOLDER_FILE_KEY + SIV_TAG };

/* The key of an epoch of a file, in a cipher; NULL: no memory. */
struct aead *folder_keys_epoch(const struct folder_keys *keys,
                               const uint8_t file_key[FOLDER_FILE_KEY], uint32_t epoch);

#endif
