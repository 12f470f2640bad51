#include "keep/command/luks_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks1/luks1_write.h"
#include "keep/mount/record.h"
#include "vault/header/keyslot.h"

enum { HELD = LUKS2_HEADER_SIZE_MIN }; /* bytes; every header has as many */

enum rc luks_target_hold(struct device *device, bool change, struct fault *why)
{
    enum rc rc = device_lock_range(device, 0, HELD, change, why);

    return rc == RC_BUSY ? fail(why, rc, "another program is at work on its header") : rc;
}

void luks_target_release(struct device *device)
{
    device_unlock_range(device, 0, HELD);
}

static bool is_directory(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

const char *luks_target_place(const char *path, char room[PATH_MAX])
{
    if (!is_directory(path))
        return path;
    return snprintf(room, PATH_MAX, "%s/keep.luks", path) < PATH_MAX ? room : NULL;
}

/* The daemon holds a lock on the whole target, and never touches the header again. */
static enum rc open_device(struct luks_target *target, enum luks_target_use use,
                           struct fault *why)
{
    bool ours = target->is_open && target->place == target->path;
    bool changes = use >= LUKS_TARGET_CHANGE;
    enum device_lock lock = changes && !ours ? DEVICE_LOCKED : DEVICE_UNLOCKED;
    enum rc rc = device_open_file(&target->device, target->place, !changes, lock, why);

    return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
}

enum rc luks_target_read_header(struct luks2 **header, struct device *device,
                                struct fault *why)
{
    enum rc rc = luks1_header_read(header, device, why);

    return rc == RC_NOT_FOUND ? luks2_read(header, device, why) : rc;
}

/* A folder without its header: it may be elsewhere, or lost. */
static enum rc tell_missing(const char *path, struct fault *why)
{
    char mark[PATH_MAX];

    if (snprintf(mark, sizeof mark, "%s/keep.dir", path) < (int)sizeof mark &&
        access(mark, F_OK) == 0)
        return fail(
            why, RC_NOT_FOUND,
            "%s: has no keep.luks; say with --header where it is, or put a backup back "
            "with 'keep header restore'",
            path);
    return fail(why, RC_NOT_FOUND, "%s: no LUKS header is here, and no keep.luks in it", path);
}

static enum rc tell_lost(const char *place, struct fault *why)
{
    const struct fault cause = *why;

    return fail(why, cause.rc, "%s: %s; 'keep header restore' puts a backup in its place",
                place, cause.text);
}

/* LUKS1 is looked at as if it were LUKS2; of all changes, only keys come and go in both. */
static enum rc read_header(struct luks_target *target, enum luks_target_use use,
                           struct fault *why)
{
    enum rc rc = use == LUKS_TARGET_CHANGE
                     ? luks2_read(&target->header, target->device, why)
                     : luks_target_read_header(&target->header, target->device, why);

    target->is_luks1 = rc == RC_OK && luks1_header_is(target->header);
    return rc;
}

enum rc luks_target_begin(struct luks_target *target, const char *path,
                          const char *header_path, enum luks_target_use use, struct fault *why)
{
    struct record record;
    bool alive;
    enum rc rc;

    *target = (struct luks_target){.path = path, .place = header_path ? header_path : path};
    target->is_folder = is_directory(path);
    if (!header_path && !(target->place = luks_target_place(path, target->in_folder)))
        return fail(why, RC_USAGE, "%s: its path is too long", path);
    if (target->is_folder && !header_path && access(target->place, F_OK) < 0 &&
        errno == ENOENT) {
        target->foreign = true;
        return tell_missing(path, why);
    }
    target->is_open = record_find(&record, path, &alive, NULL) == RC_OK && alive;
    if ((rc = open_device(target, use, why)))
        return rc;
    if ((rc = luks_target_hold(target->device, use >= LUKS_TARGET_CHANGE, why)) == RC_OK) {
        rc = read_header(target, use, why);
        target->foreign = rc == RC_NOT_FOUND;
        if (use < LUKS_TARGET_CHANGE)
            luks_target_release(target->device);
    }
    if (target->is_folder && (rc == RC_NOT_FOUND || rc == RC_FORMAT || rc == RC_TRUNCATED))
        return tell_lost(target->place, why);
    return rc == RC_OK ? RC_OK : fault_at(why, "%s", target->place);
}

enum rc luks_target_unlock(const struct luks_target *target, const struct credential *from,
                           int key_slot, struct unlock *unlocked, struct fault *why)
{
    SCOPED(secret) credential = {0};
    char prompt[PATH_MAX + 32];
    enum rc rc;

    snprintf(prompt, sizeof prompt, "Passphrase for %s: ", target->path);
    rc = credential_get(from, prompt, false, &credential, why);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    rc = unlock(target->header, target->device, UINT64_MAX, &credential, key_slot, unlocked,
                why);
    if (rc == RC_NOT_FOUND)
        rc = why->rc = RC_USAGE;
    return rc == RC_OK ? RC_OK : fault_at(why, "%s", target->place);
}

enum rc luks_target_add_key(struct luks_target *target, int number, const struct secret *key,
                            const struct secret *phrase, const struct kdf_params *params,
                            unsigned *used, struct fault *why)
{
    return (target->is_luks1 ? luks1_keyslot_add : keyslot_add)(
        target->header, target->device, number, key, phrase, params, used, why);
}

enum rc luks_target_replace_key(struct luks_target *target, unsigned *number,
                                const struct secret *key, const struct secret *phrase,
                                const struct kdf_params *params, struct fault *why)
{
    if (target->is_luks1)
        return luks1_keyslot_replace(target->header, target->device, number, key, phrase,
                                     params, why);
    return keyslot_replace(target->header, target->device, *number, key, phrase, params, why);
}

enum rc luks_target_remove_key(struct luks_target *target, unsigned number, struct fault *why)
{
    return (target->is_luks1 ? luks1_keyslot_remove : keyslot_remove)(target->header, number,
                                                                      why);
}

enum rc luks_target_write(struct luks_target *target, struct fault *why)
{
    return target->is_luks1 ? luks1_header_write(target->header, target->device, why)
                            : luks2_write(target->header, target->device, why);
}

uint64_t luks_target_header_size(const struct luks_target *target)
{
    uint64_t size = target->is_luks1 ? luks1_header_size(target->header)
                                     : luks2_total_size(target->header);

    return size < target->device->size ? size : target->device->size;
}

enum status luks_target_status(const struct luks_target *target, enum rc rc)
{
    return target->foreign ? STATUS_FOREIGN : command_status_of(rc);
}

void luks_target_clear(struct luks_target *target)
{
    luks2_close(target->header);
    device_close(target->device);
    *target = (struct luks_target){0};
}
