/* What libblkid takes the bytes of a device for: a file system, a partition table, another
 * container. */
#ifndef IO_DEVICE_SIGNATURE_H
#define IO_DEVICE_SIGNATURE_H

#include "io/device.h"

enum { DEVICE_SIGNATURE_SIZE = 32 };

/*
 * The type in `name` ("ext4", "LVM2_member", "gpt"), or "" where nothing is recognised; LUKS
 * is not looked for. Devices without a file of their own have no signature.
 *
 * RC_IO  the device could not be read
 */
enum rc device_signature(const struct device *d, char name[DEVICE_SIGNATURE_SIZE],
                         struct fault *why);

#endif
