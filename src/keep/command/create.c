#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "keep/command/cipher_options.h"
#include "keep/command/command.h"
#include "keep/command/create_folder.h"
#include "keep/command/create_integrity.h"
#include "keep/command/create_target.h"
#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/interruption.h"
#include "keep/command/kdf_options.h"
#include "keep/command/make_file_system.h"
#include "keep/command/passphrase.h"
#include "keep/format/luks1/luks1_write.h"
#include "keep/format/luks2/luks2_unlock.h"
#include "keep/mount/daemon.h"
#include "keep/volume/volume.h"
#include "vault/header/keyslot.h"
#include "vault/header/luks2_format.h"

enum {
    ROOM_LEAST = 4 << 20, /* bytes behind the header: what a small file system needs */
    GRAIN = 4096,         /* sizes are cut to a multiple of it */
};

struct create_options {
    struct credential_options credential;
    struct kdf_options kdf;
    struct cipher_options cipher;
    const char *size, *sector_size, *fs, *label, *type, *names, *header;
    bool luks1, generate, yes, help;
};

static const struct option_row rows[] = {
    {"size", 's', "SIZE",
     "Of a new file, header included: 64M (the default), 10G. One that is there keeps its "
     "own.",
     offsetof(struct create_options, size)},
    {"fs", 0, "ext4|ext3|ext2|xfs|btrfs|vfat|none", "What is made inside; ext4 by default.",
     offsetof(struct create_options, fs)},
    {"type", 0, "volume|folder",
     "What is made; for a directory that is there, a folder by default.",
     offsetof(struct create_options, type)},
    {"name-encryption", 0, "on|off", "Of the files of a folder; on by default.",
     offsetof(struct create_options, names)},
    {"label", 'L', "TEXT", "Name of the volume and of its file system.",
     offsetof(struct create_options, label)},
    CIPHER_ROWS(struct create_options),
    {"sector-size", 0, "512|1024|2048|4096",
     "Bytes that are encrypted together; 4096 by default.",
     offsetof(struct create_options, sector_size)},
    {"luks1", 0, NULL, "Make a LUKS1 header, for systems that know no other.",
     offsetof(struct create_options, luks1)},
    {"header", 0, "FILE", "Make the header as this file; the target gets nothing but data.",
     offsetof(struct create_options, header)},
    KDF_ROWS(struct create_options),
    CREDENTIAL_ROWS(struct create_options),
    {"generate-passphrase", 0, NULL, "Make a strong passphrase, and show it once.",
     offsetof(struct create_options, generate)},
    {"yes", 'y', NULL, "Answer every question with yes: data that are there are lost.",
     offsetof(struct create_options, yes)},
    COMMAND_HELP_ROW(struct create_options),
    {0},
};

/* One run of 'keep create'. */
struct creation {
    struct create_options options;
    struct credential credential;
    struct luks2_format format;
    size_t key_size; /* bytes */
    struct kdf_params kdf;
    unsigned kdf_ms; /* to be measured; 0: the costs were given */
    uint64_t size;
    const struct new_file_system *file_system; /* NULL for none */
    bool is_folder;
    const char *path;
};

static uint64_t header_room(const struct creation *c)
{
    return c->options.luks1 ? luks1_header_room(c->key_size) : LUKS2_FORMAT_HEADER_SIZE;
}

/* Of the file that is overwritten: a volume in it keeps its size, where it has room. */
static bool has_room(const struct creation *c, uint64_t room, uint64_t *size)
{
    uint64_t inside = c->file_system && c->file_system->least > ROOM_LEAST
                          ? c->file_system->least
                          : ROOM_LEAST;
    struct stat about;

    if (stat(c->path, &about) < 0 || !S_ISREG(about.st_mode))
        return false;
    *size = (uint64_t)about.st_size - (uint64_t)about.st_size % GRAIN;
    return *size >= room + inside;
}

static enum rc read_size(struct creation *c, struct fault *why)
{
    const char *word = c->options.size ? c->options.size : "64M";
    uint64_t room = c->options.header ? 0 : header_room(c);
    char header[16], least[16];

