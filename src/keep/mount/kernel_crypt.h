/* The kernel's dm-crypt, which decrypts without us once it has the key. Root's affair. */
#ifndef KEEP_MOUNT_KERNEL_CRYPT_H
#define KEEP_MOUNT_KERNEL_CRYPT_H

#include <stdbool.h>

#include "keep/volume/volume.h"

enum { KERNEL_CRYPT_ID = 129 };

struct kernel_crypt {
    const char *name;   /* of the mapping, below /dev/mapper */
    const char *id;     /* its uuid: "CRYPT-LUKS2-...-NAME", as cryptsetup has it */
    const char *target; /* the block device or file with the encrypted sectors */
    const struct volume_place *place;
    const struct secret *key;
    bool read_only, discard;
};

/* RC_USAGE  no name of a mapping: too long, or a character that device mapper does not take */
enum rc kernel_crypt_check_name(const char *name, struct fault *why);

/*
 * RC_UNSUPPORTED  this kernel has no device mapper, or has it without dm-crypt
 * RC_IO           the caller is not root
 */
enum rc kernel_crypt_check_system(struct fault *why);

/*
 * Makes /dev/mapper/NAME. A file goes under a loop device, which frees itself with the mapping. The
 * key passes through a keyring of this thread, or through memory that is wiped, and stays in the
 * kernel alone.
 *
 * RC_BUSY         there is a mapping of that name, or somebody else has the device
 * RC_UNSUPPORTED  a cipher that this kernel does not have, or a volume with integrity
 * RC_IO
 */
enum rc kernel_crypt_open(const struct kernel_crypt *what, struct fault *why);

/*
 * Gives a mapping the place and, as the kernel wants it again, the key that is said; id, read_only and
 * discard stay what they are. A loop device below takes the size of its file first.
 * RC_UNSUPPORTED, RC_IO
 */
enum rc kernel_crypt_resize(const struct kernel_crypt *what, struct fault *why);

/* Whether there is a mapping of this name and this id. */
bool kernel_crypt_is_there(const char *name, const char *id);

/* RC_BUSY  somebody uses it, and nothing was changed */
enum rc kernel_crypt_close(const char *name, struct fault *why);

#endif
