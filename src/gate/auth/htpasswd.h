/* Files of users and passwords, "name:password" lines, and what "Authorization: Basic" brings. */
#ifndef GATE_AUTH_HTPASSWD_H
#define GATE_AUTH_HTPASSWD_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "base/span.h"

/* "Basic dXNlcjpwdw==" -> user and password, in `room`. False: not of that form, or larger than the room. */
bool htpasswd_credentials(struct span value, struct buffer *room, struct span *user,
                          struct span *password);

/* What the text of a file keeps of a user's password: up to a second ':' or the line's end. False: no such user. */
bool htpasswd_find(struct span text, struct span user, struct span *kept);

enum htpasswd_verdict { HTPASSWD_FITS, HTPASSWD_UNKNOWN, HTPASSWD_MISMATCH };

/*
 * Reads the file, which is small, and looks. RC_OK: *verdict; otherwise the file could not be read, and the fault
 * says why: RC_NOT_FOUND, RC_IO, RC_MEMORY.
 */
enum rc htpasswd_check(const char *path, struct span user, struct span password,
                       enum htpasswd_verdict *verdict, struct fault *why);

#endif
