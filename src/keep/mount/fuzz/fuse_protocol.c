/* Requests one after the other, each with two bytes of length before it. */
#include "keep/mount/fuse_protocol.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[64 << 10], room[FUSE_PAYLOAD_MAX];
    struct fuse_face face = {.name = "volume", .discard = true};
    struct fuse_reply reply;

    if (device_open_memory(&face.device, bytes, sizeof bytes, NULL) != RC_OK)
        return 0;
    while (size >= 2) {
        size_t len = (size_t)data[0] << 8 | data[1];
        uint8_t *request;

        data += 2;
        size -= 2;
        len = len < size ? len : size;
        request = malloc(len > 0 ? len : 1); /* so that a read behind its end is seen */
        if (!request)
            break;
        for (size_t i = 0; i < len; i++)
            request[i] = data[i];
        if (fuse_answer(&face, request, len, room, &reply) == RC_OK &&
            reply.data_len > sizeof room)
            abort();
        free(request);
        data += len;
        size -= len;
    }
    device_close(face.device);
    return 0;
}
