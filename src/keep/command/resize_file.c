#include "keep/command/resize_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "io/device.h"

enum { GRAIN = 4096 };

enum rc resize_file_begin(struct resize_file *file, const char *path, struct fault *why)
{
    struct device *device;
    struct stat about;
    enum rc rc = device_open_file(&device, path, true, DEVICE_UNLOCKED, why);

    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    *file = (struct resize_file){.path = path,
                                 .is_device = fstat(device_fd(device), &about) == 0 &&
                                              S_ISBLK(about.st_mode),
                                 .before = device->size,
                                 .after = device->size};
    device_close(device);
    return RC_OK;
}

enum rc resize_file_read(struct resize_file *file, const char *word, uint64_t least,
                         struct fault *why)
{
    uint64_t size;

    if (!word)
        return RC_OK;
    if (file->is_device)
        return fail(why, RC_USAGE,
                    "%s: is a device: change the partition, and the volume has its size",
                    file->path);
    if (units_parse_size(span_text(word + (word[0] == '+' || word[0] == '-')), &size) !=
            RC_OK ||
        (word[0] == '-' && size > file->before))
        return fail(why, RC_USAGE, "--size: \"%s\" is no size, as in 10G, +1G or -1G", word);
    file->after = word[0] == '+'   ? file->before + size
                  : word[0] == '-' ? file->before - size
                                   : size;
    file->after -= file->after % GRAIN;
    if (file->after < least || file->after > INT64_MAX)
        return fail(why, RC_USAGE, "--size: \"%s\" leaves no room for data behind the header",
                    word);
    return RC_OK;
}

/* The space is taken at once where the file system can do so, as by 'keep create'. */
static enum rc set_size(const struct resize_file *file, int fd, struct fault *why)
{
    off_t before = (off_t)file->before, after = (off_t)file->after;

    if (after > before && fallocate(fd, 0, before, after - before) < 0 && errno != EOPNOTSUPP)
        return fail_errno(why, RC_IO, "%s: no room for it", file->path);
    if (ftruncate(fd, after) < 0 || fsync(fd) < 0)
        return fail_errno(why, RC_IO, "%s", file->path);
    return RC_OK;
}

enum rc resize_file_set(const struct resize_file *file, struct fault *why)
{
    enum rc rc;
    int fd;

    if (file->after == file->before)
        return RC_OK;
    fd = open(file->path, O_RDWR | O_CLOEXEC);
    rc = fd < 0 ? fail_errno(why, RC_IO, "%s", file->path) : set_size(file, fd, why);
    if (fd >= 0)
        close(fd);
    return rc;
}

void resize_file_print(const struct resize_file *file, bool grown_inside)
{
    char size[16];

    printf("%s: has %s now%s\n", file->path, units_size(size, file->after),
           grown_inside                 ? ", and its file system fills them"
           : file->after > file->before ? "; with --grow-fs a file system inside fills them"
                                        : "");
}
