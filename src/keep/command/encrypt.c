#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "crypto/random.h"
#include "keep/command/cipher_options.h"
#include "keep/command/command.h"
#include "keep/command/create_target.h"
#include "keep/command/credential_options.h"
#include "keep/command/encrypt_folder.h"
#include "keep/command/encrypt_room.h"
#include "keep/command/folder_open.h"
#include "keep/command/interruption.h"
#include "keep/command/kdf_options.h"
#include "keep/command/passphrase.h"
#include "keep/mount/daemon.h"
#include "vault/header/keyslot.h"

enum { SECTOR = 512, PAGE = 4096 };

struct encrypt_options {
    struct credential_options credential;
    struct kdf_options kdf;
    struct convert_options convert;
    const char *header, *data_size, *cipher, *key_size, *sector_size, *label;
    bool generate, yes, help;
};

static const struct option_row rows[] = {
    {"header", 0, "FILE", "Put the header into this new file; the data stay where they are.",
     offsetof(struct encrypt_options, header)},
    {"data-size", 0, "SIZE", "Of a block device only so much is in use, from its beginning.",
     offsetof(struct encrypt_options, data_size)},
    {"cipher", 0, "CIPHER", "How the data are encrypted; aes-xts-plain64 by default.",
     offsetof(struct encrypt_options, cipher)},
    {"key-size", 0, "BITS", "Of the volume key; by default the most that the cipher takes.",
     offsetof(struct encrypt_options, key_size)},
    {"sector-size", 0, "512|1024|2048|4096",
     "Bytes that are encrypted together, 512 to 4096; by default as the file system likes it.",
     offsetof(struct encrypt_options, sector_size)},
    {"label", 'L', "TEXT", "Name of the volume.", offsetof(struct encrypt_options, label)},
    CONVERT_ROWS(struct encrypt_options),
    KDF_ROWS(struct encrypt_options),
    CREDENTIAL_ROWS(struct encrypt_options),
    {"generate-passphrase", 0, NULL, "Make a strong passphrase, and show it once.",
     offsetof(struct encrypt_options, generate)},
    {"yes", 'y', NULL, "Answer every question with yes.",
     offsetof(struct encrypt_options, yes)},
    COMMAND_HELP_ROW(struct encrypt_options),
    {0},
};

/* One run of 'keep encrypt'. */
struct encryption {
    struct encrypt_options options;
    struct credential credential;
    struct kdf_params kdf;
    unsigned kdf_ms;
    struct luks2_format format;
    size_t key_size;
    struct convert convert;
};

static enum rc read_options(struct encryption *e, struct fault *why)
{
    const struct encrypt_options *o = &e->options;
    struct cipher_options cipher = {.cipher = o->cipher, .key_size = o->key_size};
    enum rc rc;

    e->format = (struct luks2_format){.label = o->label, .detached = o->header != NULL};
    if (o->header && o->data_size)
        return fail(why, RC_USAGE, "--data-size: a header in a file needs no room");
    if (o->label && strlen(o->label) >= LUKS2_LABEL_SIZE)
        return fail(why, RC_USAGE, "--label: a label has at most %d bytes",
                    LUKS2_LABEL_SIZE - 1);
    if (o->generate && (o->credential.passphrase_file || o->credential.key_file))
        return fail(why, RC_USAGE, "--generate-passphrase needs no other passphrase or key");
    if ((rc = credential_options_read(&o->credential, &e->credential, why)) ||
        (rc = convert_options_sector(o->sector_size, &e->format.sector_size, why)) ||
        (rc = cipher_options_read(&cipher, &e->format, &e->key_size, why)))
        return rc;
    return kdf_options_read(&o->kdf, &e->kdf, &e->kdf_ms, why);
}

/* A file system cannot be read in larger pieces than its blocks. */
static enum rc settle_sector(struct encryption *e, const struct encrypt_data *data,
                             uint64_t size, struct fault *why)
{
    uint32_t *sector = &e->format.sector_size;

    if (*sector == 0)
        *sector = data->block_size >= PAGE && size % PAGE == 0 ? PAGE : SECTOR;
    if (size % *sector != 0)
        return fail(why, RC_USAGE,
                    "--sector-size: the data are no whole number of sectors of %u bytes",
                    *sector);
    if (data->block_size > 0 && *sector > data->block_size)
        return fail(why, RC_USAGE,
                    "--sector-size: its %s has blocks of %u bytes, and could not be mounted "
                    "from larger sectors",
                    data->type, data->block_size);
    return RC_OK;
}

