/* One client of the NBD server, from its first byte to its last, on a thread of its own. */
#ifndef KEEP_MOUNT_NBD_CONNECTION_H
#define KEEP_MOUNT_NBD_CONNECTION_H

#include "io/device.h"
#include "keep/mount/nbd_protocol.h"

enum { NBD_BUFFER = 256 << 10 };

/*
 * Returns when the client has gone, or has to go. `fd` is a connected socket, which stays the
 * caller's; `buffer` has room for NBD_BUFFER bytes, which are decrypted data afterwards. Requests of
 * any length pass through it piece by piece.
 */
void nbd_connection_run(int fd, struct device *device, const struct nbd_export *export,
                        uint8_t *buffer);

#endif
