#include "keep/command/encrypt_room.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/units.h"
#include "crypto/cipher.h"
#include "io/device_signature.h"
#include "keep/command/command.h"
#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/mount/program.h"

/* The superblock of ext2, ext3 and ext4, at byte 1024. */
enum {
    EXT_AT = 1024,
    EXT_SIZE = 1024,
    EXT_BLOCKS_AT = 0x04,
    EXT_BLOCK_SIZE_AT = 0x18,
    EXT_MAGIC_AT = 0x38,
    EXT_INCOMPAT_AT = 0x60,
    EXT_BLOCKS_HIGH_AT = 0x150,
    EXT_MAGIC = 0xef53,
    EXT_64BIT = 0x80,
    EXT_BLOCK_SIZE_MAX = 6, /* 64 KiB, as a power of two above 1024 */
    GRAIN = 4096,
};

static void read_ext(const uint8_t *at, struct encrypt_data *data)
{
    uint32_t power = le32_get(at + EXT_BLOCK_SIZE_AT);
    uint64_t blocks = le32_get(at + EXT_BLOCKS_AT);

    if (le16_get(at + EXT_MAGIC_AT) != EXT_MAGIC || power > EXT_BLOCK_SIZE_MAX)
        return;
    if (le32_get(at + EXT_INCOMPAT_AT) & EXT_64BIT)
        blocks |= (uint64_t)le32_get(at + EXT_BLOCKS_HIGH_AT) << 32;
    if (blocks > UINT64_MAX >> (10 + power))
        return;
    data->block_size = UINT32_C(1024) << power;
    data->used = blocks << (10 + power);
}

enum rc encrypt_data_look(const struct convert *c, struct encrypt_data *data,
                          struct fault *why)
{
    uint8_t superblock[EXT_SIZE];
    enum rc rc = device_signature(c->data, data->type, why);

    data->used = 0;
    data->block_size = 0;
    if (rc != RC_OK || strncmp(data->type, "ext", 3) != 0 || c->data->size < EXT_AT + EXT_SIZE)
        return rc;
    rc = device_read(c->data, EXT_AT, superblock, sizeof superblock, why);
    if (rc == RC_OK)
        read_ext(superblock, data);
    return rc;
}

/* ---- block devices ---- */

/* What may be in use at most, when the end is to be free. */
static uint64_t most(const struct convert *c)
{
    uint64_t size = c->data->size - c->data->size % GRAIN;

    return size > 2 * (uint64_t)ENCRYPT_SHIFT ? size - 2 * (uint64_t)ENCRYPT_SHIFT : 0;
}

static enum rc run_tool(const char *name, const char *option, const char *more,
                        const char *path, const char *size, struct fault *why)
{
    char place[64];
    const char *argv[] = {name, option, more, path, size, NULL};
    enum rc rc = program_run(argv, why);

    if (rc == RC_NOT_FOUND) {
        snprintf(place, sizeof place, "/usr/sbin/%s", name); /* not on every user's PATH */
        argv[0] = place;
        rc = program_run(argv, why);
    }
    return rc == RC_NOT_FOUND ? fail(why, RC_IO,
                                     "%s is not installed; install the package "
                                     "e2fsprogs",
                                     name)
                              : rc;
}

/* The tools want the device for themselves meanwhile. */
static enum rc shrink_ext(struct convert *c, uint64_t size, struct fault *why)
{
    char blocks[32];
    enum rc rc;

    snprintf(blocks, sizeof blocks, "%" PRIu64 "K", size / 1024);
    device_close(c->data);
    c->data = NULL;
    command_progress("Making its file system smaller ...");
    if ((rc = run_tool("e2fsck", "-f", "-p", c->path, NULL, why)) == RC_IO)
        rc = run_tool("e2fsck", "-f", "-p", c->path, NULL,
                      why); /* it may have mended something */
    if (rc == RC_OK)
        rc = run_tool("resize2fs", "-p", c->path, blocks, NULL, why);
    if (rc != RC_OK)
        return rc;
    if ((rc = device_open_file(&c->data, c->path, false, DEVICE_EXCLUSIVE, why)) != RC_OK)
        return rc;
    return luks_target_hold(c->data, true, why);
}

