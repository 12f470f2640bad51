/* A whole header for people and for scripts: never key material, nor salts or digests. */
#ifndef KEEP_COMMAND_HEADER_VIEW_H
#define KEEP_COMMAND_HEADER_VIEW_H

#include "base/text.h"
#include "codec/json.h"
#include "vault/header/luks2.h"

void header_view_text(const struct luks2 *header, struct text *text);

/* NULL when there is no memory. */
struct json *header_view_json(const struct luks2 *header);

/* A text of a header, which anybody may have written: itself where it is safe to show. */
const char *header_view_plain(const char *text);

/* The two copies: "both copies are sound", or which is not and why. */
void header_view_copies(const struct luks2 *header, struct text *text);

#endif
