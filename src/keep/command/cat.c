#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/convert_midst.h"
#include "keep/command/credential_options.h"
#include "keep/command/folder_cat.h"
#include "keep/command/luks_target.h"
#include "keep/format/luks2/luks2_unlock.h"
#include "keep/mount/daemon.h"
#include "keep/volume/volume.h"

enum { RUN = 1 << 20 };

struct cat_options {
    struct credential_options credential;
    const char *header, *key_slot, *offset, *length;
    bool help;
};

static const struct option_row rows[] = {
    {"offset", 0, "SIZE", "Begin here; 0 by default.", offsetof(struct cat_options, offset)},
    {"length", 0, "SIZE", "Write so much; by default all that follows.",
     offsetof(struct cat_options, length)},
    CREDENTIAL_ROWS(struct cat_options),
    {"key-slot", 0, "NUMBER", "Try this key slot alone.",
     offsetof(struct cat_options, key_slot)},
    {"header", 0, "FILE", "The header is in this file, the target holds only data.",
     offsetof(struct cat_options, header)},
    COMMAND_HELP_ROW(struct cat_options),
    {0},
};

/* One run of 'keep cat'. */
struct output {
    struct cat_options options;
    struct credential credential;
    int key_slot;
    uint64_t offset, length; /* length is UINT64_MAX for all */
};

static enum rc read_options(struct output *o, struct fault *why)
{
    const struct cat_options *from = &o->options;
    enum rc rc;

    o->length = UINT64_MAX;
    if (from->offset && units_parse_size(span_text(from->offset), &o->offset) != RC_OK)
        return fail(why, RC_USAGE, "--offset: \"%s\" is no size, as in 512 or 4K",
                    from->offset);
    if (from->length && units_parse_size(span_text(from->length), &o->length) != RC_OK)
        return fail(why, RC_USAGE, "--length: \"%s\" is no size, as in 512 or 4K",
                    from->length);
    if ((rc = credential_options_read(&from->credential, &o->credential, why)))
        return rc;
    return credential_options_key_slot(from->key_slot, &o->key_slot, why);
}

static enum rc write_all(const uint8_t *at, size_t len, struct fault *why)
{
    while (len > 0) {
        ssize_t put = write(STDOUT_FILENO, at, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_errno(why, RC_IO, "standard output");
        at += put;
        len -= (size_t)put;
    }
    return RC_OK;
}

static enum rc copy_out(const struct output *o, struct device *volume, struct fault *why)
{
    uint64_t left, at = o->offset;
    uint8_t *run = malloc(RUN);
    enum rc rc = RC_OK;

    if (!run)
        return fail(why, RC_MEMORY, "no memory");
    left = at < volume->size ? volume->size - at : 0;
    if (left > o->length)
        left = o->length;
    while (left > 0 && rc == RC_OK) {
        size_t len = left < RUN ? (size_t)left : RUN;

        if ((rc = device_read(volume, at, run, len, why)) == RC_OK)
            rc = write_all(run, len, why);
        at += len;
        left -= len;
    }
    free(run);
    return rc;
}

/* In the midst of an encryption, decryption or reencryption: nothing is written. */
static enum rc open_midst(const struct output *o, const struct luks_target *target,
                          struct device *data, struct device **volume, struct fault *why)
{
    SCOPED(secret) credential = {0};
    struct convert_midst_result result;
    char prompt[PATH_MAX + 32];
    enum rc rc;

    snprintf(prompt, sizeof prompt, "Passphrase for %s: ", target->path);
    rc = credential_get(&o->credential, prompt, false, &credential, why);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    rc = convert_midst_open(&(struct convert_midst){.path = target->path,
                                                    .header_path = o->options.header,
                                                    .data = data,
                                                    .credential = &credential},
                            &result, why);
    if (rc != RC_OK)
        return fault_at(why, "%s", target->path);
    *volume = result.volume;
    return RC_OK;
}

/* `data` becomes the volume's own. */
static enum rc open_volume(const struct output *o, const struct luks_target *target,
                           struct device *data, struct device **volume, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    struct luks2_extent extent;
    struct volume_place place;
    enum rc rc;

    if (target->header->reencrypting)
        return open_midst(o, target, data, volume, why);
    if ((rc = luks2_data_check(target->header, o->options.header != NULL, why)) ||
        (rc = luks2_extent_find(target->header, data->size, &extent, why)))
        return fault_at(why, "%s", target->path);
    if ((rc = luks_target_unlock(target, &o->credential, o->key_slot, &unlocked, why)))
        return rc;
    place = luks2_place(&extent);
    return volume_open(volume, data, &place, &unlocked.volume_key, why);
}

/* A volume that is open is not read beside its daemon: part of it is in memory alone. */
static enum rc cat(const struct output *o, const struct luks_target *target, struct fault *why)
{
    struct device *data, *volume;
    enum rc rc = device_open_file(&data, target->path, true, DEVICE_SHARED, why);

    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    if ((rc = open_volume(o, target, data, &volume, why))) {
        device_close(data);
        return rc;
    }
    rc = copy_out(o, volume, why);
    device_close(volume);
    return rc;
}

static enum status cat_file(const struct output *o, char **words, int count, struct fault *why)
{
    struct folder_opening opening = {.path = words[0],
                                     .header = o->options.header,
                                     .credential = &o->credential,
                                     .key_slot = o->key_slot,
                                     .read_only = true};
    enum rc rc;

    if (count < 2)
        return command_status_of(
            fail(why, RC_USAGE, "%s: is a folder: name a file in it, as 'keep ls' lists them",
                 words[0]));
    daemon_hide();
    rc = folder_cat(&opening, words[1], o->offset, o->length, why);
    return opening.foreign ? STATUS_FOREIGN : command_status_of(rc);
}

static enum status cat_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct output o = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_cat, &o.options, &o.options.help, words, &count, 1, 2, &status,
                       why))
        return status;
    if (read_options(&o, why) != RC_OK)
        return STATUS_USAGE;
    if (folder_is_directory(words[0]))
        return cat_file(&o, words, count, why);
    if (count > 1)
        return command_status_of(
            fail(why, RC_USAGE, "%s: is no folder, and has no paths", words[0]));
    if (isatty(STDOUT_FILENO))
        return command_status_of(
            fail(why, RC_USAGE,
                 "cat: bytes of a disk are nothing for a terminal: send them "
                 "to a file or a program"));
    daemon_hide();
    rc = luks_target_begin(&target, words[0], o.options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = cat(&o, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_cat = {
    .name = "cat",
    .operands = "TARGET [PATH]",
    .doc = "Writes a decrypted volume, or a file of a folder, to standard output.",
    .rows = rows,
    .run = cat_run,
};
