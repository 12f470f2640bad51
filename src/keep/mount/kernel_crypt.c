#include "keep/mount/kernel_crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdevmapper.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "crypto/random.h"
#include "io/device_loop.h"
#include "keep/mount/loop_device.h"

enum { SECTOR = 512, NAME_MAX_LEN = 127, TABLE_TEXT = 256, KEY_NAME = 48 };

/* libdevmapper prints what it thinks otherwise; errno tells us as much. */
static void say_nothing(int level, const char *file, int line, int error, const char *format,
                        ...)
{
    (void)level, (void)file, (void)line, (void)error, (void)format;
}

enum rc kernel_crypt_check_name(const char *name, struct fault *why)
{
    static const char taken[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789#+-.:=@_";
    size_t len = strlen(name);

    if (len > 0 && len <= NAME_MAX_LEN && strspn(name, taken) == len && name[0] != '.' &&
        strcmp(name, "control") != 0)
        return RC_OK;
    return fail(
        why, RC_USAGE,
        "--kernel: \"%s\" is no name of a mapping: letters, digits and #+-.:=@_ make one",
        name);
}

static bool run_simple(int type, const char *name)
{
    struct dm_task *task = dm_task_create(type);
    bool well = task && (!name || dm_task_set_name(task, name)) && dm_task_run(task);

    if (task)
        dm_task_destroy(task);
    return well;
}

enum rc kernel_crypt_check_system(struct fault *why)
{
    if (geteuid() != 0)
        return fail(why, RC_IO,
                    "--kernel needs root; without it keep open serves the volume itself");
    dm_log_with_errno_init(say_nothing);
    if (!run_simple(DM_DEVICE_VERSION, NULL))
        return fail(
            why, RC_UNSUPPORTED,
            "--kernel: this kernel has no device mapper (modprobe dm-crypt); without the "
            "option keep serves the volume itself");
    return RC_OK;
}

/* In hexadecimal, behind `len` bytes of text; wiped with the secret. */
static void put_hex(char *at, const struct secret *key)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < key->len; i++) {
        *at++ = digits[key->at[i] >> 4];
        *at++ = digits[key->at[i] & 15];
    }
    *at = '\0';
}

/* A key of the kernel's that is found from this thread alone, by a name that nobody guesses. */
static long lend_key(const struct secret *key, char name[KEY_NAME])
{
    uint64_t number[2];

    if (random_bytes(number, sizeof number, NULL) != RC_OK)
        return -1;
    snprintf(name, KEY_NAME, "keepgate:%016" PRIx64 "%016" PRIx64, number[0], number[1]);
    return syscall(SYS_add_key, "logon", name, key->at, key->len, KEY_SPEC_THREAD_KEYRING);
}

static void take_key_back(long id)
{
    if (id >= 0)
        syscall(SYS_keyctl, KEYCTL_UNLINK, id, KEY_SPEC_THREAD_KEYRING);
}

/* CIPHER KEY IV_OFFSET DEVICE OFFSET [COUNT OPTION ...], as the kernel's dm-crypt.rst has it. */
static void write_table(const struct kernel_crypt *what, const char *device, const char *key,
                        char *table, size_t size)
{
    const struct volume_place *place = what->place;
    char options[96];
    unsigned count = 0;
    int len = 0;

    if (what->discard)
        len += snprintf(options + len, sizeof options - (size_t)len, " allow_discards"),
            count++;
    if (place->sector_size != SECTOR)
        len += snprintf(options + len, sizeof options - (size_t)len, " sector_size:%u",
                        place->sector_size),
            count++;
    if (place->large_iv)
        len += snprintf(options + len, sizeof options - (size_t)len, " iv_large_sectors"),
            count++;
    len = snprintf(table, size, "%s %s %" PRIu64 " %s %" PRIu64, place->encryption, key,
                   place->iv_tweak, device, place->offset / SECTOR);
    if (count > 0)
        snprintf(table + len, size - (size_t)len, " %u%s", count, options);
}

/* A new mapping; or, without an id, a table that waits for one that is there to be resumed. */
static enum rc load(const struct kernel_crypt *what, const char *table, struct fault *why)
{
    struct dm_task *task = dm_task_create(what->id ? DM_DEVICE_CREATE : DM_DEVICE_RELOAD);
    uint32_t cookie = 0;
    bool well = task && dm_task_secure_data(task) && dm_task_set_name(task, what->name) &&
                (!what->id || dm_task_set_uuid(task, what->id)) &&
                (!what->read_only || dm_task_set_ro(task)) &&
                dm_task_add_target(task, 0, what->place->len / SECTOR, "crypt", table) &&
                (!what->id || dm_task_set_cookie(task, &cookie, 0)) && dm_task_run(task);

    errno = task ? dm_task_get_errno(task) : ENOMEM;
    if (well && what->id) {
        dm_udev_wait(cookie);
        dm_task_update_nodes();
    }
    if (task)
        dm_task_destroy(task);
    if (well)
        return RC_OK;
    if (errno == EBUSY || errno == EEXIST)
        return fail(why, RC_BUSY,
                    "/dev/mapper/%s: is there already, or the device is in use otherwise",
                    what->name);
    return fail_errno(why, RC_UNSUPPORTED, "the kernel's dm-crypt does not take %s",
                      what->place->encryption);
}

/* Through the keyring; an old dm-crypt, or a kernel without keyrings, gets it in the table. */
static enum rc give(const struct kernel_crypt *what, const char *device, struct fault *why)
{
    SCOPED(secret) table = {0}, hex = {0};
    char name[KEY_NAME], reference[KEY_NAME + 32];
    enum rc rc = secret_alloc(&table, TABLE_TEXT + what->key->len * 2, why);
    long id;

