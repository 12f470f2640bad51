/* What a volume holds, looked at and grown by the programs that know it. */
#ifndef KEEP_COMMAND_INSIDE_H
#define KEEP_COMMAND_INSIDE_H

#include "io/device.h"
#include "io/device_signature.h"

struct inside {
    char type[DEVICE_SIGNATURE_SIZE]; /* "" for nothing that is known */
    uint64_t end;                     /* bytes of an ext2, ext3 or ext4; 0 for others */
};

/*
 * Shows `device`, the decrypted volume, as a file for as long as `work` takes: a FUSE mount of our own.
 * What was written is on the medium afterwards.
 */
typedef enum rc inside_work(const char *image, void *of, struct fault *why);
enum rc inside_show(struct device *device, inside_work *work, void *of, struct fault *why);

/* What an open one shows at the path `image`. RC_IO */
enum rc inside_look(const char *image, struct inside *inside, struct fault *why);

/* RC_IO */
enum rc inside_find(struct device *device, struct inside *inside, struct fault *why);

/*
 * Checks an ext2, ext3 or ext4 with e2fsck, and lets resize2fs make it as large as the device.
 *
 * RC_UNSUPPORTED  it holds something else
 * RC_NOT_FOUND    a program is not installed
 * RC_IO           one failed: the fault has its words
 */
enum rc inside_grow(struct device *device, struct fault *why);

/* The same for what is mounted from the block device `image`: an xfs or a btrfs too. */
enum rc inside_grow_mounted(const char *image, const char *mountpoint, struct fault *why);

/*
 * Nothing inside may be cut off where `left` bytes of the volume stay; where nobody knows what it is, a
 * person, or `yes`, has to say so.
 *
 *   path  of the volume, for what is said
 *
 * RC_USAGE        it would be, or the answer was no
 * RC_UNSUPPORTED  a file system whose end is not known here
 */
enum rc inside_fits(const struct inside *inside, uint64_t left, const char *path, bool yes,
                    struct fault *why);

#endif
