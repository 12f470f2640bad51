#include "vault/header/luks2_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/hex.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "vault/header/binary.h"
#include "vault/header/digest.h"
#include "vault/header/metadata.h"

enum {
    WIPE_RUN = 64 << 10,
};

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : hex_value((uint8_t)text[i]) < 0)
            return false;
    }
    return text[36] == '\0';
}

enum rc luks2_format_uuid(char uuid[LUKS2_UUID_SIZE], struct fault *why)
{
    uint8_t bytes[16];
    char digits[33];
    enum rc rc = random_bytes(bytes, sizeof bytes, why);

    if (rc != RC_OK)
        return rc;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    hex_encode(span_of(bytes, sizeof bytes), digits);
    snprintf(uuid, LUKS2_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8,
             digits + 12, digits + 16, digits + 20);
    return RC_OK;
}

static bool copy_label(char into[LUKS2_LABEL_SIZE], const char *text)
{
    if (!text)
        return true;
    if (strlen(text) >= LUKS2_LABEL_SIZE)
        return false;
    strcpy(into, text);
    return true;
}

/* The binary header's fields, and the sizes. */
static enum rc fill_binary(struct luks2 *header, const struct luks2_format *format,
                           struct fault *why)
{
    strcpy(header->checksum, "sha256");
    if (!copy_label(header->label, format->label) ||
        !copy_label(header->subsystem, format->subsystem))
        return fail(why, RC_USAGE, "a label has at most %d bytes", LUKS2_LABEL_SIZE - 1);
    if (!format->uuid)
        return luks2_format_uuid(header->uuid, why);
    if (!is_uuid(format->uuid))
        return fail(why, RC_USAGE, "\"%s\" is no UUID", format->uuid);
    strcpy(header->uuid, format->uuid);
    return RC_OK;
}

static enum rc fill_sizes(struct luks2 *header, const struct luks2_format *format,
                          struct fault *why)
{
    uint64_t copy = format->copy_size ? format->copy_size : LUKS2_HEADER_SIZE_MIN;
    uint64_t all = format->header_size ? format->header_size : LUKS2_FORMAT_HEADER_SIZE;

    if (copy < LUKS2_HEADER_SIZE_MIN || copy > LUKS2_HEADER_SIZE_MAX ||
        (copy & (copy - 1)) != 0)
        return fail(why, RC_USAGE,
                    "a copy of the header has a power of two of bytes, 16 KiB to 4 MiB");
    if (all % LUKS2_AREA_ALIGN != 0 || all <= 2 * copy ||
        all - 2 * copy > LUKS2_KEYSLOTS_AREA_MAX)
        return fail(
            why, RC_USAGE,
            "a header has whole pages of 4096 bytes, more than its two copies and at most "
            "128 MiB");
    header->copy_size = (uint32_t)copy;
    header->keyslots_size = all - 2 * copy;
    return RC_OK;
}

static bool put_config(struct json *into, const struct luks2 *header)
{
    struct json *config = json_new_object();

    return json_put(into, "config", config) &&
           json_put_decimal(config, "json_size", header->copy_size - BINARY_SIZE) &&
           json_put_decimal(config, "keyslots_size", header->keyslots_size);
}

static bool put_integrity(struct json *segment, const struct luks2_format *format)
{
    struct json *integrity;

    if (!format->integrity)
        return true;
    integrity = json_new_object();
    return json_put(segment, "integrity", integrity) &&
           json_put_string(integrity, "type", format->integrity) &&
           json_put_string(integrity, "journal_encryption", "none") &&
           json_put_string(integrity, "journal_integrity", "none");
}

static bool put_segment(struct json *segments, const struct luks2_format *format,
                        const char *encryption, uint64_t offset)
{
    struct json *segment = json_new_object();

    return json_put(segments, "0", segment) && json_put_string(segment, "type", "crypt") &&
           json_put_decimal(segment, "offset", offset) &&
           json_put_string(segment, "size", "dynamic") &&
           json_put_decimal(segment, "iv_tweak", 0) &&
           json_put_string(segment, "encryption", encryption) &&
           json_put_number(segment, "sector_size",
                           format->sector_size ? format->sector_size : CIPHER_SECTOR) &&
           put_integrity(segment, format);
}

static enum rc fill_metadata(struct luks2 *header, const struct luks2_format *format,
                             const char *encryption, const struct secret *key,
                             struct fault *why)
{
    struct json *top = header->metadata = json_new_object();
    struct json *segments = json_new_object(), *digests = json_new_object();
    bool good = json_put(top, "keyslots", json_new_object());
    enum rc rc;

    /* Each takes its value over, also after a failure. */
    good &= json_put(top, "tokens", json_new_object());
    good &= json_put(top, "segments", segments);
    good &= json_put(top, "digests", digests);

    if (!good ||
        !put_segment(segments, format, encryption,
                     format->detached ? 0 : luks2_total_size(header)) ||
        !put_config(top, header))
        return fail(why, RC_MEMORY, "no memory for a new header");
    if ((rc = digest_put(digests, 0, key, DIGEST_ITERATIONS, why)) != RC_OK)
        return rc;
    if (!json_put_string(json_get(json_get(digests, "0"), "segments"), NULL, "0"))
        return fail(why, RC_MEMORY, "no memory for a new header");
    return metadata_refresh(header, why);
}

enum rc luks2_format(struct luks2 **out, const struct luks2_format *format,
                     const struct secret *volume_key, struct fault *why)
{
    const char *encryption = format->encryption ? format->encryption : "aes-xts-plain64";
    struct luks2 *header;
    enum rc rc;

    if (!(format->integrity ? seal_find(encryption, format->integrity) != NULL
                            : cipher_find(encryption) != NULL) ||
        !luks2_takes_key(encryption, format->integrity, volume_key->len))
        return fail(why, RC_UNSUPPORTED,
                    "the cipher \"%s\" with a key of %zu bits is not known", encryption,
                    volume_key->len * 8);
    if (!(header = calloc(1, sizeof *header)))
        return fail(why, RC_MEMORY, "no memory for a new header");
    if ((rc = fill_binary(header, format, why)) || (rc = fill_sizes(header, format, why)) ||
        (rc = fill_metadata(header, format, encryption, volume_key, why))) {
        luks2_close(header);
        return rc;
    }
    *out = header;
    return RC_OK;
}

enum rc luks2_format_wipe(const struct luks2 *header, struct device *device, struct fault *why)
{
    uint64_t size = luks2_total_size(header);
    uint8_t *run = malloc(WIPE_RUN);
    enum rc rc = RC_OK;

    if (!run)
        return fail(why, RC_MEMORY, "no memory to wipe a header");
    if (size > device->size)
        rc = fail(why, RC_TRUNCATED, "the device is smaller than the header");
    for (uint64_t at = 0; at < size && rc == RC_OK; at += WIPE_RUN) {
        size_t len = size - at < WIPE_RUN ? (size_t)(size - at) : WIPE_RUN;

        if (at < 2 * (uint64_t)header->copy_size)
            memset(run, 0, len);
        else
            rc = random_bytes(run, len, why);
        if (rc == RC_OK)
            rc = device_write(device, at, run, len, why);
    }
    free(run);
    return rc == RC_OK ? device_flush(device, why) : rc;
}
