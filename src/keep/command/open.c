#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "keep/command/command.h"
#include "keep/command/convert_midst.h"
#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/luks_target.h"
#include "keep/command/open_folder.h"
#include "keep/command/open_place.h"
#include "keep/command/open_record.h"
#include "keep/command/plain_options.h"
#include "keep/format/format.h"
#include "keep/mount/kernel_crypt.h"
#include "keep/mount/serve.h"
#include "keep/mount/unmount.h"

struct open_options {
    struct credential_options credential;
    struct plain_options plain;
    const char *header, *key_slot, *nbd, *kernel, *idle;
    bool read_only, raw, discard, foreground, allow_other, fast, help;
};

static const struct option_row rows[] = {
    CREDENTIAL_ROWS(struct open_options),
    {"header", 0, "FILE", "The LUKS header is in this file, and the target holds data alone.",
     offsetof(struct open_options, header)},
    {"key-slot", 0, "NUMBER", "Try this key slot alone.",
     offsetof(struct open_options, key_slot)},
    PLAIN_ROWS(struct open_options),
    {"read-only", 'r', NULL, "Write nothing to the target.",
     offsetof(struct open_options, read_only)},
    {"raw", 0, NULL,
     "Show the decrypted volume as the file 'volume', and mount nothing in it.",
     offsetof(struct open_options, raw)},
    {"nbd", 0, "SOCKET",
     "Serve the decrypted volume at this Unix socket, for clients of NBD; mount nothing.",
     offsetof(struct open_options, nbd)},
    {"kernel", 0, "NAME",
     "Hand the key to the kernel's dm-crypt, as root: the volume is /dev/mapper/NAME.",
     offsetof(struct open_options, kernel)},
    {"allow-discard", 0, NULL,
     "Give unused blocks back to the disk; an observer may then see which are unused.",
     offsetof(struct open_options, discard)},
    {"allow-discards", 0, NULL, "The same, as cryptsetup spells it.",
     offsetof(struct open_options, discard)},
    {"idle", 0, "TIME", "Close what was not used for so long: 90s, 10m, 2h.",
     offsetof(struct open_options, idle)},
    {"allow-other", 0, NULL, "Other users may look into a folder, as its modes permit.",
     offsetof(struct open_options, allow_other)},
    {"fast", 0, NULL,
     "Write to a folder without extra flushes: a power cut may cost blocks being overwritten.",
     offsetof(struct open_options, fast)},
    {"foreground", 'f', NULL, "Stay, and close the volume on SIGTERM: for services.",
     offsetof(struct open_options, foreground)},
    COMMAND_HELP_ROW(struct open_options),
    {0},
};

/* One run of 'keep open'. */
struct opening {
    struct open_options options;
    struct credential credential;
    int key_slot;
    uint64_t idle_ms;
    bool is_plain;
    struct plain plain;
    const char *target, *mountpoint;
    struct record record;
    struct device *device; /* the decrypted volume */
    uint32_t sector_size;
};

/* One face at a time; what cannot be done is said before a passphrase is asked for. */
static enum rc check_face(const struct opening *o, struct fault *why)
{
    const struct open_options *options = &o->options;
    const char *face = options->kernel ? "--kernel" : "--nbd";
    enum rc rc;

    if (!options->nbd && !options->kernel)
        return RC_OK;
    if (options->nbd && options->kernel)
        return fail(why, RC_USAGE, "--nbd and --kernel exclude each other");
    if (options->raw || o->mountpoint)
        return fail(why, RC_USAGE, "%s mounts nothing: leave out %s", face,
                    options->raw ? "--raw" : "the mount point");
    if (options->nbd)
        return RC_OK;
    if (options->foreground)
        return fail(why, RC_USAGE, "--kernel leaves no process: leave out --foreground");
    rc = kernel_crypt_check_name(options->kernel, why);
    return rc == RC_OK ? kernel_crypt_check_system(why) : rc;
}

/* A number of seconds, minutes or hours. */
static bool read_time(const char *word, uint64_t *ms)
{
    size_t len = strlen(word);
    uint64_t unit = 1000;

    if (len > 1 && strchr("smh", word[len - 1]))
        unit *= word[--len] == 'h' ? 3600 : word[len] == 'm' ? 60 : 1;
    if (units_parse_number(span_of(word, len), 366 * 24 * 3600, ms) != RC_OK || *ms == 0)
        return false;
    *ms *= unit;
    return true;
}

