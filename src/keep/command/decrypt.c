#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "crypto/cipher.h"
#include "keep/command/command.h"
#include "keep/command/convert.h"
#include "keep/command/create_target.h"
#include "keep/command/credential_options.h"
#include "keep/command/header_copy.h"
#include "keep/command/interruption.h"
#include "keep/mount/daemon.h"
#include "keep/reencrypt/begin.h"
#include "vault/unlock.h"

struct decrypt_options {
    struct credential_options credential;
    struct convert_options convert;
    const char *header, *key_slot;
    bool help;
};

static const struct option_row rows[] = {
    {"header", 0, "FILE",
     "Where the header is; or, where it stands in front of the data, a new file that it moves "
     "to.",
     offsetof(struct decrypt_options, header)},
    CONVERT_ROWS(struct decrypt_options),
    CREDENTIAL_ROWS(struct decrypt_options),
    {"key-slot", 0, "NUMBER", "Try this key slot alone.",
     offsetof(struct decrypt_options, key_slot)},
    COMMAND_HELP_ROW(struct decrypt_options),
    {0},
};

/* One run of 'keep decrypt'. */
struct decryption {
    struct decrypt_options options;
    struct credential credential;
    int key_slot;
    struct convert convert;
    char beside[PATH_MAX]; /* a header file that we named */
    const char *header;    /* where it is, or will be */
};

/* Only now, so that a wrong passphrase changes nothing. */
static enum rc unlock_data(struct decryption *d, struct device *device, struct fault *why)
{
    struct convert *c = &d->convert;
    SCOPED(unlock) unlocked = {0};
    SCOPED(secret) credential = {0};
    char prompt[PATH_MAX + 32];
    enum rc rc;

    if (c->previous_key.at)
        return RC_OK;
    snprintf(prompt, sizeof prompt, "Passphrase for %s: ", c->path);
    if ((rc = credential_get(&d->credential, prompt, false, &credential, why)) ||
        (rc = unlock(c->header, device, c->data->size, &credential, d->key_slot, &unlocked,
                     why)))
        return rc == RC_NOT_FOUND ? (why->rc = RC_USAGE) : rc;
    c->previous_key = unlocked.volume_key;
    unlocked.volume_key = (struct secret){0}; /* it has moved */
    return RC_OK;
}

/* ---- a header in front of the data: a copy of it opens them while it goes ---- */

static enum rc write_copy(struct decryption *d, const char *path, struct fault *why)
{
    struct convert *c = &d->convert;
    struct luks2 *copy = NULL;
    struct device *device;
    enum rc rc = device_open_file(&device, path, false, DEVICE_EXCLUSIVE, why);

    if (rc != RC_OK)
        return rc;
    if ((rc = header_copy(c->data, device, 0, luks2_total_size(c->header), why)) == RC_OK &&
        (rc = luks2_read(&copy, device, why)) == RC_OK &&
        (rc = reencryption_note_put(copy, why)) == RC_OK)
        rc = luks2_write(copy, device, why);
    luks2_close(copy);
    device_close(device);
    return rc;
}

static enum rc move_header_apart(struct decryption *d, struct fault *why)
{
    SCOPED(create_target) file = {0};
    struct convert *c = &d->convert;
    enum rc rc;

    if ((rc = convert_may_begin(c, why)) || (rc = convert_read(c, why)))
        return rc == RC_NOT_FOUND ? fail(why, RC_USAGE,
                                         "%s: has no header; where it is elsewhere, name it "
                                         "with --header",
                                         c->path)
                                  : rc;
    if ((rc = unlock_data(d, c->data, why)) ||
        (rc =
             create_target_begin(&file, d->header, luks2_total_size(c->header), false, why)) ||
        (rc = write_copy(d, create_target_path(&file), why)))
        return rc;
    return create_target_end(&file, why);
}

/* ---- beginning ---- */

static enum rc begin(struct decryption *d, struct fault *why)
{
    struct convert *c = &d->convert;
    struct reencryption plan = {.mode = REENCRYPTION_DECRYPT};
    const struct luks2_segment *segment = &c->header->segments[0];
    enum rc rc;

