#include "keep/command/resize_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/device_loop.h"
#include "keep/command/inside.h"
#include "keep/command/luks_target.h"
#include "keep/command/resize_file.h"
#include "keep/format/luks2/luks2_unlock.h"
#include "keep/mount/file_system.h"
#include "keep/mount/fuse_protocol.h"
#include "keep/mount/kernel_crypt.h"
#include "keep/mount/loop_device.h"
#include "keep/mount/serve.h"

/* One run. */
struct change {
    const struct resize_open *what;
    struct resize_file file;
    char image[PATH_MAX + sizeof SERVE_FILE + 1]; /* the decrypted volume, as others see it */
    char loop[DEVICE_LOOP_NAME];                  /* "" where the image is under none */
};

static enum rc refuse(const struct change *c, const char *because, struct fault *why)
{
    return fail(why, RC_BUSY, "%s: %s; close it first", c->file.path, because);
}

static uint64_t size_of(const char *image)
{
    struct device *device;
    uint64_t size = 0;

    if (device_open_file(&device, image, true, DEVICE_UNLOCKED, NULL) == RC_OK) {
        size = device->size;
        device_close(device);
    }
    return size;
}

/* The loop device knows its file by the size that the kernel has seen last. */
static enum rc follow_above(struct change *c, int fd, struct fault *why)
{
    struct statx seen;
    struct stat about;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &seen) < 0 ||
        fstat(fd, &about) < 0)
        return fail_errno(why, RC_IO, "%s", c->image);
    if (!device_loop_find(&about, c->loop))
        return RC_OK;
    return loop_device_follow(c->loop, why);
}

static enum rc follow_face(struct change *c, uint64_t bottom, struct fault *why)
{
    int fd = open(c->image, O_RDONLY | O_CLOEXEC);
    enum rc rc;

    if (fd < 0)
        return fail_errno(why, RC_IO, "%s", c->image);
    if (ioctl(fd, FUSE_FACE_FOLLOW, &bottom) == 0)
        rc = follow_above(c, fd, why);
    else if (errno == EOPNOTSUPP)
        rc = refuse(c, "its size is fixed while it is open", why);
    else
        rc = fail_errno(why, RC_IO, "%s: cannot be given another size", c->file.path);
    close(fd);
    return rc;
}

/* The kernel forgets the name under which it was lent the key, and has to be lent it again. */
static enum rc follow_mapping(struct change *c, uint64_t bottom, struct fault *why)
{
    const struct record *record = c->what->record;
    SCOPED(luks_target) target = {0};
    SCOPED(unlock) unlocked = {0};
    struct luks2_extent extent;
    struct volume_place place;
    struct kernel_crypt mapping = {.name = strrchr(record->mountpoint, '/') + 1,
                                   .target = record->target,
                                   .place = &place,
                                   .key = &unlocked.volume_key};
    enum rc rc;

    if (strcmp(record->format, "plain") == 0)
        return refuse(c, "has no header that a key for the kernel could be had from", why);
    if ((rc = luks_target_begin(&target, c->file.path, c->what->header, LUKS_TARGET_LOOK,
                                why)) ||
        (rc = luks2_extent_find(target.header, bottom, &extent, why)) ||
        (rc = luks_target_unlock(&target, c->what->credential, UNLOCK_ANY, &unlocked, why)))
        return rc;
    place = luks2_place(&extent);
    return kernel_crypt_resize(&mapping, why);
}

static enum rc follow(struct change *c, uint64_t bottom, struct fault *why)
{
    return (c->what->record->kernel[0] ? follow_mapping : follow_face)(c, bottom, why);
}

static enum rc grow(struct change *c, struct fault *why)
{
    enum rc rc = resize_file_set(&c->file, why);

    if (rc == RC_OK)
        rc = follow(c, c->file.after, why);
    if (rc != RC_OK || !c->what->grow_fs)
        return rc;
    rc =
        inside_grow_mounted(c->loop[0] ? c->loop : c->image, c->what->record->mountpoint, why);
    return rc == RC_OK
               ? rc
               : fault_at(why, "%s: is larger, and its file system is not", c->file.path);
}

static enum rc shrink(struct change *c, struct fault *why)
{
    uint64_t shown = size_of(c->image), less = c->file.before - c->file.after;
    struct inside inside;
    enum rc rc;

    if (shown <= less)
        return fail(why, RC_USAGE, "%s: has %" PRIu64 " bytes of data and no more",
                    c->file.path, shown);
    if ((rc = inside_look(c->image, &inside, why)) ||
        (rc = inside_fits(&inside, shown - less, c->file.path, c->what->yes, why)) ||
        (rc = follow(c, c->file.after, why)))
        return rc;
    return resize_file_set(&c->file, why);
}

/* What cannot be done is said before anything is changed. */
static enum rc check(const struct change *c, struct fault *why)
{
    const struct record *record = c->what->record;

    if (record->folder)
        return fail(why, RC_USAGE, "%s: is a folder, which has no size of its own",
                    c->file.path);
    if (record->nbd)
        return refuse(c, "the clients of NBD were told how large it is", why);
    if (!c->what->grow_fs)
        return RC_OK;
    if (record->raw || record->kernel[0])
        return fail(why, RC_USAGE,
                    "--grow-fs: %s is open as bytes: whoever uses them lets what is in them "
                    "grow",
                    c->file.path);
    if (record->helper)
        return refuse(c, "--grow-fs: fuse2fs lets nothing grow", why);
    return RC_OK;
}

/* What it is now counts first: the file or partition may have grown since it was opened. */
static enum rc run(struct change *c, struct fault *why)
{
    enum rc rc;

    if ((rc = check(c, why)) || (rc = resize_file_read(&c->file, c->what->size, 1, why)))
        return rc;
    if (c->file.after >= c->file.before)
        return grow(c, why);
    rc = follow(c, c->file.before, why);
    return rc == RC_OK ? shrink(c, why) : rc;
}

enum rc resize_open(const struct resize_open *r, struct fault *why)
{
    struct change c = {.what = r};
    enum rc rc = resize_file_begin(&c.file, r->record->target, why);

    if (rc != RC_OK)
        return rc;
    if (r->record->kernel[0])
        snprintf(c.image, sizeof c.image, "%s", r->record->mountpoint);
    else
        snprintf(c.image, sizeof c.image, "%s/%s", r->record->face, SERVE_FILE);
    if ((rc = run(&c, why)) != RC_OK)
        return rc;
    resize_file_print(&c.file, r->grow_fs);
    return RC_OK;
}