    if (!c->options.size && has_room(c, room, &c->size))
        return RC_OK;
    if (units_parse_size(span_text(word), &c->size) != RC_OK)
        return fail(why, RC_USAGE, "--size: \"%s\" is no size, as in 64M or 10G", word);
    c->size -= c->size % GRAIN;
    if (c->size < room + ROOM_LEAST)
        return fail(
            why, RC_USAGE,
            "--size: \"%s\" is too small; the header alone takes %s, and %s is the least",
            word, units_size(header, room), units_size(least, room + ROOM_LEAST));
    if (c->file_system && c->size < room + c->file_system->least)
        return fail(why, RC_USAGE, "--size: \"%s\" is too small for %s; %s is the least", word,
                    c->file_system->name, units_size(least, room + c->file_system->least));
    return RC_OK;
}

static enum rc read_sector_size(struct creation *c, struct fault *why)
{
    static const char *const words[] = {"512", "1024", "2048", "4096"};
    const char *word = c->options.sector_size;

    c->format.sector_size = c->options.luks1 ? CIPHER_SECTOR : CIPHER_SECTOR_MAX;
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) {
            c->format.sector_size = (uint32_t)CIPHER_SECTOR << i;
            word = NULL;
        }
    if (word)
        return fail(why, RC_USAGE, "--sector-size: \"%s\" is none of 512, 1024, 2048 and 4096",
                    word);
    if (c->options.luks1 && c->format.sector_size != CIPHER_SECTOR)
        return fail(why, RC_USAGE, "--sector-size: a LUKS1 volume has sectors of 512 bytes");
    return RC_OK;
}

static enum rc read_inside(struct creation *c, struct fault *why)
{
    const char *fs = c->options.fs ? c->options.fs : "ext4", *label = c->options.label;
    size_t most = LUKS2_LABEL_SIZE - 1;

    if (!c->is_folder && strcmp(fs, "none") != 0 &&
        !(c->file_system = make_file_system_find(fs)))
        return fail(why, RC_USAGE,
                    "--fs: \"%s\" is neither none nor one of " MAKE_FILE_SYSTEM_NAMES, fs);
    if (c->file_system && c->file_system->label_most < most)
        most = c->file_system->label_most;
    if (label && strlen(label) > most)
        return fail(why, RC_USAGE, "--label: \"%s\" is longer than %s's %zu bytes", label,
                    c->file_system ? fs : "LUKS2", most);
    if (label && c->options.luks1 && !c->file_system)
        return fail(why, RC_USAGE, "--label: a LUKS1 header has no place for it");
    return RC_OK;
}

static enum rc read_options(struct creation *c, struct fault *why)
{
    struct create_options *o = &c->options;
    enum rc rc;

    if (o->generate && (o->credential.passphrase_file || o->credential.key_file))
        return fail(why, RC_USAGE, "--generate-passphrase needs no other passphrase or key");
    if (o->luks1 && o->kdf.pbkdf && strcmp(o->kdf.pbkdf, "pbkdf2") != 0)
        return fail(why, RC_USAGE, "--pbkdf: a LUKS1 header has pbkdf2 alone");
    if (o->luks1)
        o->kdf.pbkdf = "pbkdf2";
    if (o->luks1 && o->cipher.integrity)
        return fail(why, RC_USAGE, "--integrity: a LUKS1 header cannot describe it");
    c->format.detached = o->header != NULL;
    c->format.label = o->label;
    if ((rc = cipher_options_read(&o->cipher, &c->format, &c->key_size, why)) ||
        (rc = read_sector_size(c, why)) || (rc = read_inside(c, why)) ||
        (rc = credential_options_read(&o->credential, &c->credential, why)) ||
        (rc = read_size(c, why)))
        return rc;
    return kdf_options_read(&o->kdf, &c->kdf, &c->kdf_ms, why);
}

/* Ctrl-C is answered between the steps, so that nothing is left lying about. */
static enum rc check_interrupted(struct fault *why)
{
    return interruption_is_due() ? fail(why, RC_IO, "interrupted; nothing was made") : RC_OK;
}