    if (strcmp(segment->type, "linear") == 0)
        return fail(why, RC_USAGE, "%s: is decrypted already, and %s is of no use any more",
                    c->path, c->place);
    if (segment->offset > 0 && !reencryption_note_is_there(c->header))
        return fail(
            why, RC_USAGE,
            "%s: is there already, and its data do not begin at the front of %s; name a "
            "new file for the header that stands there",
            c->place, c->path);
    if ((rc = unlock_data(d, c->apart, why)) != RC_OK)
        return rc;
    interruption_hold();
    if (segment->offset > 0)
        return begin_shift_back(c->header, c->apart, c->data, c->guard, &c->previous_key, why);
    plan.final =
        (struct reencryption_side){.sector_size = CIPHER_SECTOR, .digest = DIGEST_NONE};
    plan.size = segment->size;
    if ((rc = reencryption_side_of_segment(c->header, 0, &plan.previous, why)) != RC_OK)
        return rc;
    return begin_in_place(c->header, c->apart, c->data, &plan, c->guard, &c->previous_key,
                          NULL, why);
}

static enum rc read_or_begin(struct decryption *d, struct fault *why)
{
    struct convert *c = &d->convert;
    enum rc rc;

    if (access(d->header, F_OK) < 0 && errno == ENOENT &&
        (rc = move_header_apart(d, why)) != RC_OK)
        return rc;
    if ((rc = convert_open_header(c, d->header, why)) || (rc = convert_read(c, why)))
        return rc == RC_NOT_FOUND ? fail(why, RC_USAGE, "%s: is no header", c->place) : rc;
    if (c->header->reencrypting)
        return RC_OK;
    if (!reencryption_note_is_there(c->header) && (rc = convert_may_begin(c, why)) != RC_OK)
        return rc;
    rc = begin(d, why);
    return rc == RC_OK ? convert_read(c, why) : rc;
}

/* A file's header moves to one beside it, unless another is named. */
static enum rc choose_header(struct decryption *d, struct fault *why)
{
    const struct convert *c = &d->convert;

    d->header = d->options.header ? d->options.header : d->beside;
    if (d->options.header)
        return RC_OK;
    if (!c->is_file)
        return fail(
            why, RC_USAGE,
            "%s: say with --header FILE where its header can be meanwhile: a new file, "
            "elsewhere",
            c->path);
    if (snprintf(d->beside, sizeof d->beside, "%s.keep-header", c->path) >=
        (int)sizeof d->beside)
        return fail(why, RC_USAGE, "%s: its path is too long", c->path);
    return RC_OK;
}

/* Behind the data there is what was there before they moved. */
static enum rc tidy_up(struct decryption *d, bool moved, uint64_t size, struct fault *why)
{
    enum rc rc = moved ? convert_resize_file(&d->convert, size, why) : RC_OK;

    if (rc == RC_OK && d->beside[0] && unlink(d->beside) < 0)
        return fail_errno(why, RC_IO, "%s: is of no use any more, and cannot be removed",
                          d->beside);
    return rc;
}

static enum rc decrypt(struct decryption *d, struct fault *why)
{
    struct convert *c = &d->convert;
    struct reencryption plan;
    char text[16];
    uint64_t size;
    bool ended;
    enum rc rc;

    if ((rc = choose_header(d, why)) || (rc = read_or_begin(d, why)) ||
        (rc = reencryption_read(c->header, &plan, why)))
        return rc;
    if (!c->previous_key.at && (rc = convert_ask_and_unlock(c, &d->credential, why)) != RC_OK)
        return rc;
    interruption_hold();
    if ((rc = convert_run(c, &size, &ended, NULL, why)) != RC_OK)
        return rc;
    if (!ended) {
        printf("%s: its decryption is begun; 'keep decrypt' continues it\n", c->path);
        return RC_OK;
    }
    if ((rc = tidy_up(d, plan.shift > 0 && plan.dynamic, size, why)) == RC_OK)
        printf("%s: %s stand there in the clear\n", c->path, units_size(text, size));
    return rc;
}

static enum status decrypt_run(char **words, int count, struct fault *why)
{
    struct decryption d = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_decrypt, &d.options, &d.options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    if (credential_options_read(&d.options.credential, &d.credential, why) ||
        credential_options_key_slot(d.options.key_slot, &d.key_slot, why))
        return STATUS_USAGE;
    d.convert.mode = REENCRYPTION_DECRYPT;
    daemon_hide();
    rc = convert_begin(&d.convert, words[0], &d.options.convert, why);
    if (rc == RC_OK)
        rc = decrypt(&d, why);
    status = command_status_of(convert_fault(&d.convert, rc, why));
    convert_clear(&d.convert);
    return status;
}

const struct command command_decrypt = {
    .name = "decrypt",
    .operands = "TARGET",
    .doc = "Decrypts data where they stand, for good.",
    .rows = rows,
    .run = decrypt_run,
};
