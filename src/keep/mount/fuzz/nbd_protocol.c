/* The first byte is what the export can do; then what a client sends, from its flags on. */
#include "keep/mount/nbd_protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of their own, so that a read behind their end is seen. */
static uint8_t *cut(const uint8_t **data, size_t *size, size_t len)
{
    uint8_t *bytes = len <= *size ? malloc(len > 0 ? len : 1) : NULL;

    if (!bytes)
        return NULL;
    memcpy(bytes, *data, len);
    *data += len;
    *size -= len;
    return bytes;
}

static void answer(const struct nbd_session *session, const struct nbd_request *request)
{
    int error = nbd_request_check(session, request);
    uint8_t head[NBD_HEAD_MAX];

    if (request->command <= NBD_WRITE && error == 0 &&
        (request->len > session->export->size ||
         request->offset > session->export->size - request->len))
        abort();
    if (nbd_put_done(head, session, request, error) > sizeof head ||
        (error == 0 && nbd_put_data(head, session, request, 0, request->len) > sizeof head))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nbd_export export = {.size = 1 << 20, .block_size = 4096, .unbroken_max = 65536};
    struct nbd_session session;
    struct nbd_request request;
    enum rc rc = RC_AGAIN;
    uint8_t *bytes;

    if (size == 0)
        return 0;
    export.read_only = data[0] & 1;
    export.trims = data[0] & 2;
    data++;
    size--;
    nbd_begin(&session, &export);
    while (rc == RC_AGAIN && (bytes = cut(&data, &size, session.wants))) {
        rc = nbd_step(&session, bytes);
        free(bytes);
        if (session.wants > NBD_OPTION_MAX || session.reply_len > sizeof session.reply)
            abort();
    }
    while (rc == RC_OK && (bytes = cut(&data, &size, NBD_REQUEST))) {
        rc = nbd_request_read(&request, bytes);
        free(bytes);
        if (rc == RC_OK)
            answer(&session, &request);
    }
    return 0;
}