/* A new header with its first key slot, on a device of its own. */
static enum rc make_header(struct encryption *e, struct device *device, struct luks2 **header,
                           struct fault *why)
{
    struct convert *c = &e->convert;
    SCOPED(secret) credential = {0};
    enum rc rc;

    if ((rc = credential_options_get_new(&e->credential, e->options.generate, c->path,
                                         &credential, why)) ||
        (rc = kdf_options_settle(&e->kdf, e->kdf_ms, why)) ||
        (rc = random_key(&c->final_key, e->key_size, why)) ||
        (rc = luks2_format(header, &e->format, &c->final_key, why)))
        return rc;
    if ((rc = luks2_format_wipe(*header, device, why)) == RC_OK)
        rc = keyslot_add(*header, device, KEYSLOT_ANY, &c->final_key, &credential, &e->kdf,
                         NULL, why);
    if (rc == RC_OK && e->options.generate)
        rc = passphrase_show(&credential, why);
    if (rc == RC_OK)
        return RC_OK;
    luks2_close(*header);
    *header = NULL;
    return rc;
}

/* ---- a header in front of the data ---- */

static enum rc write_in_front(struct encryption *e, struct device *made,
                              const struct begin_room *room, struct fault *why)
{
    struct convert *c = &e->convert;
    struct luks2 *header = NULL;
    enum rc rc = make_header(e, made, &header, why);

    if (rc != RC_OK)
        return rc;
    interruption_hold();
    if (c->is_file)
        rc = reencryption_note_put(header, why);
    if (rc == RC_OK && (rc = encrypt_room_take(c, room, why)) == RC_OK)
        rc = begin_shift_out(header, made, c->data, room, &c->final_key, why);
    luks2_close(header);
    return rc;
}

static enum rc begin_in_front(struct encryption *e, enum begin_state state,
                              struct begin_room *room, struct fault *why)
{
    struct convert *c = &e->convert;
    struct encrypt_data data;
    struct device *made = NULL;
    uint8_t *bytes;
    enum rc rc;

    if ((rc = convert_may_begin(c, why)) || (rc = encrypt_data_look(c, &data, why)))
        return rc;
    /* A file that was made longer and then left alone: unless somebody has used the rest since. */
    if (state == BEGIN_NOTHING || !c->is_file || data.used == 0 || data.used > room->size)
        rc = encrypt_room_find(c, &data, e->options.data_size, e->options.yes, room, why);
    if (rc != RC_OK || (rc = settle_sector(e, &data, room->size, why)) != RC_OK)
        return rc;
    if (!(bytes = calloc(1, ENCRYPT_SHIFT)))
        return fail(why, RC_MEMORY, "no memory for a header");
    if ((rc = device_open_memory(&made, bytes, ENCRYPT_SHIFT, why)) == RC_OK)
        rc = write_in_front(e, made, room, why);
    device_close(made);
    free(bytes);
    return rc == RC_OK ? convert_read(c, why) : rc;
}

static enum rc read_or_begin_in_front(struct encryption *e, struct fault *why)
{
    struct convert *c = &e->convert;
    enum begin_state state;
    struct begin_room room;
    enum rc rc = begin_look(c->data, ENCRYPT_SHIFT, &state, &room, why);

    if (rc == RC_OK)
        rc = convert_read(c, why);
    if (rc == RC_NOT_FOUND)
        return begin_in_front(e, state, &room, why);
    if (rc == RC_OK && !c->header->reencrypting)
        return fail(why, RC_USAGE, "%s: is an encrypted volume already", c->path);
    return rc;
}

/* ---- a header in a file of its own ---- */

static enum rc write_apart(struct encryption *e, const char *path, struct fault *why)
{
    struct convert *c = &e->convert;
    struct reencryption plan = {.mode = REENCRYPTION_ENCRYPT};
    struct luks2 *header = NULL;
    struct device *device;
    enum rc rc = device_open_file(&device, path, false, DEVICE_EXCLUSIVE, why);

    if (rc != RC_OK)
        return rc;
    plan.previous = (struct reencryption_side){.sector_size = SECTOR, .digest = DIGEST_NONE};
    if ((rc = make_header(e, device, &header, why)) == RC_OK &&
        (rc = reencryption_side_of_segment(header, 0, &plan.final, why)) == RC_OK)
        rc =
            begin_in_place(header, device, c->data, &plan, c->guard, NULL, &c->final_key, why);
    luks2_close(header);
    device_close(device);
    return rc;
}

static enum rc begin_apart(struct encryption *e, struct fault *why)
{
    SCOPED(create_target) file = {0};
    struct convert *c = &e->convert;
    struct encrypt_data data;
    struct luks2 *there = NULL;
    enum rc rc = convert_may_begin(c, why);

