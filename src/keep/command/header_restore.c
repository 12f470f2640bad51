#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/device_signature.h"
#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/header_copy.h"
#include "keep/command/header_view.h"
#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks1/luks1_write.h"
#include "keep/mount/daemon.h"
#include "keep/tree/folder/folder_token.h"

struct header_restore_options {
    struct credential_options credential;
    bool yes, help;
};

static const struct option_row rows[] = {
    CREDENTIAL_ROWS(struct header_restore_options),
    {"yes", 'y', NULL, "Answer the question with yes.",
     offsetof(struct header_restore_options, yes)},
    COMMAND_HELP_ROW(struct header_restore_options),
    {0},
};

/* One run of 'keep header restore'. */
struct restore {
    struct header_restore_options options;
    struct credential credential;
    const char *path;
    char in_folder[PATH_MAX]; /* what path is, of a folder */
    struct luks_target backup;
    struct device *device; /* what it is restored to */
    struct luks2 *old;     /* its header now; NULL where none can be read */
    struct fault reason;   /* why not */
    bool is_folder;
    bool is_new; /* there was no file, or an empty one */
};

static void restore_clear(struct restore *r)
{
    luks_target_clear(&r->backup);
    luks2_close(r->old);
    device_close(r->device);
}

static enum rc read_backup(struct restore *r, const char *file, struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    enum rc rc = luks_target_begin(&r->backup, file, NULL, LUKS_TARGET_LOOK, why);

    if (rc != RC_OK || (!r->credential.passphrase_file && !r->credential.key_file))
        return rc;
    return luks_target_unlock(&r->backup, &r->credential, UNLOCK_ANY, &unlocked, why);
}

/* A folder's keep.luks holds nothing but the header: where it is missing or cut off there is room for it again. */
static enum rc make_room(struct restore *r, const char *folder, struct fault *why)
{
    const off_t size = (off_t)luks_target_header_size(&r->backup);
    struct folder_format format;
    char mark[PATH_MAX];
    struct stat about;
    int fd;
    enum rc rc = folder_token_find(r->backup.header, &format, why);

    if (rc != RC_OK)
        return fault_at(why, "%s", r->backup.path);
    if (snprintf(mark, sizeof mark, "%s/keep.dir", folder) >= (int)sizeof mark ||
        access(mark, F_OK) < 0)
        return fail(why, RC_USAGE, "%s: is no encrypted folder: it has no keep.dir", folder);
    if (stat(r->path, &about) == 0 && about.st_size >= size)
        return RC_OK;
    /* Whoever can write to the folder must not have another file made, or grow, in its place. */
    fd = open(r->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(why, RC_IO, "%s: cannot be opened", r->path);
    if (fstat(fd, &about) < 0 ||
        (about.st_size < size && (ftruncate(fd, size) < 0 || syncfs(fd) < 0)))
        rc = fail_errno(why, RC_IO, "%s: cannot be written to", r->path);
    else
        r->is_new = about.st_size == 0;
    close(fd);
    return rc;
}

/* Not a trace of a header: then it may be something else. */
static enum rc name_what_is_there(struct restore *r, struct fault *why)
{
    char name[DEVICE_SIGNATURE_SIZE];
    enum rc rc = device_signature(r->device, name, why);

    if (rc != RC_OK)
        return fault_at(why, "%s", r->path);
    if (name[0])
        (void)fail(&r->reason, RC_FORMAT, "it holds %s", name);
    return RC_OK;
}

/* Whoever restores has a header that is damaged or gone: that is no reason to stop. */
static enum rc read_old(struct restore *r, struct fault *why)
{
    enum rc rc = device_open_file(&r->device, r->path, false, DEVICE_EXCLUSIVE, why);

    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    if ((rc = luks_target_hold(r->device, true, why)))
        return fault_at(why, "%s", r->path);
    rc = luks_target_read_header(&r->old, r->device, &r->reason);
    if (rc == RC_IO || rc == RC_MEMORY)
        return fail(why, rc, "%s: %s", r->path, r->reason.text);
    return rc == RC_NOT_FOUND ? name_what_is_there(r, why) : RC_OK;
}

static uint64_t data_offset(const struct luks2 *header)
{
    return header->segments[0].offset;
}

static enum rc check_fit(const struct restore *r, struct fault *why)
{
    const struct luks2 *header = r->backup.header;
    uint64_t size = luks_target_header_size(&r->backup);

