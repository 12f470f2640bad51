/* Closing what is open, from whichever process: the daemon's own end, 'keep close', what a
 * crash left. */
#ifndef KEEP_MOUNT_UNMOUNT_H
#define KEEP_MOUNT_UNMOUNT_H

#include "keep/mount/record.h"

/*
 * Syncs, unmounts the file system inside, then FUSE, or tells the NBD server to go; the daemon then
 * ends by itself. A mapping of the kernel is removed.
 *
 *   alive  whether the daemon is: without it nothing can be synced any more
 *
 * RC_BUSY  somebody uses what is mounted, and nothing was changed; or another mount namespace has a
 *          copy of it, with which it goes
 * RC_IO    it could not be synced, and nothing was changed
 */
enum rc unmount_record(const struct record *record, bool alive, struct fault *why);
#endif
