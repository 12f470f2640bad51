/* mkfs.ext4, run on a decrypted volume. */
#ifndef KEEP_COMMAND_MAKE_FILE_SYSTEM_H
#define KEEP_COMMAND_MAKE_FILE_SYSTEM_H

#include "io/device.h"

/*
 * Shows `device` as a file for as long as it takes. The root directory of the file system
 * belongs to the user who runs this.
 *
 *   label  NULL for none
 *
 * RC_NOT_FOUND  mkfs.ext4 is not installed
 * RC_IO         it failed: the fault has its words
 */
enum rc make_file_system(struct device *device, const char *label, struct fault *why);

#endif
