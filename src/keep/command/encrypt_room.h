/*
 * Where the room for a header comes from: a file is made longer; a block device must have it at its
 * end, behind the file system.
 */
#ifndef KEEP_COMMAND_ENCRYPT_ROOM_H
#define KEEP_COMMAND_ENCRYPT_ROOM_H

#include "keep/command/convert.h"
#include "keep/reencrypt/begin.h"
#include "vault/header/luks2_format.h"

enum { ENCRYPT_SHIFT = LUKS2_FORMAT_HEADER_SIZE };

/* What is known of the data that are to be encrypted. */
struct encrypt_data {
    char type[32];       /* "ext4", "xfs", "gpt"; "" for nothing that is known */
    uint64_t used;       /* bytes from the front that it takes; 0: not known */
    uint32_t block_size; /* that it reads and writes at least; 0: not known */
};

enum rc encrypt_data_look(const struct convert *c, struct encrypt_data *data,
                          struct fault *why);

/*
 * The room for a header in front of the data. Nothing is written, but that an ext2, ext3 or ext4
 * file system that is too large is made smaller, after a question: the target is then open anew.
 *
 *   data_size  the user's word for what is in use; or NULL
 *
 * RC_USAGE  there is no room, or nobody knows: the fault says what can be done
 */
enum rc encrypt_room_find(struct convert *c, const struct encrypt_data *data,
                          const char *data_size, bool yes, struct begin_room *room,
                          struct fault *why);

/* Makes a file as long as the room wants it, once the file system below has the space. */
enum rc encrypt_room_take(struct convert *c, const struct begin_room *room, struct fault *why);

#endif
