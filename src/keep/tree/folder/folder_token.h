/* The token of an encrypted folder in its LUKS2 header: docs/formats/folder.md. */
#ifndef KEEP_TREE_FOLDER_FOLDER_TOKEN_H
#define KEEP_TREE_FOLDER_FOLDER_TOKEN_H

#include "keep/tree/folder/keys.h"
#include "vault/header/luks2.h"

/* Adds it to a new header, in memory. RC_MEMORY, RC_FORMAT */
enum rc folder_token_put(struct luks2 *header, const struct folder_format *format,
                         struct fault *why);

/*
 * The cipher's text lives as long as the header.
 *
 * RC_NOT_FOUND    it is no header of a folder
 * RC_UNSUPPORTED  a format that we do not know
 * RC_FORMAT       a token that breaks the format
 */
enum rc folder_token_find(const struct luks2 *header, struct folder_format *format,
                          struct fault *why);

/* While it gets a new volume key: the one before, sealed; else NULL. The text lives as long as the
 * header's do. */
const char *folder_token_previous(const struct luks2 *header);
/* NULL takes it away; in memory. RC_MEMORY, RC_FORMAT */
enum rc folder_token_set_previous(struct luks2 *header, const char *text, struct fault *why);

#endif
