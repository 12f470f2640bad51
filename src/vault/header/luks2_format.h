/* A new LUKS2 header, in memory: add a keyslot (keyslot.h), then write it with luks2_write. */
#ifndef VAULT_HEADER_LUKS2_FORMAT_H
#define VAULT_HEADER_LUKS2_FORMAT_H

#include "vault/header/luks2.h"

struct luks2_format {
    const char *encryption; /* NULL: "aes-xts-plain64" */
    const char *integrity;  /* "hmac(sha256)"; NULL: none */
    uint32_t sector_size;   /* 512 .. 4096; 0: 512 */
    uint32_t copy_size;     /* of one copy of the metadata; 0: 16 KiB */
    uint64_t header_size;   /* all of it, keyslots area included; 0: 16 MiB */
    bool detached;          /* the data begins at 0 of another device */
    const char *uuid;       /* NULL: a random one */
    const char *label;      /* NULL: none; so is subsystem */
    const char *subsystem;
};

enum { LUKS2_FORMAT_HEADER_SIZE = 16 << 20, LUKS2_FORMAT_KEY_SIZE = 64 };

/*
 * One dynamic segment behind the header, no keyslot yet, and a digest of `volume_key` (whose
 * length decides the cipher's strength: 64 bytes are AES-256-XTS). Nothing is written.
 *
 * RC_USAGE        sizes, a label or a UUID that a header cannot hold
 * RC_UNSUPPORTED  a cipher that we do not have
 */
enum rc luks2_format(struct luks2 **out, const struct luks2_format *format,
                     const struct secret *volume_key, struct fault *why);

/* A random one: version 4 of RFC 4122. */
enum rc luks2_format_uuid(char uuid[LUKS2_UUID_SIZE], struct fault *why);

/*
 * Overwrites the whole header, both copies and the keyslots area, with zeros and then random
 * bytes where keys will be: what stood there before cannot be mistaken for a header again.
 *
 * RC_TRUNCATED  the device is smaller than the header
 */
enum rc luks2_format_wipe(const struct luks2 *header, struct device *device,
                          struct fault *why);

#endif