    if (rc != RC_OK)
        return rc;
    rc = luks2_read(&there, c->data, why);
    luks2_close(there);
    if (rc != RC_NOT_FOUND)
        return rc == RC_OK ? fail(why, RC_USAGE, "%s: is an encrypted volume already", c->path)
                           : rc;
    if ((rc = encrypt_data_look(c, &data, why)) ||
        (rc = settle_sector(e, &data, c->data->size, why)) ||
        (rc = convert_take_space(c, c->data->size, why)) ||
        (rc = create_target_begin(&file, e->options.header, LUKS2_FORMAT_HEADER_SIZE, false,
                                  why)) ||
        (rc = write_apart(e, create_target_path(&file), why)))
        return rc;
    interruption_hold();
    return create_target_end(&file, why);
}

static enum rc read_or_begin_apart(struct encryption *e, struct fault *why)
{
    struct convert *c = &e->convert;
    enum rc rc;

    if (access(e->options.header, F_OK) < 0 && errno == ENOENT &&
        (rc = begin_apart(e, why)) != RC_OK)
        return rc;
    if ((rc = convert_open_header(c, e->options.header, why)) || (rc = convert_read(c, why)))
        return rc == RC_NOT_FOUND ? fail(why, RC_USAGE,
                                         "%s: is there already, and is no header; name a new "
                                         "file",
                                         c->place)
                                  : rc;
    return c->header->reencrypting || reencryption_note_is_there(c->header)
               ? RC_OK
               : fail(why, RC_USAGE,
                      "%s: is the header of something else, or of a volume that "
                      "is encrypted already",
                      c->place);
}

/* ---- and on ---- */

/* The file was made longer for what was on its way; the volume gets the size of the data. */
static enum rc shorten(struct convert *c, uint64_t size, struct fault *why)
{
    enum rc rc;

    if (c->apart || !reencryption_note_is_there(c->header))
        return RC_OK;
    rc = convert_resize_file(c, c->header->segments[0].offset + size, why);
    return rc == RC_OK ? reencryption_note_remove(c->header, why) : rc;
}

static enum rc encrypt(struct encryption *e, struct fault *why)
{
    struct convert *c = &e->convert;
    char text[16];
    uint64_t size;
    bool ended = false;
    enum rc rc =
        e->options.header ? read_or_begin_apart(e, why) : read_or_begin_in_front(e, why);

    if (rc == RC_OK)
        rc = convert_tidy(c, &ended, why);
    if (rc == RC_OK && ended) {
        printf("%s: is encrypted\n", c->path);
        return RC_OK;
    }
    if (rc == RC_OK && !c->final_key.at)
        rc = convert_ask_and_unlock(c, &e->credential, why);
    if (rc != RC_OK)
        return rc;
    interruption_hold();
    if ((rc = convert_run(c, &size, &ended, shorten, why)) != RC_OK)
        return rc;
    if (ended)
        printf("%s: %s are encrypted\n", c->path, units_size(text, size));
    else
        printf("%s: its encryption is begun; 'keep encrypt' continues it\n", c->path);
    return RC_OK;
}

static enum status encrypt_directory(const struct encryption *e, const char *path,
                                     struct fault *why)
{
    const struct encrypt_options *o = &e->options;
    struct create_folder folder = {.path = path,
                                   .label = o->label,
                                   .credential = &e->credential,
                                   .generate = o->generate,
                                   .kdf = e->kdf,
                                   .kdf_ms = e->kdf_ms};

    if (o->header || o->data_size || o->cipher || o->key_size || o->sector_size)
        return command_status_of(fail(why, RC_USAGE,
                                      "%s: is a directory: --header, --data-size, --cipher, "
                                      "--key-size and --sector-size are for volumes",
                                      path));
    return encrypt_folder(&folder, o->yes, why);
}

static enum status encrypt_run(char **words, int count, struct fault *why)
{
    struct encryption e = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_encrypt, &e.options, &e.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if ((rc = read_options(&e, why)) != RC_OK)
        return command_status_of(rc);
    daemon_hide();
    if (folder_is_directory(words[0]))
        return encrypt_directory(&e, words[0], why);
    e.convert.mode = REENCRYPTION_ENCRYPT;
    rc = convert_begin(&e.convert, words[0], &e.options.convert, why);
    if (rc == RC_OK)
        rc = encrypt(&e, why);
    status = command_status_of(convert_fault(&e.convert, rc, why));
    convert_clear(&e.convert);
    return status;
}

const struct command command_encrypt = {
    .name = "encrypt",
    .operands = "TARGET",
    .doc = "Encrypts data where they stand, and goes on where it was stopped.",
    .rows = rows,
    .run = encrypt_run,
};
