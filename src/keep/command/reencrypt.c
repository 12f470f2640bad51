#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "keep/command/cipher_options.h"
#include "keep/command/command.h"
#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/interruption.h"
#include "keep/command/reencrypt_folder.h"
#include "keep/mount/daemon.h"
#include "keep/reencrypt/begin.h"

struct reencrypt_options {
    struct credential_options credential;
    struct convert_options convert;
    const char *header, *key_slot, *others, *cipher, *key_size, *sector_size;
    bool keep_file_keys, yes, help;
};

static const struct option_row rows[] = {
    {"cipher", 0, "CIPHER", "How the data will be encrypted; as before by default.",
     offsetof(struct reencrypt_options, cipher)},
    {"key-size", 0, "BITS", "Of the new volume key; as before by default.",
     offsetof(struct reencrypt_options, key_size)},
    {"sector-size", 0, "512|1024|2048|4096",
     "Bytes that will be encrypted together, 512 to 4096; as before by default.",
     offsetof(struct reencrypt_options, sector_size)},
    CONVERT_ROWS(struct reencrypt_options),
    CREDENTIAL_ROWS(struct reencrypt_options),
    {"key-slot", 0, "NUMBER", "Try this key slot alone.",
     offsetof(struct reencrypt_options, key_slot)},
    {"other-passphrase-file", 0, "FILE|-",
     "Passphrases of other key slots, a line each, which keep opening the volume.",
     offsetof(struct reencrypt_options, others)},
    {"header", 0, "FILE", "The header is in this file, the target holds only data.",
     offsetof(struct reencrypt_options, header)},
    {"keep-file-keys", 0, NULL,
     "Of a folder: a new volume key alone, and contents stay under the keys that they have.",
     offsetof(struct reencrypt_options, keep_file_keys)},
    {"yes", 'y', NULL, "Let key slots go whose passphrase nobody gave.",
     offsetof(struct reencrypt_options, yes)},
    COMMAND_HELP_ROW(struct reencrypt_options),
    {0},
};

/* One run of 'keep reencrypt'. */
struct reencryption_run {
    struct reencrypt_options options;
    struct credential credential;
    int key_slot;
    uint32_t sector_size; /* 0: as before */
    struct convert convert;
};

static enum rc read_options(struct reencryption_run *r, struct fault *why)
{
    const struct reencrypt_options *o = &r->options;
    enum rc rc;

    if ((rc = credential_options_read(&o->credential, &r->credential, why)) ||
        (rc = credential_options_key_slot(o->key_slot, &r->key_slot, why)))
        return rc;
    return convert_options_sector(o->sector_size, &r->sector_size, why);
}

/* What was asked for, and the rest as it was. */
static enum rc fill_final(const struct reencryption_run *r, struct reencryption *plan,
                          size_t *key_size, struct fault *why)
{
    const struct luks2 *header = r->convert.header;
    const char *cipher = r->options.cipher ? r->options.cipher : plan->previous.encryption;
    bool same = strcmp(cipher, plan->previous.encryption) == 0;

    plan->final = plan->previous;
    if (r->sector_size > 0)
        plan->final.sector_size = r->sector_size;
    snprintf(plan->final.encryption, sizeof plan->final.encryption, "%s", cipher);
    *key_size = luks2_key_size(header, plan->previous.digest);
    if (same && !r->options.key_size)
        return RC_OK;
    return cipher_options_read(
        &(struct cipher_options){.cipher = cipher, .key_size = r->options.key_size},
        &(struct luks2_format){0}, key_size, why);
}

/* A new volume key, under a digest that no other has. */
static enum rc add_key(struct convert *c, size_t size, int *digest, struct fault *why)
{
    enum rc rc = random_key(&c->final_key, size, why);

    return rc == RC_OK ? digest_add(c->header, &c->final_key, digest, why) : rc;
}

static struct reencrypt_keys keys_of(const struct reencryption_run *r)
{
    return (struct reencrypt_keys){.credential = &r->credential,
                                   .others_file = r->options.others,
                                   .key_slot = r->key_slot,
                                   .yes = r->options.yes};
}

static enum rc begin(struct reencryption_run *r, struct fault *why)
{
    struct convert *c = &r->convert;
    const struct luks2_segment *segment = &c->header->segments[0];
    const struct reencrypt_keys keys = keys_of(r);
    struct reencryption plan = {.mode = REENCRYPTION_REENCRYPT, .size = segment->size};
    struct luks2_extent extent;
    size_t key_size;
    enum rc rc;

