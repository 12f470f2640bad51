/* A body in the form of RFC 1952 (gzip) that is unpacked as it comes: a transform. */
#ifndef GATE_COMPRESS_GUNZIP_H
#define GATE_COMPRESS_GUNZIP_H

#include "gate/transform/transform.h"

/* NULL: no memory. A broken body, or one that is cut short, is RC_FORMAT. */
struct transform *gunzip_open(void);

#endif