static enum rc fill_volume(const struct creation *c, const struct luks2 *header,
                           const char *path, const struct secret *key, struct fault *why)
{
    struct device *lower, *volume;
    struct luks2_extent extent;
    struct volume_place place;
    enum rc rc = device_open_file(&lower, path, false, DEVICE_UNLOCKED, why);

    if (rc != RC_OK)
        return rc;
    if ((rc = luks2_extent_find(header, lower->size, &extent, why)) == RC_OK) {
        place = luks2_place(&extent);
        if (place.integrity)
            rc = create_integrity(lower, &place, key, check_interrupted, why);
        if (rc == RC_OK && c->file_system)
            rc = volume_open(&volume, lower, &place, key, why);
    }
    if (rc != RC_OK || !c->file_system) {
        device_close(lower);
        return rc;
    }
    command_progress("Making the file system ...");
    rc = make_file_system(volume, c->file_system, c->options.label, place.sector_size, why);
    device_close(volume);
    return rc;
}

static enum rc new_header(const struct creation *c, struct luks2 **header,
                          const struct secret *key, struct fault *why)
{
    const struct luks1_format luks1 = {.encryption = c->format.encryption,
                                       .detached = c->format.detached};

    return c->options.luks1 ? luks1_format(header, &luks1, key, why)
                            : luks2_format(header, &c->format, key, why);
}

static enum rc wipe_and_add_key(struct creation *c, struct luks2 *header,
                                struct device *device, const struct secret *key,
                                const struct secret *credential, struct fault *why)
{
    enum rc rc =
        (c->options.luks1 ? luks1_format_wipe : luks2_format_wipe)(header, device, why);

    if (rc != RC_OK)
        return rc;
    return (c->options.luks1 ? luks1_keyslot_add : keyslot_add)(
        header, device, KEYSLOT_ANY, key, credential, &c->kdf, NULL, why);
}

/* The header is written last: until then there is none on the device. */
static enum rc build(struct creation *c, struct luks2 *header, struct device *device,
                     const char *path, const struct secret *key,
                     const struct secret *credential, struct fault *why)
{
    enum rc rc;

    if ((rc = wipe_and_add_key(c, header, device, key, credential, why)) ||
        (rc = check_interrupted(why)) ||
        ((c->file_system || c->format.integrity) &&
         (rc = fill_volume(c, header, path, key, why))) ||
        (rc = check_interrupted(why)) ||
        (c->options.generate && (rc = passphrase_show(credential, why))))
        return rc;
    return c->options.luks1 ? luks1_header_write(header, device, why)
                            : luks2_write(header, device, why);
}

/* `device` gets the header, and what is at `path` the data: the same, or not. */
static enum rc write_volume(struct creation *c, struct device *device, const char *path,
                            const struct secret *credential, struct fault *why)
{
    SCOPED(secret) key = {0};
    struct luks2 *header;
    enum rc rc;

    if ((rc = kdf_options_settle(&c->kdf, c->kdf_ms, why)) || (rc = check_interrupted(why)) ||
        (rc = random_key(&key, c->key_size, why)) || (rc = new_header(c, &header, &key, why)))
        return rc;
    command_progress("Making the header ...");
    rc = build(c, header, device, path, &key, credential, why);
    luks2_close(header);
    return rc;
}

/* What is written to while it is made: the old block device itself, or the new file. */
static enum rc open_made(struct create_target *target, struct device **device,
                         struct fault *why)
{
    *device = target->old;
    if (!target->makes)
        return RC_OK;
    return device_open_file(device, create_target_path(target), false, DEVICE_EXCLUSIVE, why);
}

static enum rc end_made(struct create_target *target, struct device *device, enum rc rc,
                        struct fault *why)
{
    if (rc == RC_OK)
        rc = device_flush(device, why);
    if (target->makes)
        device_close(device);
    return rc == RC_OK ? create_target_end(target, why) : rc;
}