    if ((rc = convert_may_begin(c, why)) ||
        (rc = luks2_extent_find(c->header, c->data->size, &extent, why)) ||
        (rc = reencryption_side_of_segment(c->header, 0, &plan.previous, why)) ||
        (rc = fill_final(r, &plan, &key_size, why)))
        return rc;
    if (!c->apart && extent.offset < luks2_total_size(c->header))
        return fail(why, RC_USAGE,
                    "%s: is a header alone; name its data, and this with --header", c->path);
    if (extent.len % plan.final.sector_size != 0)
        return fail(why, RC_USAGE,
                    "--sector-size: the data are no whole number of sectors of %u bytes",
                    plan.final.sector_size);
    if ((rc = add_key(c, key_size, &plan.final.digest, why)) ||
        (rc = reencrypt_keys_add(c, &keys, plan.final.digest, why)))
        return rc;
    interruption_hold();
    if ((rc = convert_take_space(c, c->data->size, why)) != RC_OK)
        return rc;
    if ((rc = begin_in_place(c->header, convert_header_device(c), c->data, &plan, c->guard,
                             &c->previous_key, &c->final_key, why)) != RC_OK)
        return rc;
    return convert_read(c, why);
}

static enum rc reencrypt(struct reencryption_run *r, struct fault *why)
{
    struct convert *c = &r->convert;
    char text[16];
    uint64_t size;
    bool ended = false;
    enum rc rc = RC_OK;

    if (r->options.header)
        rc = convert_open_header(c, r->options.header, why);
    if (rc == RC_OK)
        rc = convert_read(c, why);
    if (rc == RC_OK)
        rc = convert_tidy(c, &ended, why);
    if (rc == RC_OK && ended) {
        printf("%s: is encrypted anew\n", c->path);
        return RC_OK;
    }
    if (rc == RC_OK)
        rc = c->header->reencrypting ? convert_ask_and_unlock(c, &r->credential, why)
                                     : begin(r, why);
    if (rc != RC_OK)
        return rc;
    interruption_hold();
    if ((rc = convert_run(c, &size, &ended, NULL, why)) != RC_OK)
        return rc;
    if (ended)
        printf("%s: %s are encrypted anew\n", c->path, units_size(text, size));
    else
        printf("%s: its reencryption is begun; 'keep reencrypt' continues it\n", c->path);
    return RC_OK;
}

static enum status reencrypt_directory(const struct reencryption_run *r, const char *path,
                                       struct fault *why)
{
    const struct reencrypt_options *o = &r->options;
    const struct reencrypt_keys keys = keys_of(r);

    if (o->cipher || o->key_size || o->sector_size || o->convert.resilience ||
        o->convert.zone_size || o->convert.init_only)
        return command_status_of(
            fail(why, RC_USAGE,
                 "%s: is a folder: --cipher, --key-size, --sector-size, --resilience, "
                 "--hotzone-size and --init-only are for volumes",
                 path));
    return reencrypt_folder(path,
                            &(struct reencrypt_folder){.header = o->header,
                                                       .keep_file_keys = o->keep_file_keys,
                                                       .resume = o->convert.resume},
                            &keys, why);
}

static enum status reencrypt_run(char **words, int count, struct fault *why)
{
    struct reencryption_run r = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_reencrypt, &r.options, &r.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (read_options(&r, why) != RC_OK)
        return STATUS_USAGE;
    r.convert.mode = REENCRYPTION_REENCRYPT;
    daemon_hide();
    if (folder_is_directory(words[0]))
        return reencrypt_directory(&r, words[0], why);
    rc = r.options.keep_file_keys
             ? fail(why, RC_USAGE, "%s: is no folder: --keep-file-keys is for folders",
                    words[0])
             : convert_begin(&r.convert, words[0], &r.options.convert, why);
    if (rc == RC_OK)
        rc = reencrypt(&r, why);
    status = rc == RC_NOT_FOUND ? STATUS_FOREIGN : command_status_of(rc);
    (void)convert_fault(&r.convert, rc, why);
    convert_clear(&r.convert);
    return status;
}

const struct command command_reencrypt = {
    .name = "reencrypt",
    .operands = "TARGET",
    .doc = "Gives a volume a new volume key, cipher or sector size, or a folder a new volume "
           "key and each file in it one too, where they stand.",
    .rows = rows,
    .run = reencrypt_run,
};
