/* Where a passphrase or a key comes from. It goes straight into a secret, and nowhere else. */
#ifndef VAULT_CREDENTIAL_CREDENTIAL_H
#define VAULT_CREDENTIAL_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

enum { CREDENTIAL_MAX = 8 << 20 }; /* bytes */

/* What the command line said. {0} asks on the terminal. */
struct credential {
    const char *passphrase_file; /* a path, or "-": standard input; NULL for none */
    const char *key_file;        /* the same; at most one of the two */
    uint64_t key_offset;         /* bytes of the key file to skip */
    uint64_t key_size;           /* bytes to take; 0: to its end */
};

/*
 * The passphrase or key that `from` names. On the terminal, `prompt` is shown ("Passphrase for
 * x.img: "), and with `twice` the answer is asked for again ("Again: ") until both are the
 * same, three times at most.
 *
 * RC_USAGE      both files are named, an offset or size without a key file, or two answers that
 *               differ
 * RC_NOT_FOUND  the file is not there
 * RC_IO         there is no terminal to ask on, or reading failed
 * RC_END        the prompt was left with Ctrl-D
 * RC_LIMIT      longer than CREDENTIAL_MAX
 * RC_TRUNCATED  the key file has fewer bytes than key_size asks for
 */
enum rc credential_get(const struct credential *from, const char *prompt, bool twice,
                       struct secret *secret, struct fault *why);

/*
 * Asks on the terminal (/dev/tty) once, without showing the answer. A signal that ends or stops the
 * program does so after the terminal was set back. RC_END when it was left with Ctrl-D.
 */
enum rc credential_ask(const char *prompt, struct secret *secret, struct fault *why);

/* Bytes to the end, one newline at the end dropped. */
enum rc credential_passphrase_file(const char *path, struct secret *secret, struct fault *why);

/* Bytes as they are. */
enum rc credential_key_file(const char *path, uint64_t offset, uint64_t size,
                            struct secret *secret, struct fault *why);

#endif
