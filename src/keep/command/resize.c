#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/credential_options.h"
#include "keep/command/inside.h"
#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/format/luks2/luks2_unlock.h"
#include "keep/mount/daemon.h"
#include "keep/volume/volume.h"

enum { GRAIN = 4096 };

struct resize_options {
    struct credential_options credential;
    const char *size, *header;
    bool grow, yes, help;
};

static const struct option_row rows[] = {
    {"size", 's', "SIZE", "Of the file, header included; +1G and -1G are changes of it.",
     offsetof(struct resize_options, size)},
    {"grow-fs", 0, NULL, "Let the ext2, ext3 or ext4 inside fill the volume.",
     offsetof(struct resize_options, grow)},
    CREDENTIAL_ROWS(struct resize_options),
    {"header", 0, "FILE", "The header is in this file, the target holds only data.",
     offsetof(struct resize_options, header)},
    {"yes", 'y', NULL, "Answer the question with yes.", offsetof(struct resize_options, yes)},
    COMMAND_HELP_ROW(struct resize_options),
    {0},
};

/* One run of 'keep resize'. */
struct resizing {
    struct resize_options options;
    struct credential credential;
    struct luks_target *target;
    struct luks2_extent extent;
    uint64_t before, after; /* bytes of the file or device */
};

/* "2G", "+1G", "-512M" */
static enum rc read_size(struct resizing *r, struct fault *why)
{
    const char *word = r->options.size;
    uint64_t size;

    r->after = r->before;
    if (!word)
        return RC_OK;
    if (units_parse_size(span_text(word + (word[0] == '+' || word[0] == '-')), &size) !=
            RC_OK ||
        (word[0] == '-' && size > r->before))
        return fail(why, RC_USAGE, "--size: \"%s\" is no size, as in 10G, +1G or -1G", word);
    r->after = word[0] == '+' ? r->before + size : word[0] == '-' ? r->before - size : size;
    r->after -= r->after % GRAIN;
    if (r->after < r->extent.offset + r->extent.sector_size || r->after > INT64_MAX)
        return fail(why, RC_USAGE, "--size: \"%s\" leaves no room for data behind the header",
                    word);
    return RC_OK;
}

/* The decrypted volume, of the file as it is now. */
static enum rc open_volume(const struct resizing *r, struct device **volume, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    struct luks2_extent extent;
    struct volume_place place;
    struct device *data;
    enum rc rc = device_open_file(&data, r->target->path, false, DEVICE_EXCLUSIVE, why);

    if (rc != RC_OK)
        return rc;
    if ((rc = luks2_extent_find(r->target->header, data->size, &extent, why)) == RC_OK &&
        (rc = luks_target_unlock(r->target, &r->credential, UNLOCK_ANY, &unlocked, why)) ==
            RC_OK) {
        place = luks2_place(&extent);
        rc = volume_open(volume, data, &place, &unlocked.volume_key, why);
    }
    if (rc != RC_OK)
        device_close(data);
    return rc;
}

/* What is inside may not be cut off; where nobody knows what it is, a person has to say so. */
static enum rc check_inside(const struct resizing *r, const struct inside *inside,
                            struct fault *why)
{
    const char *path = r->target->path;
    uint64_t left = r->after - r->extent.offset;
    char ends[16], room[16];

    if (inside->end > 0 && inside->end <= left)
        return RC_OK;
    if (inside->end > 0)
        return fail(
            why, RC_USAGE,
            "%s: the %s inside takes %s, and %s would be left: make it smaller first (keep "
            "open --raw, then resize2fs)",
            path, inside->type, units_size(ends, inside->end), units_size(room, left));
    if (inside->type[0])
        return fail(why, RC_UNSUPPORTED,
                    "%s: there is %s inside, and where that ends is not known here", path,
                    inside->type);
    return question_ask(
        path, r->options.yes, why,
        "%s: no file system is known inside; what lies behind the new end will be lost.",
        path);
}

static enum rc check_shrink(const struct resizing *r, struct fault *why)
{
    struct inside inside;
    struct device *volume;
    enum rc rc = open_volume(r, &volume, why);

