#include "keep/command/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/convert_progress.h"
#include "keep/command/interruption.h"
#include "keep/command/luks_target.h"
#include "keep/reencrypt/reencrypt.h"
#include "vault/unlock.h"

enum rc convert_begin(struct convert *c, const char *path,
                      const struct convert_options *options, struct fault *why)
{
    struct stat about;
    enum rc rc;

    c->path = c->place = path;
    c->resume = options->resume;
    c->init_only = options->init_only;
    if ((rc = convert_options_read(options, &c->guard, &c->zone_size, why)) != RC_OK)
        return rc;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return fail(why, RC_USAGE,
                    "%s: is a folder; only volumes are changed in place: a file that is an "
                    "image, a partition or a disk",
                    path);
    c->is_file = S_ISREG(about.st_mode);
    rc = device_open_file(&c->data, path, false, DEVICE_EXCLUSIVE, why);
    if (rc == RC_OK)
        rc = luks_target_hold(c->data, true, why);
    return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
}

enum rc convert_open_header(struct convert *c, const char *path, struct fault *why)
{
    enum rc rc = device_open_file(&c->apart, path, false, DEVICE_LOCKED, why);

    c->place = path;
    if (rc == RC_OK)
        rc = luks_target_hold(c->apart, true, why);
    return rc;
}

struct device *convert_header_device(const struct convert *c)
{
    return c->apart ? c->apart : c->data;
}

static enum rc check_mode(const struct convert *c, struct fault *why)
{
    struct reencryption plan;
    enum rc rc = reencryption_read(c->header, &plan, why);

    if (rc != RC_OK || plan.mode == c->mode)
        return rc;
    return fail(why, RC_USAGE,
                "%s: its %sion was begun and not finished; 'keep %s' continues "
                "that",
                c->place, reencryption_mode_name(plan.mode),
                reencryption_mode_name(plan.mode));
}

enum rc convert_read(struct convert *c, struct fault *why)
{
    enum rc rc;

    luks2_close(c->header);
    c->header = NULL;
    if ((rc = luks2_read(&c->header, convert_header_device(c), why)) != RC_OK)
        return rc;
    if (c->header->reencrypting)
        return check_mode(c, why);
    if (c->header->requirement)
        return fail(why, RC_UNSUPPORTED,
                    "%s: the header requires \"%s\", which is not known here", c->place,
                    c->header->requirement);
    return RC_OK;
}

enum rc convert_tidy(struct convert *c, bool *done, struct fault *why)
{
    *done = !c->header->reencrypting && reencryption_note_is_there(c->header);
    return *done ? reencrypt_tidy(c->header, convert_header_device(c), why) : RC_OK;
}

enum rc convert_may_begin(const struct convert *c, struct fault *why)
{
    return c->resume ? fail(why, RC_USAGE, "%s: there is nothing to continue", c->path)
                     : RC_OK;
}

static enum rc unlock_side(struct convert *c, const struct reencryption_side *side,
                           const struct secret *credential, struct secret *key,
                           struct fault *why)
{
    SCOPED(unlock) unlocked = {0};
    enum rc rc;

    if (!side->encrypted)
        return RC_OK;
    rc = unlock_digest(c->header, convert_header_device(c), side->digest, side->encryption,
                       credential, UNLOCK_ANY, &unlocked, why);
    if (rc != RC_OK)
        return rc;
    secret_clear(key);
    *key = unlocked.volume_key;
    unlocked.volume_key = (struct secret){0}; /* it has moved */
    return RC_OK;
}

/* Then nothing but the end is to come, for which no key of before is needed. */
static bool is_done(const struct convert *c, const struct reencryption *plan)
{
    struct reencryption_progress progress;
    uint64_t size;

    return reencryption_size(plan, c->data->size, &size, NULL) == RC_OK &&
           reencryption_progress_read(c->header, plan, size, &progress, NULL) == RC_OK &&
           progress.done;
}

enum rc convert_unlock(struct convert *c, const struct secret *credential, struct fault *why)
{
    struct reencryption plan;
    enum rc rc;

    if ((rc = reencryption_read(c->header, &plan, why)) != RC_OK)
        return rc;
    rc = unlock_side(c, &plan.previous, credential, &c->previous_key, why);
    if (rc != RC_OK && !(rc == RC_DENIED && is_done(c, &plan)))
        return rc;
    if (c->previous_key.at && plan.previous.digest == plan.final.digest)
        return secret_copy(&c->final_key, secret_span(&c->previous_key), why);
    return unlock_side(c, &plan.final, credential, &c->final_key, why);
}

