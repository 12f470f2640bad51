/*
 * The JSON of the header: every rule of the specification that keeps a reader safe is checked
 * here, once. LUKS2 On-Disk Format Specification, chapter 3.
 */
#ifndef VAULT_HEADER_METADATA_H
#define VAULT_HEADER_METADATA_H

#include "codec/json.h"
#include "vault/header/luks2.h"

/*
 * The JSON area, padded with at least one NUL: `header` has its copy_size already. On success
 * header->metadata and all that is read from it are filled.
 */
enum rc metadata_parse(struct luks2 *header, struct span area, struct fault *why);

/* Fills the structs from header->metadata anew, after it was changed. */
enum rc metadata_refresh(struct luks2 *header, struct fault *why);

/* One member of each kind, named `number`; {0} in, filled on success. */
enum rc metadata_keyslot(struct luks2_keyslot *keyslot, const struct json *json,
                         struct fault *why);
enum rc metadata_segment(struct luks2_segment *segment, const struct json *json,
                         struct fault *why);
enum rc metadata_digest(struct luks2_digest *digest, const struct json *json,
                        struct fault *why);
enum rc metadata_token(struct luks2_token *token, const struct json *json, struct fault *why);

/* An array of the numbers of others, each below `max`, as bits. */
bool metadata_numbers(const struct json *array, unsigned max, uint32_t *bits);

/* The canonical decimal that names a member: "0", "1" .. max - 1. */
bool metadata_number(const char *name, unsigned max, unsigned *number);

#endif
