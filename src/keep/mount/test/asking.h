/* A face that is asked as the kernel asks it: part of a test's fixture. */
#ifndef KEEP_MOUNT_TEST_ASKING_H
#define KEEP_MOUNT_TEST_ASKING_H

#include <stdlib.h>
#include <unistd.h>

#include "base/test/check.h"
#include "keep/mount/fuse_transport.h"

struct asking {
    struct fuse_handler handler; /* who answers */
    uint8_t request[8192];
    uint8_t *room;
    struct fuse_reply reply;
};

static inline bool asking_begin(struct asking *asking, struct fuse_handler handler)
{
    asking->handler = handler;
    asking->room = malloc(FUSE_PAYLOAD_MAX);
    return asking->room != NULL;
}

static inline void asking_end(struct asking *asking)
{
    free(asking->room);
}

/* Sends one request of two parts; returns the reply's error. */
static inline int ask(struct asking *asking, uint32_t opcode, uint64_t node, const void *in,
                      size_t in_len, const void *more, size_t more_len)
{
    struct fuse_in_header head = {.len = (uint32_t)(sizeof head + in_len + more_len),
                                  .opcode = opcode,
                                  .unique = 5,
                                  .nodeid = node,
                                  .uid = geteuid(),
                                  .gid = getegid()};
    const struct fuse_reply *reply = &asking->reply;

    memcpy(asking->request, &head, sizeof head);
    if (in_len > 0)
        memcpy(asking->request + sizeof head, in, in_len);
    if (more_len > 0)
        memcpy(asking->request + sizeof head + in_len, more, more_len);
    assert_int_equal(asking->handler.answer(asking->handler.of, asking->request, head.len,
                                            asking->room, &asking->reply),
                     RC_OK);
    assert_int_equal(reply->head.unique, 5);
    assert_int_equal(reply->head.len, sizeof reply->head + reply->body_len + reply->data_len);
    return reply->head.error;
}

#endif
