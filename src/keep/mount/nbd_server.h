/* An open volume on a Unix socket, for clients of the NBD protocol: a thread for each of them. */
#ifndef KEEP_MOUNT_NBD_SERVER_H
#define KEEP_MOUNT_NBD_SERVER_H

#include "io/device.h"
#include "keep/mount/nbd_protocol.h"
#include "keep/mount/record.h"

struct nbd_server;

/*
 * Listens at record->mountpoint, which only its owner can connect to. The record says that the volume
 * is in use as long as somebody is connected.
 *
 *   device, record  the caller's, as long as the server is open
 *
 * RC_BUSY   there is something of that name
 * RC_LIMIT  the path is longer than a socket's can be
 * RC_IO, RC_MEMORY
 */
enum rc nbd_server_open(struct nbd_server **out, struct device *device,
                        const struct nbd_export *export, struct record *record,
                        struct fault *why);

/* Readable when a client waits to be let in. */
int nbd_server_fd(const struct nbd_server *server);

/* Lets in whoever waits; where there are too many, he is sent away. */
void nbd_server_accept(struct nbd_server *server);

bool nbd_server_is_used(struct nbd_server *server);

/* Sends everybody away, and removes the socket. Harmless on NULL. */
void nbd_server_close(struct nbd_server *server);

#endif
