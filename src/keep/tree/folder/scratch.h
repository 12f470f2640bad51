/* Buffers for one group of blocks, kept for the next one who writes. */
#ifndef KEEP_TREE_FOLDER_SCRATCH_H
#define KEEP_TREE_FOLDER_SCRATCH_H

#include <stdint.h>

/* At the start of a page, so that copies are fast. NULL: no memory */
uint8_t *scratch_take(void);
void scratch_give(uint8_t *scratch);

#endif