static enum rc read_options(struct opening *o, struct fault *why)
{
    enum rc rc;

    if ((rc = credential_options_read(&o->options.credential, &o->credential, why)) ||
        (rc = plain_options_read(&o->options.plain, &o->is_plain, &o->plain, why)))
        return rc;
    if (o->is_plain && (o->options.header || o->options.key_slot))
        return fail(why, RC_USAGE, "--header and --key-slot are for volumes with a header");
    if ((rc = check_face(o, why)) != RC_OK)
        return rc;
    if (!folder_is_directory(o->target) && (o->options.allow_other || o->options.fast))
        return fail(why, RC_USAGE,
                    "--allow-other and --fast are for encrypted folders, and %s is none",
                    o->target);
    if (o->options.idle && (o->options.nbd || o->options.kernel))
        return fail(why, RC_USAGE, "--idle is for what keep mounts itself: leave out %s",
                    o->options.nbd ? "--nbd" : "--kernel");
    if (o->options.idle && !read_time(o->options.idle, &o->idle_ms))
        return fail(why, RC_USAGE, "--idle: \"%s\" is no time, as in 90s, 10m or 2h",
                    o->options.idle);
    return credential_options_key_slot(o->options.key_slot, &o->key_slot, why);
}

/* Both copies of a header are sound again after this, where it is ours to write. */
static void repair(const struct opening *o, struct container *container)
{
    struct fault why = {0};

    if (!container->repair_due || o->options.read_only || o->options.header)
        return;
    if (format_repair(container, &why) == RC_OK)
        fprintf(stderr, "keep: %s: a damaged copy of its header was written anew\n",
                o->target);
    else
        fprintf(stderr, "keep: %s: a copy of its header is damaged, and stays so: %s\n",
                o->target, why.text);
}

static enum rc get_credential(const struct opening *o, struct secret *credential,
                              struct fault *why)
{
    char prompt[PATH_MAX + 32];
    enum rc rc;

    snprintf(prompt, sizeof prompt, "Passphrase for %s: ", o->target);
    rc = credential_get(&o->credential, prompt, false, credential, why);
    return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
}

static enum rc unlock_with(const struct opening *o, struct container *container,
                           uint64_t data_size, struct format_volume *volume, struct fault *why)
{
    SCOPED(secret) credential = {0};
    enum rc rc = get_credential(o, &credential, why);

    if (rc != RC_OK)
        return rc;
    rc = format_unlock(container, data_size, o->options.header != NULL, &credential,
                       o->key_slot, volume, why);
    return rc == RC_NOT_FOUND ? (why->rc = RC_USAGE) : rc;
}

/* As cryptsetup and systemd name what they open. */
static enum rc map(struct opening *o, const struct container *container,
                   const struct format_volume *volume, struct fault *why)
{
    const struct kernel_crypt what = {.name = o->options.kernel,
                                      .id = o->record.kernel,
                                      .target = o->record.target,
                                      .place = &volume->place,
                                      .key = &volume->key,
                                      .read_only = o->options.read_only,
                                      .discard = o->options.discard};
    size_t len = (size_t)snprintf(o->record.kernel, sizeof o->record.kernel, "CRYPT-%s-",
                                  container ? container->format->name : "PLAIN");

    for (const char *at = container ? container->uuid : ""; *at; at++)
        if (*at != '-')
            o->record.kernel[len++] = *at;
    snprintf(o->record.kernel + len, KERNEL_CRYPT_ID - len, "%s%s", container ? "-" : "",
             o->options.kernel);
    return kernel_crypt_open(&what, why);
}

/* Turns a place and a key into what is served. `container` is NULL for a volume without a header. */
static enum rc use_volume(struct opening *o, const struct container *container,
                          struct device *data, const struct format_volume *volume,
                          struct fault *why)
{
    o->sector_size = volume->place.sector_size;
    o->record.sector_size = (int)volume->place.sector_size;
    snprintf(o->record.format, sizeof o->record.format, "%s",
             container ? container->format->name : "plain");
    snprintf(o->record.cipher, sizeof o->record.cipher, "%s", volume->place.encryption);
    if (o->options.kernel)
        return map(o, container, volume, why);
    return volume_open(&o->device, data, &volume->place, &volume->key, why);
}

