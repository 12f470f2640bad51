#include "vault/header/binary.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/equal.h"
#include "crypto/random.h"

enum {
    MAGIC_SIZE = 6,
    VERSION = 2,
    VERSION_AT = 6,
    COPY_SIZE_AT = 8,
    SEQUENCE_AT = 16,
    LABEL_AT = 24,
    CHECKSUM_NAME_AT = 72,
    SALT_AT = 104,
    UUID_AT = 168,
    SUBSYSTEM_AT = 208,
    OFFSET_AT = 256,
};

static const uint8_t magic_first[MAGIC_SIZE] = {'L', 'U', 'K', 'S', 0xba, 0xbe};
static const uint8_t magic_second[MAGIC_SIZE] = {'S', 'K', 'U', 'L', 0xba, 0xbe};

bool binary_is_first(const uint8_t *at)
{
    return memcmp(at, magic_first, MAGIC_SIZE) == 0;
}

bool binary_is_second(const uint8_t *at)
{
    return memcmp(at, magic_second, MAGIC_SIZE) == 0;
}

uint16_t binary_version(const uint8_t *at)
{
    return be16_get(at + VERSION_AT);
}

/* A text that ends within its field. */
static bool get_text(char *into, const uint8_t *at, size_t size)
{
    if (!memchr(at, 0, size))
        return false;
    memcpy(into, at, size);
    return true;
}

static bool is_copy_size(uint64_t size)
{
    return size >= LUKS2_HEADER_SIZE_MIN && size <= LUKS2_HEADER_SIZE_MAX &&
           (size & (size - 1)) == 0;
}

enum rc binary_parse(struct luks2 *header, const uint8_t *at, uint64_t offset,
                     struct fault *why)
{
    uint64_t size = be64_get(at + COPY_SIZE_AT), place = be64_get(at + OFFSET_AT);

    if (!(offset == 0 ? binary_is_first(at) : binary_is_second(at)))
        return fail(why, RC_FORMAT, "there is no LUKS signature");
    if (binary_version(at) != VERSION)
        return fail(why, RC_UNSUPPORTED, "LUKS version %u", binary_version(at));
    if (!is_copy_size(size) || place != offset || (offset != 0 && offset != size))
        return fail(why, RC_FORMAT,
                    "a size of %" PRIu64 " at offset %" PRIu64 " cannot be right", size,
                    place);
    if (!get_text(header->label, at + LABEL_AT, sizeof header->label) ||
        !get_text(header->subsystem, at + SUBSYSTEM_AT, sizeof header->subsystem) ||
        !get_text(header->uuid, at + UUID_AT, sizeof header->uuid) ||
        !get_text(header->checksum, at + CHECKSUM_NAME_AT, sizeof header->checksum))
        return fail(why, RC_FORMAT, "a text does not end within its field");
    if (!hash_find(header->checksum))
        return fail(why, RC_UNSUPPORTED, "the checksum \"%s\" is not known", header->checksum);
    header->copy_size = (uint32_t)size;
    header->sequence = be64_get(at + SEQUENCE_AT);
    return RC_OK;
}

/* Over the whole copy, with zeros in the checksum's own place. */
static enum rc checksum(const struct luks2 *header, const uint8_t *copy, uint8_t *out,
                        struct fault *why)
{
    static const uint8_t zeros[BINARY_CHECKSUM_SIZE];
    size_t behind = BINARY_CHECKSUM_AT + BINARY_CHECKSUM_SIZE;
    const struct span pieces[] = {span_of(copy, BINARY_CHECKSUM_AT),
                                  span_of(zeros, sizeof zeros),
                                  span_of(copy + behind, header->copy_size - behind)};

    return hash_compute(hash_find(header->checksum), pieces, 3, out, why);
}

enum rc binary_check(const struct luks2 *header, const uint8_t *copy, struct fault *why)
{
    uint8_t right[HASH_SIZE_MAX];
    size_t size = hash_find(header->checksum)->size;
    enum rc rc = checksum(header, copy, right, why);

    if (rc != RC_OK)
        return rc;
    if (!equal_bytes(span_of(right, size), span_of(copy + BINARY_CHECKSUM_AT, size)))
        return fail(why, RC_FORMAT, "the checksum is wrong: it is damaged");
    return RC_OK;
}

enum rc binary_write(const struct luks2 *header, uint8_t *copy, uint64_t offset,
                     struct fault *why)
{
    enum rc rc;

    memset(copy, 0, BINARY_SIZE);
    memcpy(copy, offset == 0 ? magic_first : magic_second, MAGIC_SIZE);
    be16_put(copy + VERSION_AT, VERSION);
    be64_put(copy + COPY_SIZE_AT, header->copy_size);
    be64_put(copy + SEQUENCE_AT, header->sequence);
    memcpy(copy + LABEL_AT, header->label, sizeof header->label);
    memcpy(copy + CHECKSUM_NAME_AT, header->checksum, sizeof header->checksum);
    memcpy(copy + UUID_AT, header->uuid, sizeof header->uuid);
    memcpy(copy + SUBSYSTEM_AT, header->subsystem, sizeof header->subsystem);
    be64_put(copy + OFFSET_AT, offset);
    if ((rc = random_bytes(copy + SALT_AT, BINARY_SALT_SIZE, why)) != RC_OK)
        return rc;
    return checksum(header, copy, copy + BINARY_CHECKSUM_AT, why);
}
