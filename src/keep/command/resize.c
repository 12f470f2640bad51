#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/inside.h"
#include "keep/command/luks_target.h"
#include "keep/command/resize_file.h"
#include "keep/command/resize_open.h"
#include "keep/format/luks2/luks2_unlock.h"
#include "keep/mount/daemon.h"
#include "keep/volume/volume.h"

struct resize_options {
    struct credential_options credential;
    const char *size, *header;
    bool grow, yes, help;
};

static const struct option_row rows[] = {
    {"size", 's', "SIZE", "Of the file, header included; +1G and -1G are changes of it.",
     offsetof(struct resize_options, size)},
    {"grow-fs", 0, NULL, "Let the file system inside fill the volume.",
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
    struct resize_file file;
};

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

static enum rc check_shrink(const struct resizing *r, struct fault *why)
{
    struct inside inside;
    struct device *volume;
    enum rc rc = open_volume(r, &volume, why);

    if (rc != RC_OK)
        return rc;
    rc = inside_find(volume, &inside, why);
    device_close(volume);
    return rc == RC_OK ? inside_fits(&inside, r->file.after - r->extent.offset,
                                     r->target->path, r->options.yes, why)
                       : rc;
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

/* Nobody may have it open; a segment of a fixed size, or one with tags, does not follow the device. */
static enum rc begin(struct resizing *r, struct fault *why)
{
    const struct luks2_segment *segment = &r->target->header->segments[0];
    struct device *device;
    enum rc rc;

    if ((rc = device_open_file(&device, r->target->path, false, DEVICE_EXCLUSIVE, why)))
        return rc;
    rc = luks2_extent_find(r->target->header, device->size, &r->extent, why);
    device_close(device);
    if (rc != RC_OK)
        return fault_at(why, "%s", r->target->path);
    if (!segment->dynamic || segment->integrity)
        return fail(why, RC_UNSUPPORTED, "%s: its header says how long its data are%s",
                    r->target->path, segment->integrity ? ", with a tag for each sector" : "");
    if ((rc = resize_file_begin(&r->file, r->target->path, why)))
        return rc;
    return resize_file_read(&r->file, r->options.size,
                            r->extent.offset + r->extent.sector_size, why);
}

static enum rc resize(struct resizing *r, struct fault *why)
{
    struct resize_file *file = &r->file;
    enum rc rc = begin(r, why);

    if (rc != RC_OK)
        return rc;
    if (!r->options.size && !r->options.grow)
        return fail(why, RC_USAGE, "resize: --size, --grow-fs or both are needed");
    if ((file->after < file->before && (rc = check_shrink(r, why))) ||
        (rc = resize_file_set(file, why)) ||
        (r->options.grow && file->after >= file->before && (rc = grow_inside(r, why))))
        return rc;
    resize_file_print(file, r->options.grow);
    return RC_OK;
}

static enum rc resize_record(const struct resizing *r, const struct record *record,
                             struct fault *why)
{
    const struct resize_open open = {.record = record,
                                     .size = r->options.size,
                                     .header = r->options.header,
                                     .credential = &r->credential,
                                     .grow_fs = r->options.grow,
                                     .yes = r->options.yes};

    return resize_open(&open, why);
}

static enum status resize_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct resizing r = {.target = &target};
    struct record record;
    enum status status;
    bool alive;
    enum rc rc;

    if (!command_parse(&command_resize, &r.options, &r.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if ((rc = credential_options_read(&r.options.credential, &r.credential, why)) != RC_OK)
        return command_status_of(rc);
    daemon_hide();
    if (record_find(&record, words[0], &alive, NULL) == RC_OK && alive && !record.folder)
        return command_status_of(resize_record(&r, &record, why));
    if (folder_is_directory(words[0]))
        return command_status_of(
            fail(why, RC_USAGE, "%s: is a folder, which is as large as its files", words[0]));
    rc = luks_target_begin(&target, words[0], r.options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = resize(&r, why);
    return luks_target_status(&target, rc);
}

const struct command command_resize = {
    .name = "resize",
    .operands = "TARGET",
    .doc = "Makes the file of a volume, also of an open one, larger or smaller, and the file "
           "system in it larger.",
    .rows = rows,
    .run = resize_run,
};
