/* 'keep open' of an encrypted folder. */
#ifndef KEEP_COMMAND_OPEN_FOLDER_H
#define KEEP_COMMAND_OPEN_FOLDER_H

#include <stdint.h>

#include "keep/command/command.h"
#include "vault/credential/credential.h"

struct open_folder {
    const char *target, *mountpoint; /* no mount point: one of our own */
    const char *header;              /* NULL: the folder's own */
    const struct credential *credential;
    int key_slot;
    uint64_t idle_ms; /* 0: open until it is closed */
    bool read_only, allow_other, fast, foreground;
};

enum status open_folder(const struct open_folder *what, struct fault *why);

#endif