static enum rc make_room_in_ext(struct convert *c, const struct encrypt_data *data, bool yes,
                                struct fault *why)
{
    struct encrypt_data now;
    char has[16], may[16];
    enum rc rc = question_ask(
        c->path, yes, why,
        "%s: its %s of %s must be made smaller, to %s, so that there is room for a header "
        "('resize2fs %s %" PRIu64 "K' does so; --header FILE needs no room).",
        c->path, data->type, units_size(has, data->used), units_size(may, most(c)), c->path,
        most(c) / 1024);

    if (rc != RC_OK || (rc = shrink_ext(c, most(c), why)) ||
        (rc = encrypt_data_look(c, &now, why)))
        return rc;
    return now.used > 0 && now.used <= most(c)
               ? RC_OK
               : fail(why, RC_IO, "its file system could not be made smaller");
}

static enum rc read_data_size(const struct convert *c, const char *word, struct fault *why)
{
    char may[16];
    uint64_t size;

    if (units_parse_size(span_text(word), &size) != RC_OK || size == 0)
        return fail(why, RC_USAGE, "--data-size: \"%s\" is no size, as in 900M or 10G", word);
    return size <= most(c)
               ? RC_OK
               : fail(why, RC_USAGE,
                      "--data-size: \"%s\" is more than %s, which would leave room "
                      "for a header",
                      word, units_size(may, most(c)));
}

static enum rc check_end(struct convert *c, const struct encrypt_data *data,
                         const char *data_size, bool yes, struct fault *why)
{
    if (data_size)
        return read_data_size(c, data_size, why);
    if (data->used > 0 && most(c) > 0)
        return data->used <= most(c) ? RC_OK : make_room_in_ext(c, data, yes, why);
    return fail(
        why, RC_USAGE,
        "%s: %s%s, and keep cannot tell whether its last 32 MiB are free for a header: "
        "say with --data-size how much of it is in use, or have the header elsewhere "
        "with --header FILE",
        c->path, data->type[0] ? "holds " : "holds data that are not known", data->type);
}

/* ---- files ---- */

static uint64_t whole_sectors(uint64_t size)
{
    return (size + CIPHER_SECTOR - 1) / CIPHER_SECTOR * CIPHER_SECTOR;
}

enum rc encrypt_room_take(struct convert *c, const struct begin_room *room, struct fault *why)
{
    uint64_t size = begin_room_size(room);
    enum rc rc;

    if (!c->is_file || size == c->data->size)
        return RC_OK;
    if ((rc = convert_take_space(c, size, why)) != RC_OK)
        return rc;
    if (c->data->size < size)
        c->data->size = size; /* what is written behind its end makes it longer */
    if ((rc = begin_mark(c->data, room, why)) != RC_OK)
        return rc;
    return convert_resize_file(c, size, why);
}

enum rc encrypt_room_find(struct convert *c, const struct encrypt_data *data,
                          const char *data_size, bool yes, struct begin_room *room,
                          struct fault *why)
{
    enum rc rc;

    if (c->data->size == 0)
        return fail(why, RC_USAGE, "%s: is empty; 'keep create' makes a new volume", c->path);
    room->shift = ENCRYPT_SHIFT;
    room->size = whole_sectors(c->data->size);
    if (c->is_file && !data_size)
        return RC_OK;
    if (c->is_file)
        return fail(why, RC_USAGE, "--data-size is for block devices; a file is made longer");
    rc = check_end(c, data, data_size, yes, why);
    room->size = rc == RC_OK ? most(c) : 0;
    return rc;
}