    if (rc != RC_OK || (rc = secret_alloc(&hex, what->key->len * 2 + 2, why)) != RC_OK)
        return rc;
    id = lend_key(what->key, name);
    if (id >= 0) {
        snprintf(reference, sizeof reference, ":%zu:logon:%s", what->key->len, name);
        write_table(what, device, reference, (char *)table.at, table.len);
        rc = load(what, (const char *)table.at, why);
        take_key_back(id);
        if (rc != RC_UNSUPPORTED)
            return rc;
    }
    put_hex((char *)hex.at, what->key);
    write_table(what, device, what->key->len > 0 ? (const char *)hex.at : "-",
                (char *)table.at, table.len);
    return load(what, (const char *)table.at, why);
}

/* Its blocks are as large as the volume's sectors, where they fill the file. */
static enum rc attach_file(const struct kernel_crypt *what, uint64_t size,
                           char device[LOOP_DEVICE_PATH], int *fd, struct fault *why)
{
    uint32_t block = size % what->place->sector_size == 0 ? what->place->sector_size : SECTOR;
    enum rc rc = loop_device_attach(what->target, what->read_only, block, device, fd, why);

    return rc == RC_NOT_FOUND ? (why->rc = RC_UNSUPPORTED) : rc;
}

enum rc kernel_crypt_open(const struct kernel_crypt *what, struct fault *why)
{
    char loop[LOOP_DEVICE_PATH];
    struct stat about;
    int fd = -1;
    enum rc rc = RC_OK;

    if (what->place->integrity)
        return fail(why, RC_UNSUPPORTED, "--kernel does not set up volumes with integrity");
    if (stat(what->target, &about) < 0)
        return fail_errno(why, RC_IO, "%s", what->target);
    if (S_ISREG(about.st_mode))
        rc = attach_file(what, (uint64_t)about.st_size, loop, &fd, why);
    if (rc == RC_OK)
        rc = give(what, fd >= 0 ? loop : what->target, why);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* What the mapping was made with, which a new table would not say again. */
static void find_options(struct kernel_crypt *what)
{
    struct dm_task *task = dm_task_create(DM_DEVICE_TABLE);
    struct dm_info info = {0};
    uint64_t start, len;
    char *type, *table = NULL;

    if (task && dm_task_set_name(task, what->name) && dm_task_run(task)) {
        (void)dm_get_next_target(task, NULL, &start, &len, &type, &table);
        what->discard = table && strstr(table, " allow_discards");
        what->read_only = dm_task_get_info(task, &info) && info.read_only;
    }
    if (task)
        dm_task_destroy(task);
}

static enum rc resume(const char *name, struct fault *why)
{
    struct dm_task *task = dm_task_create(DM_DEVICE_RESUME);
    uint32_t cookie = 0;
    bool well = task && dm_task_set_name(task, name) && dm_task_set_cookie(task, &cookie, 0) &&
                dm_task_run(task);

    errno = task ? dm_task_get_errno(task) : ENOMEM;
    if (well)
        dm_udev_wait(cookie);
    if (task)
        dm_task_destroy(task);
    return well ? RC_OK
                : fail_errno(why, RC_IO, "/dev/mapper/%s: cannot be given another size", name);
}

enum rc kernel_crypt_resize(const struct kernel_crypt *what, struct fault *why)
{
    struct kernel_crypt anew = *what;
    char loop[DEVICE_LOOP_NAME] = "";
    struct stat about;
    enum rc rc;

    dm_log_with_errno_init(say_nothing);
    if (stat(what->target, &about) < 0)
        return fail_errno(why, RC_IO, "%s", what->target);
    if (S_ISREG(about.st_mode)) {
        if (!device_loop_find(&about, loop))
            return fail(why, RC_IO, "%s: no loop device shows it", what->target);
        if ((rc = loop_device_follow(loop, why)))
            return rc;
    }
    find_options(&anew);
    anew.id = NULL;
    if ((rc = give(&anew, loop[0] ? loop : what->target, why)))
        return rc;
    return resume(what->name, why);
}

bool kernel_crypt_is_there(const char *name, const char *id)
{
    char path[NAME_MAX_LEN + 32], text[KERNEL_CRYPT_ID + 1] = "";
    struct stat about;
    ssize_t got = -1;
    int fd;

    snprintf(path, sizeof path, "/dev/mapper/%s", name);
    if (stat(path, &about) < 0 || !S_ISBLK(about.st_mode))
        return false;
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/dm/uuid", major(about.st_rdev),
             minor(about.st_rdev));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, sizeof text - 1);
        close(fd);
    }
    return got > 0 && strcspn(text, "\n") == strlen(id) && strncmp(text, id, strlen(id)) == 0;
}

enum rc kernel_crypt_close(const char *name, struct fault *why)
{
    struct dm_task *task;
    uint32_t cookie = 0;
    bool well;

    dm_log_with_errno_init(say_nothing);
    task = dm_task_create(DM_DEVICE_REMOVE);
    well = task && dm_task_set_name(task, name) && dm_task_retry_remove(task) &&
           dm_task_set_cookie(task, &cookie, 0) && dm_task_run(task);
    errno = task ? dm_task_get_errno(task) : ENOMEM;
    if (well) {
        dm_udev_wait(cookie);
        dm_task_update_nodes();
    }
    if (task)
        dm_task_destroy(task);
    if (well)
        return RC_OK;
    if (errno == EBUSY)
        return fail(
            why, RC_BUSY,
            "/dev/mapper/%s: is still in use; unmount what is on it ('lsblk' lists it)", name);
    return fail_errno(why, RC_IO, "/dev/mapper/%s: cannot be removed", name);
}