enum rc convert_ask_and_unlock(struct convert *c, const struct credential *from,
                               struct fault *why)
{
    SCOPED(secret) credential = {0};
    char prompt[PATH_MAX + 32];
    enum rc rc;

    snprintf(prompt, sizeof prompt, "Passphrase for %s: ", c->path);
    rc = credential_get(from, prompt, false, &credential, why);
    if (rc == RC_NOT_FOUND)
        rc = why->rc = RC_IO;
    return rc == RC_OK ? convert_unlock(c, &credential, why) : rc;
}

/* ---- the work itself ---- */

static const struct secret *or_none(const struct secret *key)
{
    return key->at ? key : NULL;
}

static enum rc interrupted(const struct convert *c, const struct reencrypt *e,
                           struct fault *why)
{
    uint64_t done, all;

    reencrypt_progress(e, &done, &all);
    return fail(why, RC_IO, "%s: interrupted at %u %%; 'keep %s' continues from here", c->path,
                (unsigned)((double)done / (double)all * 100), reencryption_mode_name(c->mode));
}

static enum rc all_zones(struct convert *c, struct reencrypt *e, struct fault *why)
{
    struct convert_progress progress;
    uint64_t done, all;
    enum rc rc;

    reencrypt_progress(e, &done, &all);
    convert_progress_begin(&progress, done);
    if ((rc = reencrypt_recover(e, why)) != RC_OK)
        return rc;
    while (rc == RC_OK && !interruption_is_due()) {
        reencrypt_progress(e, &done, &all);
        convert_progress_show(&progress, done, all);
        rc = reencrypt_step(e, why);
    }
    convert_progress_end(&progress);
    return rc == RC_OK ? interrupted(c, e, why) : rc == RC_END ? RC_OK : rc;
}

enum rc convert_run(struct convert *c, uint64_t *size, bool *ended,
                    enum rc (*shorten)(struct convert *c, uint64_t size, struct fault *why),
                    struct fault *why)
{
    struct reencrypt_task task = {.header = c->header,
                                  .header_device = convert_header_device(c),
                                  .data = c->data,
                                  .previous_key = or_none(&c->previous_key),
                                  .final_key = or_none(&c->final_key),
                                  .zone_size = c->zone_size};
    struct reencrypt *e;
    uint64_t done;
    enum rc rc = reencrypt_open(&e, &task, why);

    if (rc != RC_OK)
        return rc;
    reencrypt_progress(e, &done, size);
    *ended = !c->init_only;
    if (*ended && (rc = all_zones(c, e, why)) == RC_OK &&
        (rc = reencrypt_wipe(e, why)) == RC_OK &&
        (!shorten || (rc = shorten(c, *size, why)) == RC_OK))
        rc = reencrypt_finish(e, why);
    reencrypt_close(e);
    return rc;
}

enum rc convert_take_space(const struct convert *c, uint64_t size, struct fault *why)
{
    struct statvfs about;
    struct stat now;
    uint64_t has;
    char text[16];

    if (!c->is_file || fallocate(device_fd(c->data), FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return RC_OK;
    if ((errno == EOPNOTSUPP || errno == ENOSYS) && fstat(device_fd(c->data), &now) == 0 &&
        fstatvfs(device_fd(c->data), &about) == 0) {
        has = (uint64_t)now.st_blocks * 512 + (uint64_t)about.f_bavail * about.f_frsize;
        if (size <= has)
            return RC_OK;
    }
    return fail(why, RC_IO, "there is no room for all of its %s", units_size(text, size));
}

enum rc convert_resize_file(struct convert *c, uint64_t size, struct fault *why)
{
    if (!c->is_file)
        return RC_OK;
    if (ftruncate(device_fd(c->data), (off_t)size) < 0)
        return fail_errno(why, RC_IO, "its length cannot be changed");
    c->data->size = size;
    return device_flush(c->data, why);
}

enum rc convert_fault(const struct convert *c, enum rc rc, struct fault *why)
{
    if (rc == RC_OK || strncmp(why->text, c->path, strlen(c->path)) == 0 ||
        strncmp(why->text, c->place, strlen(c->place)) == 0 ||
        strncmp(why->text, "--", 2) == 0)
        return rc;
    return fault_at(why, "%s", c->path);
}

void convert_clear(struct convert *c)
{
    luks2_close(c->header);
    device_close(c->apart);
    device_close(c->data);
    secret_clear(&c->previous_key);
    secret_clear(&c->final_key);
    *c = (struct convert){0};
}