/* Header, credential, key: the volume, whose key is then in its cipher alone. */
static enum rc unlock_volume(struct opening *o, struct container *container,
                             struct device *data, struct fault *why)
{
    SCOPED(format_volume) volume = {0};
    enum rc rc = unlock_with(o, container, data->size, &volume, why);

    if (rc != RC_OK)
        return rc;
    repair(o, container);
    return use_volume(o, container, data, &volume, why);
}

/* Without a header: any credential makes a key. */
static enum rc unlock_plain(struct opening *o, struct device *data, struct fault *why)
{
    SCOPED(format_volume) volume = {0};
    SCOPED(secret) credential = {0};
    bool raw = o->credential.key_file != NULL;
    enum rc rc;

    if ((rc = get_credential(o, &credential, why)) ||
        (rc = plain_unlock(&o->plain, data->size, &credential, raw, &volume, why)))
        return rc;
    return use_volume(o, NULL, data, &volume, why);
}

/* In the midst of an encryption, decryption or reencryption: of several pieces. */
static enum rc unlock_midst(struct opening *o, struct device *data, struct fault *why)
{
    SCOPED(secret) credential = {0};
    struct convert_midst_result result;
    enum rc rc;

    if (o->options.kernel)
        return fail(why, RC_UNSUPPORTED,
                    "--kernel: its data are being changed, and the kernel is given whole "
                    "volumes only");
    if ((rc = get_credential(o, &credential, why)) ||
        (rc = convert_midst_open(&(struct convert_midst){.path = o->target,
                                                         .header_path = o->options.header,
                                                         .data = data,
                                                         .writes = !o->options.read_only,
                                                         .credential = &credential},
                                 &result, why)))
        return rc;
    o->device = result.volume;
    o->sector_size = result.sector_size;
    o->record.sector_size = (int)result.sector_size;
    snprintf(o->record.format, sizeof o->record.format, "LUKS2");
    snprintf(o->record.cipher, sizeof o->record.cipher, "%s", result.cipher);
    return RC_OK;
}

/* *foreign is set where there is no header of ours at all. */
static enum rc read_and_unlock(struct opening *o, struct device *header_device,
                               struct device *data, bool *foreign, struct fault *why)
{
    struct container *container;
    enum rc rc = luks_target_hold(header_device, false, why);

    if (rc != RC_OK)
        return rc;
    if (convert_midst_is(header_device, NULL) == RC_OK) {
        rc = unlock_midst(o, data, why);
        luks_target_release(header_device);
        return rc;
    }
    if ((rc = format_read(&container, header_device, why)) != RC_OK) {
        *foreign = rc == RC_NOT_FOUND;
        return rc;
    }
    rc = unlock_volume(o, container, data, why);
    format_close(container);
    luks_target_release(header_device);
    return rc;
}

static enum rc open_devices(struct opening *o, bool *foreign, struct fault *why)
{
    const char *header_path = o->options.header;
    struct device *data = NULL, *header = NULL;
    enum rc rc = device_open_file(&data, o->target, o->options.read_only,
                                  o->options.read_only ? DEVICE_SHARED
                                  : o->options.kernel  ? DEVICE_LOCKED
                                                       : DEVICE_EXCLUSIVE,
                                  why);

    if (rc == RC_OK && header_path)
        rc = device_open_file(&header, header_path, true, DEVICE_SHARED, why);
    if (rc == RC_NOT_FOUND)
        rc = why->rc = RC_IO;
    if (rc == RC_OK)
        rc = o->is_plain ? unlock_plain(o, data, why)
                         : read_and_unlock(o, header ? header : data, data, foreign, why);
    if (rc != RC_OK || o->options.kernel)
        device_close(data);
    device_close(header);
    if (rc != RC_OK && strncmp(why->text, o->target, strlen(o->target)) != 0)
        (void)fault_at(why, "%s", header_path ? header_path : o->target);
    return rc;
}