/* The data get their name before the header does, which is of no use without them. */
static enum rc write_target(struct creation *c, struct create_target *target,
                            struct create_target *header, const struct secret *credential,
                            struct fault *why)
{
    struct device *device = NULL, *other = NULL;
    enum rc rc = open_made(target, &device, why);

    if (rc == RC_OK && c->options.header)
        rc = open_made(header, &other, why);
    if (rc == RC_OK)
        rc = write_volume(c, other ? other : device, create_target_path(target), credential,
                          why);
    rc = end_made(target, device, rc, why);
    return c->options.header ? end_made(header, other, rc, why) : rc;
}

static enum rc begin_targets(struct creation *c, struct create_target *target,
                             struct create_target *header, struct fault *why)
{
    enum rc rc = create_target_begin(target, c->path, c->size, c->options.yes, why);

    if (rc != RC_OK || !c->options.header)
        return rc;
    return create_target_begin(header, c->options.header, header_room(c), c->options.yes, why);
}

static enum rc create(struct creation *c, struct fault *why)
{
    SCOPED(create_target) target = {0};
    SCOPED(create_target) header = {0};
    SCOPED(secret) credential = {0};
    char size[16];
    enum rc rc;

    if ((rc = begin_targets(c, &target, &header, why)) ||
        (rc = credential_options_get_new(&c->credential, c->options.generate, c->path,
                                         &credential, why)))
        return rc;
    interruption_hold();
    rc = write_target(c, &target, &header, &credential, why);
    if (rc != RC_OK)
        return strncmp(why->text, c->path, strlen(c->path)) == 0
                   ? rc
                   : fault_at(why, "%s", c->path);
    if (c->options.generate)
        return RC_OK;
    if (target.old && !target.replaces)
        printf("%s: holds a new volume\n", c->path);
    else
        printf("%s: a new volume of %s\n", c->path, units_size(size, c->size));
    return RC_OK;
}

/* With a slash at its end. */
static bool is_named_directory(const char *path)
{
    size_t len = strlen(path);

    return len > 0 && path[len - 1] == '/';
}

/* Which kind it is, and whether the options fit. */
static enum rc read_type(struct creation *c, struct fault *why)
{
    const struct create_options *o = &c->options;

    if (o->type && strcmp(o->type, "volume") != 0 && strcmp(o->type, "folder") != 0)
        return fail(why, RC_USAGE, "--type: \"%s\" is neither volume nor folder", o->type);
    c->is_folder = o->type ? strcmp(o->type, "folder") == 0
                           : folder_is_directory(c->path) || is_named_directory(c->path);
    if (o->names && strcmp(o->names, "on") != 0 && strcmp(o->names, "off") != 0)
        return fail(why, RC_USAGE, "--name-encryption: \"%s\" is neither on nor off",
                    o->names);
    if (!c->is_folder && o->names)
        return fail(why, RC_USAGE, "--name-encryption is for folders");
    if (c->is_folder && (o->size || o->fs || o->sector_size || o->luks1))
        return fail(why, RC_USAGE, "--size, --fs, --sector-size and --luks1 are for volumes");
    return RC_OK;
}

static enum rc make_folder(struct creation *c, struct fault *why)
{
    struct create_folder folder = {
        .path = c->path,
        .header = c->options.header,
        .label = c->options.label,
        .credential = &c->credential,
        .generate = c->options.generate,
        .kdf = c->kdf,
        .kdf_ms = c->kdf_ms,
        .plain_names = c->options.names && strcmp(c->options.names, "off") == 0,
    };

    return create_folder(&folder, why);
}

static enum status create_run(char **words, int count, struct fault *why)
{
    struct creation c = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_create, &c.options, &c.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    c.path = words[0];
    if ((rc = read_type(&c, why)) != RC_OK || (rc = read_options(&c, why)) != RC_OK)
        return command_status_of(rc);
    daemon_hide();
    return command_status_of(c.is_folder ? make_folder(&c, why) : create(&c, why));
}

const struct command command_create = {
    .name = "create",
    .operands = "TARGET",
    .doc = "Makes an encrypted volume, in a new file or on a block device, or an encrypted "
           "folder.",
    .rows = rows,
    .run = create_run,
};