    if (rc != RC_OK)
        return rc;
    rc = inside_find(volume, &inside, why);
    device_close(volume);
    return rc == RC_OK ? check_inside(r, &inside, why) : rc;
}

static enum rc grow_inside(const struct resizing *r, struct fault *why)
{
    struct device *volume;
    enum rc rc = open_volume(r, &volume, why);

    if (rc != RC_OK)
        return rc;
    command_progress("Growing the file system ...");
    rc = inside_grow(volume, why);
    device_close(volume);
    return rc;
}

/* The space is taken at once where the file system can do so, as by 'keep create'. */
static enum rc set_size(const struct resizing *r, int fd, struct fault *why)
{
    off_t before = (off_t)r->before, after = (off_t)r->after;

    if (after > before && fallocate(fd, 0, before, after - before) < 0 && errno != EOPNOTSUPP)
        return fail_errno(why, RC_IO, "%s: no room for it", r->target->path);
    if (ftruncate(fd, after) < 0 || fsync(fd) < 0)
        return fail_errno(why, RC_IO, "%s", r->target->path);
    return RC_OK;
}

static enum rc change(const struct resizing *r, struct fault *why)
{
    int fd = open(r->target->path, O_RDWR | O_CLOEXEC);
    enum rc rc = fd < 0 ? fail_errno(why, RC_IO, "%s", r->target->path) : set_size(r, fd, why);

    if (fd >= 0)
        close(fd);
    return rc;
}

/* Nobody may have it open; a segment of a fixed size, or one with tags, does not follow the device. */
static enum rc begin(struct resizing *r, bool *is_file, struct fault *why)
{
    const struct luks2_segment *segment = &r->target->header->segments[0];
    struct device *device;
    struct stat about;
    enum rc rc;

    if (r->target->is_open)
        return fail(why, RC_BUSY, "%s: is open; close it first", r->target->path);
    if ((rc = device_open_file(&device, r->target->path, false, DEVICE_EXCLUSIVE, why)))
        return rc;
    r->before = device->size;
    *is_file = fstat(device_fd(device), &about) == 0 && S_ISREG(about.st_mode);
    rc = luks2_extent_find(r->target->header, device->size, &r->extent, why);
    device_close(device);
    if (rc != RC_OK)
        return fault_at(why, "%s", r->target->path);
    if (!segment->dynamic || segment->integrity)
        return fail(why, RC_UNSUPPORTED, "%s: its header says how long its data are%s",
                    r->target->path, segment->integrity ? ", with a tag for each sector" : "");
    if (!*is_file && r->options.size)
        return fail(why, RC_USAGE,
                    "%s: is a device: change the partition, and the volume has its size",
                    r->target->path);
    return read_size(r, why);
}

static enum rc resize(struct resizing *r, struct fault *why)
{
    char size[16];
    bool is_file;
    enum rc rc = begin(r, &is_file, why);

    if (rc != RC_OK)
        return rc;
    if (!r->options.size && !r->options.grow)
        return fail(why, RC_USAGE, "resize: --size, --grow-fs or both are needed");
    if ((r->after < r->before && (rc = check_shrink(r, why))) ||
        (r->after != r->before && (rc = change(r, why))) ||
        (r->options.grow && r->after >= r->before && (rc = grow_inside(r, why))))
        return rc;
    printf("%s: has %s now%s\n", r->target->path, units_size(size, r->after),
           r->options.grow ? ", and its file system fills them" : "");
    return RC_OK;
}

static enum status resize_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct resizing r = {.target = &target};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_resize, &r.options, &r.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if ((rc = credential_options_read(&r.options.credential, &r.credential, why)) != RC_OK)
        return command_status_of(rc);
    daemon_hide();
    rc = luks_target_begin(&target, words[0], r.options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = resize(&r, why);
    return luks_target_status(&target, rc);
}

const struct command command_resize = {
    .name = "resize",
    .operands = "TARGET",
    .doc = "Makes the file of a volume larger or smaller, and the file system in it larger.",
    .rows = rows,
    .run = resize_run,
};