static void say_open(const struct record *record)
{
    printf("%s: open at %s%s%s\n", record->target, record->mountpoint,
           record->raw ? "/" SERVE_FILE : "", record->read_only ? " (read-only)" : "");
    fflush(stdout);
}

static enum rc prepare_place(struct opening *o, struct fault *why)
{
    if (o->record.nbd)
        return open_place_socket(&o->record, o->options.nbd, why);
    return open_place_mountpoint(&o->record, o->mountpoint, why);
}

static enum rc serve(struct opening *o, struct daemon *daemon, struct fault *why)
{
    struct serve serve = {.record = &o->record,
                          .device = o->device,
                          .sector_size = o->sector_size,
                          .discard = o->options.discard,
                          .idle_ms = o->idle_ms,
                          .daemon = daemon,
                          .mounted = say_open};
    enum rc rc;

    o->record.raw = o->options.raw;
    o->record.nbd = o->options.nbd != NULL;
    o->record.read_only = o->options.read_only;
    o->record.daemon = getpid();
    if ((rc = prepare_place(o, why)) != RC_OK) {
        device_close(o->device);
        return rc;
    }
    return o->record.nbd ? serve_nbd(&serve, why) : serve_volume(&serve, why);
}

/* The kernel serves it; what is left of us is the record. */
static enum rc leave_to_kernel(struct opening *o, struct fault *why)
{
    enum rc rc;

    o->record.read_only = o->options.read_only;
    o->record.raw = o->record.nbd = o->record.made_mountpoint = false;
    o->record.daemon = 0;
    snprintf(o->record.mountpoint, sizeof o->record.mountpoint, "/dev/mapper/%s",
             o->options.kernel);
    if ((rc = record_write(&o->record, why)) != RC_OK)
        return rc;
    record_leave(&o->record);
    say_open(&o->record);
    return RC_OK;
}

static enum status run_opening(struct opening *o, struct fault *why)
{
    struct daemon daemon;
    bool foreign = false;
    bool stays = o->options.foreground || o->options.kernel;
    enum rc rc = daemon_begin(&daemon, stays, why);

    if (rc != RC_OK)
        return command_status_of(rc);
    daemon_hide();
    if ((rc = open_record_begin(&o->record, o->target, why)) == RC_OK) {
        rc = open_devices(o, &foreign, why);
        if (rc == RC_OK)
            rc = o->options.kernel ? leave_to_kernel(o, why) : serve(o, &daemon, why);
        if (rc != RC_OK || !o->options.kernel)
            open_record_end(&o->record, rc, !stays && daemon.report < 0, why);
    }
    return foreign ? STATUS_FOREIGN : command_status_of(rc);
}

static enum status run_folder(const struct opening *o, struct fault *why)
{
    const struct open_folder folder = {
        .target = o->target,
        .mountpoint = o->mountpoint,
        .header = o->options.header,
        .credential = &o->credential,
        .key_slot = o->key_slot,
        .idle_ms = o->idle_ms,
        .read_only = o->options.read_only,
        .allow_other = o->options.allow_other,
        .fast = o->options.fast,
        .foreground = o->options.foreground,
    };

    if (o->is_plain || o->options.raw || o->options.nbd || o->options.kernel ||
        o->options.discard)
        return command_status_of(
            fail(why, RC_USAGE,
                 "%s: is a folder: --type plain, --raw, --nbd, --kernel and "
                 "--allow-discard are for volumes",
                 o->target));
    return open_folder(&folder, why);
}

static enum status open_run(char **words, int count, struct fault *why)
{
    struct opening o = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_open, &o.options, &o.options.help, words, &count, 1, 2,
                       &status, why))
        return status;
    o.target = words[0];
    o.mountpoint = count > 1 ? words[1] : NULL;
    if ((rc = read_options(&o, why)) != RC_OK)
        return command_status_of(rc);
    return folder_is_directory(o.target) ? run_folder(&o, why) : run_opening(&o, why);
}

const struct command command_open = {
    .name = "open",
    .operands = "TARGET [MOUNTPOINT]",
    .doc = "Unlocks a volume or a folder, and mounts what is in it.",
    .rows = rows,
    .run = open_run,
};
