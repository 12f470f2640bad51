/* 'keep resize' of a volume that is open: its file, then what serves it, then what is mounted from that, or
 * the other way round where it shrinks. */
#ifndef KEEP_COMMAND_RESIZE_OPEN_H
#define KEEP_COMMAND_RESIZE_OPEN_H

#include "keep/mount/record.h"
#include "vault/credential/credential.h"

struct resize_open {
    const struct record *record;
    const char *size;   /* NULL: the volume takes what its file or device has now */
    const char *header; /* where it is detached; NULL otherwise */
    const struct credential
        *credential; /* for a mapping of the kernel's, which is told the key anew */
    bool grow_fs, yes;
};

/*
 * RC_BUSY  who serves it cannot give it another size: it is to be closed first
 * others   as inside_fits and inside_grow_mounted
 */
enum rc resize_open(const struct resize_open *r, struct fault *why);

#endif
