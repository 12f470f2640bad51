/* Names, targets of links and attributes, in the clear and on the disk. */
#ifndef KEEP_TREE_FOLDER_NAMES_H
#define KEEP_TREE_FOLDER_NAMES_H

#include <limits.h>
#include <sys/types.h>

#include "keep/tree/folder/keys.h"

enum {
    NAME_SEALED_MAX = SIV_TAG + NAME_MAX,
    TARGET_MAX = (PATH_MAX - 1) * 3 / 4 - SIV_TAG, /* bytes of a link's target: 3055 */
};

/* A name on the disk. */
struct disk_name {
    char text[NAME_MAX + 1];
    uint8_t tag[FOLDER_TAG]; /* what is bound to the name is bound to this */
    /* Of a long name alone: what stands in the file beside it, and that file's name. */
    size_t beside_len;
    uint8_t beside[NAME_SEALED_MAX];
    char beside_name[64];
};

#define NAME_DIRECTORY "keep.dir"
#define NAME_HEADER "keep.luks"
#define NAME_LONG "keep.long."
#define NAME_BESIDE "keep.name."
#define NAME_GONE "keep.gone."
#define NAME_NEW "keep.new."
#define NAME_ENCRYPTING "keep.encrypting" /* in the root: not all of it is encrypted yet */
#define NAME_LINKED                                                                           \
    "keep.linked." /* in the root beside that: files that are to get several names */
#define NAME_ASIDE "keep.aside" /* in the root: what a check has moved aside */

/* -ENAMETOOLONG, -EPERM for a plain name that is the folder's own, -EIO where the cipher failed */
int name_seal(const struct folder_keys *keys, const uint8_t directory[FOLDER_ID],
              const char *name, struct disk_name *out);

/* What a name on the disk is. */
enum name_kind {
    NAME_OF_ENTRY,
    NAME_OF_FOLDER, /* the folder's own: its header, ids, what stands beside long names */
    NAME_LEFT_OVER, /* of an interrupted removal or replacement */
    NAME_FOREIGN,   /* not made by this folder, or changed */
};

/* `at` is the directory, where the file beside a long name is read. `out` is filled for an entry alone. */
enum name_kind name_unseal(const struct folder_keys *keys, const uint8_t directory[FOLDER_ID],
                           int at, const char *text, char out[NAME_MAX + 1],
                           uint8_t tag[FOLDER_TAG]);

/* `tag` NULL: of a link with several names. -ENAMETOOLONG, -EIO */
int target_seal(const struct folder_keys *keys, const uint8_t *tag, const char *target,
                char out[PATH_MAX]);
/* The length; -EIO: it is not authentic, under this tag or under none. */
ssize_t target_unseal(const struct folder_keys *keys, const uint8_t tag[FOLDER_TAG],
                      struct span text, char out[PATH_MAX]);
/* Bytes of the target whose text on the disk has so many. */
size_t target_len(size_t len);

#endif
