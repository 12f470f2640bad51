/*
 * The token of a folder: an input is one, which stands in a header that is sound otherwise. Its volume key is known, so that a
 * volume key before is reached as well.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keep/tree/folder/folder_token.h"
#include "vault/header/binary.h"
#include "vault/header/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VOLUME_KEY = 64, COPY_SIZE = LUKS2_HEADER_SIZE_MIN };

static const char before[] =
    "{\"config\":{\"json_size\":\"12288\",\"keyslots_size\":\"0\"},\"keyslots\":{},"
    "\"digests\":{},"
    "\"segments\":{\"0\":{\"type\":\"linear\",\"offset\":\"0\",\"size\":\"dynamic\"}},"
    "\"tokens\":{\"0\":";
static const char behind[] = "}}";

static bool same(const struct folder_format *one, const struct folder_format *other)
{
    return strcmp(one->cipher, other->cipher) == 0 && one->plain_names == other->plain_names;
}

static void open_keys(const struct folder_format *format, const char *previous)
{
    SCOPED(secret) key = {0}, earlier = {0};
    struct folder_keys keys = {0};
    bool renews;

    if (secret_alloc(&key, VOLUME_KEY, NULL) != RC_OK)
        abort();
    if (folder_keys_open(&keys, format, &key, NULL) == RC_OK && previous)
        (void)!folder_keys_open_previous(format, &key, previous, &earlier, &renews, NULL);
    folder_keys_clear(&keys);
}

/* What was accepted is there again after a change. */
static void look(struct luks2 *header)
{
    struct folder_format format, again;

    if (folder_token_find(header, &format, NULL) != RC_OK)
        return;
    open_keys(&format, folder_token_previous(header));
    if (folder_token_set_previous(header, "none", NULL) != RC_OK ||
        strcmp(folder_token_previous(header), "none") != 0 ||
        folder_token_set_previous(header, NULL, NULL) != RC_OK ||
        folder_token_previous(header) || folder_token_find(header, &again, NULL) != RC_OK ||
        !same(&format, &again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t area[COPY_SIZE - BINARY_SIZE];
    const size_t head = sizeof before - 1, tail = sizeof behind - 1;
    struct luks2 *header;

    if (size >= sizeof area - head - tail || !(header = calloc(1, sizeof *header)))
        return 0;
    memset(area, 0, sizeof area);
    memcpy(area, before, head);
    memcpy(area + head, data, size);
    memcpy(area + head + size, behind, tail);
    header->copy_size = COPY_SIZE;
    if (metadata_parse(header, span_of(area, sizeof area), NULL) == RC_OK)
        look(header);
    luks2_close(header);
    return 0;
}
