/* The file keep.dir of each directory: its id, and where it belongs. */
#ifndef KEEP_TREE_FOLDER_DIRECTORY_HEADER_H
#define KEEP_TREE_FOLDER_DIRECTORY_HEADER_H

#include "keep/tree/folder/file_header.h"

enum { DIRECTORY_HEADER_SIZE = 96 };

struct directory_header {
    uint8_t id[FOLDER_ID];
    bool is_root; /* has no bindings; all others have one or two */
    struct bindings bindings;
};

bool directory_header_seal(const struct directory_header *header,
                           const struct folder_keys *keys, uint8_t out[DIRECTORY_HEADER_SIZE]);
/* False: it is not authentic. */
bool directory_header_unseal(struct directory_header *header, const struct folder_keys *keys,
                             const uint8_t in[DIRECTORY_HEADER_SIZE]);

/*
 * Of the directory `name` in the directory `at`, the root being "." there. 0 or a negative errno;
 * reading: -EIO: it is not authentic or not there.
 */
int directory_header_read(struct directory_header *header, const struct folder_keys *keys,
                          int at, const char *name);
/* `fresh`: there is none yet. `sync`: it is on the disk afterwards. */
int directory_header_write(const struct directory_header *header,
                           const struct folder_keys *keys, int at, const char *name,
                           bool fresh, bool sync);

#endif
