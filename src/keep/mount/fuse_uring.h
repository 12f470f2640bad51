/*
 * What <linux/fuse.h> says of FUSE over io_uring since version 7.42 of the protocol (Linux
 * 6.14), for older headers.
 * Source: include/uapi/linux/fuse.h.
 */
#ifndef KEEP_MOUNT_FUSE_URING_H
#define KEEP_MOUNT_FUSE_URING_H

#include <linux/fuse.h>
#include <stdint.h>

#if FUSE_KERNEL_MINOR_VERSION < 42

#define FUSE_OVER_IO_URING (1ULL << 41) /* of INIT */

struct fuse_uring_ent_in_out {
    uint64_t flags;
    uint64_t commit_id; /* names the request when it is answered */
    uint32_t payload_sz;
    uint32_t padding;
    uint64_t reserved;
};

struct fuse_uring_req_header {
    char in_out[128]; /* struct fuse_in_header, and later struct fuse_out_header */
    char op_in[128];  /* what the operation has behind it */
    struct fuse_uring_ent_in_out ring_ent_in_out;
};

/* The command's operation. */
enum fuse_uring_cmd {
    FUSE_IO_URING_CMD_REGISTER = 1, /* here are buffers for requests of this queue */
    FUSE_IO_URING_CMD_COMMIT_AND_FETCH = 2,
};

/* In the second half of a long submission. */
struct fuse_uring_cmd_req {
    uint64_t flags;
    uint64_t commit_id;
    uint16_t qid;
    uint8_t padding[6];
};

#endif
#endif
