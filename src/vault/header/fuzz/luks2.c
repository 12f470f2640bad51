/*
 * The reader of LUKS2 headers. An input is the first 512 bytes of a copy and its JSON text; the checksums are put
 * right, so that what stands in the JSON is reached. What is read as sound must be written and read again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "vault/header/binary.h"
#include "vault/header/reencryption.h"

enum { DEVICE_SIZE = 2 << 20, HEAD_SIZE = 512, COPY_SIZE_AT = 8, OFFSET_AT = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static uint8_t image[DEVICE_SIZE];

/* The checksum of a copy at `offset`, as its own binary header wants it. */
static void fix_checksum(uint64_t offset)
{
    static const uint8_t zeros[BINARY_CHECKSUM_SIZE];
    size_t behind = BINARY_CHECKSUM_AT + BINARY_CHECKSUM_SIZE;
    uint8_t *copy = image + offset;
    struct luks2 header = {0};
    struct span pieces[3];

    if (binary_parse(&header, copy, offset, NULL) != RC_OK ||
        header.copy_size > DEVICE_SIZE - offset)
        return;
    pieces[0] = span_of(copy, BINARY_CHECKSUM_AT);
    pieces[1] = span_of(zeros, sizeof zeros);
    pieces[2] = span_of(copy + behind, header.copy_size - behind);
    assert(hash_compute(hash_find(header.checksum), pieces, 3, copy + BINARY_CHECKSUM_AT,
                        NULL) == RC_OK);
}

static void put_copy(uint64_t offset, const uint8_t *at, size_t len)
{
    size_t json = len - HEAD_SIZE, room = DEVICE_SIZE - (size_t)offset - BINARY_SIZE;

    memcpy(image + offset, at, HEAD_SIZE);
    memcpy(image + offset + BINARY_SIZE, at + HEAD_SIZE, json < room ? json : room);
    if (offset > 0) {
        memcpy(image + offset, "SKUL", 4);
        be64_put(image + offset + OFFSET_AT, offset);
    }
    fix_checksum(offset);
}

/* What we take for sound, we must be able to write so that it is sound again. */
static void write_again(struct luks2 *header, struct device *device)
{
    struct luks2 *again;
    struct fault why = {0};

    if (luks2_write(header, device, &why) != RC_OK)
        return;
    if (luks2_read(&again, device, &why) != RC_OK)
        abort();
    assert(again->sequence == header->sequence && !again->repair_due);
    luks2_close(again);
}

/* Every byte of the data is in one place. */
static void check_pieces(const struct reencryption *r, uint64_t size,
                         const struct reencryption_progress *p)
{
    struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX];
    unsigned count = reencryption_pieces(r, size, p, pieces);
    uint64_t at = 0;

    for (unsigned i = 0; i < count; i++) {
        assert(pieces[i].start == at && pieces[i].len > 0);
        at += pieces[i].len;
    }
    assert(at == size);
}

/* A reencryption that we understand is one that we write as it was. */
static void look_at_reencryption(struct luks2 *header)
{
    struct reencryption_progress progress, again;
    struct reencryption r;
    uint64_t size;

    if (reencryption_read(header, &r, NULL) != RC_OK ||
        reencryption_size(&r, UINT64_C(1) << 40, &size, NULL) != RC_OK ||
        reencryption_progress_read(header, &r, size, &progress, NULL) != RC_OK)
        return;
    check_pieces(&r, size, &progress);
    if (reencryption_progress_put(header, &r, size, &progress, NULL) != RC_OK ||
        reencryption_read(header, &r, NULL) != RC_OK ||
        reencryption_progress_read(header, &r, size, &again, NULL) != RC_OK)
        abort();
    assert(memcmp(&progress, &again, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct luks2_extent extent;
    struct luks2 *header;
    struct device *device;
    uint64_t copy_size;

    if (len < HEAD_SIZE || len > 65536)
        return 0;
    memset(image, 0, 64 << 10);
    copy_size = be64_get(at + COPY_SIZE_AT);
    put_copy(0, at, len);
    if (copy_size >= LUKS2_HEADER_SIZE_MIN && copy_size <= DEVICE_SIZE / 2) {
        memset(image + copy_size, 0, copy_size);
        put_copy(copy_size, at, len);
    }
    if (device_open_memory(&device, image, sizeof image, NULL) != RC_OK)
        abort();
    if (luks2_read(&header, device, NULL) == RC_OK) {
        enum rc rc = luks2_extent_find(header, UINT64_C(1) << 40, &extent, NULL);

        assert(rc != RC_OK || (extent.len > 0 && extent.len % extent.sector_size == 0));
        write_again(header, device);
        look_at_reencryption(header);
        luks2_close(header);
    }
    device_close(device);
    return 0;
}