    if (size > r->device->size)
        return fail(why, RC_USAGE,
                    "%s: has %" PRIu64 " bytes; the header in the backup has %" PRIu64,
                    r->path, r->device->size, size);
    if (!r->is_folder && data_offset(header) == 0 && (!r->old || data_offset(r->old) != 0))
        return fail(why, RC_USAGE,
                    "%s: the backup is of a detached header, and would overwrite data here; "
                    "use it with --header",
                    r->path);
    return RC_OK;
}

static enum rc ask(const struct restore *r, struct fault *why)
{
    const struct luks2 *header = r->backup.header;

    if (r->is_new)
        return RC_OK;
    if (!r->old)
        return question_ask(r->path, r->options.yes, why,
                            "%s: no LUKS header can be read here (%s). %" PRIu64
                            " bytes at its front will be overwritten with that of volume %s.",
                            r->path, header_view_plain(r->reason.text),
                            luks_target_header_size(&r->backup),
                            header_view_plain(header->uuid));
    if (strcmp(r->old->uuid, header->uuid) != 0)
        return question_ask(r->path, r->options.yes, why,
                            "%s: is volume %s, and the backup is of volume %s. The data will "
                            "be unreadable with it.",
                            r->path, header_view_plain(r->old->uuid),
                            header_view_plain(header->uuid));
    if (luks1_header_is(r->old) != r->backup.is_luks1)
        return question_ask(r->path, r->options.yes, why,
                            "%s: has a header of LUKS%d, and the backup is one of LUKS%d.",
                            r->path, luks1_header_is(r->old) ? 1 : 2,
                            r->backup.is_luks1 ? 1 : 2);
    if (data_offset(r->old) != data_offset(header))
        return question_ask(r->path, r->options.yes, why,
                            "%s: its data begin at %" PRIu64
                            ", and those of the backup at %" PRIu64 ".",
                            r->path, data_offset(r->old), data_offset(header));
    return RC_OK;
}

static enum rc write_luks1(struct restore *r, struct fault *why)
{
    uint64_t size = luks_target_header_size(&r->backup);
    enum rc rc =
        header_copy(r->backup.device, r->device, LUKS1_WRITTEN, size - LUKS1_WRITTEN, why);

    return rc == RC_OK ? luks1_header_write(r->backup.header, r->device, why) : rc;
}

static enum rc write_luks2(struct restore *r, struct fault *why)
{
    struct luks2 *header = r->backup.header;
    uint64_t copies = 2 * (uint64_t)header->copy_size;
    enum rc rc = header_copy(r->backup.device, r->device, copies, header->keyslots_size, why);

    if (r->old && r->old->sequence > header->sequence)
        header->sequence = r->old->sequence;
    return rc == RC_OK ? luks2_write(header, r->device, why) : rc;
}

/*
 * The key slots, and then the header that names them, newer than what was there. A cut in
 * between leaves a header whose slots may not open: the same restore again mends that.
 */
static enum rc write_header(struct restore *r, struct fault *why)
{
    enum rc rc = (r->backup.is_luks1 ? write_luks1 : write_luks2)(r, why);

    return rc == RC_OK ? RC_OK : fault_at(why, "%s", r->path);
}

static enum rc restore(struct restore *r, const char *target, const char *file,
                       struct fault *why)
{
    enum rc rc;

    r->is_folder = folder_is_directory(target);
    if ((rc = read_backup(r, file, why)) ||
        (r->is_folder && (rc = make_room(r, target, why))) || (rc = read_old(r, why)) ||
        (rc = check_fit(r, why)) || (rc = ask(r, why)) || (rc = write_header(r, why)))
        return rc;
    printf("%s: has the header of %s again\n", r->path, file);
    return RC_OK;
}

static enum status header_restore_run(char **words, int count, struct fault *why)
{
    SCOPED(restore) r = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_header_restore, &r.options, &r.options.help, words, &count, 2,
                       2, &status, why))
        return status;
    if (credential_options_read(&r.options.credential, &r.credential, why) != RC_OK)
        return STATUS_USAGE;
    if (!(r.path = luks_target_place(words[0], r.in_folder)))
        return command_status_of(fail(why, RC_USAGE, "%s: its path is too long", words[0]));
    daemon_hide();
    rc = restore(&r, words[0], words[1], why);
    return luks_target_status(&r.backup, rc);
}

const struct command command_header_restore = {
    .name = "header restore",
    .operands = "TARGET FILE",
    .doc = "Puts the header of a backup in the place of that of the target.",
    .rows = rows,
    .run = header_restore_run,
};
