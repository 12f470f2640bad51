#include "keep/command/reencrypt_folder.h"

#include <stdio.h>

#include "base/text.h"
#include "crypto/random.h"
#include "keep/command/convert_progress.h"
#include "keep/command/folder_open.h"
#include "keep/command/header_view.h"
#include "keep/command/interruption.h"
#include "keep/command/luks_target.h"
#include "keep/tree/folder/folder_token.h"
#include "keep/tree/folder/rekey.h"
#include "vault/header/digest.h"
#include "vault/header/keyslot.h"
#include "vault/header/luks2_format.h"

/* One run; the first is what it shares with those of volumes. */
struct folder_run {
    struct convert convert;
    struct folder_format format;
    bool renews;    /* files get new keys */
    uint64_t bytes; /* of all files; 0: not known */
    struct convert_progress progress;
};

static void show(void *of, uint64_t bytes)
{
    struct folder_run *r = of;

    if (r->bytes > 0)
        convert_progress_show(&r->progress, bytes, r->bytes);
}

static void print(void *of, const char *place, const char *what)
{
    (void)of;
    printf("damaged: %s: %s\n", header_view_plain(place), what);
}

/* All is looked at before anything is changed: what is damaged would open under neither key. */
static enum rc look(struct folder_run *r, struct fault *why)
{
    const struct rekey_what what = {.directory = r->convert.path,
                                    .format = r->format,
                                    .previous = &r->convert.previous_key,
                                    .damaged = print};
    struct rekey_counts counts;
    enum rc rc = folder_rekey(&what, &counts, why);

    r->bytes = counts.bytes;
    if (rc != RC_OK || counts.damaged == 0)
        return rc;
    return fail(why, RC_FORMAT,
                "%s: %ju things are damaged, and nothing was changed; 'keep check --repair' "
                "moves them aside",
                what.directory, (uintmax_t)counts.damaged);
}

/* In one write the new key takes the place of the old one, which the header keeps under it until all is done. */
static enum rc write_header(struct folder_run *r, int digest, struct fault *why)
{
    struct convert *c = &r->convert;
    int old = digest_of_segment(c->header, 0);
    struct text previous = {0};
    enum rc rc = folder_keys_seal_previous(&r->format, &c->final_key, &c->previous_key,
                                           r->renews, &previous, why);

    if (rc == RC_OK && !text_ok(&previous))
        rc = fail(why, RC_MEMORY, "no memory for a new header");
    if (rc == RC_OK)
        rc = folder_token_set_previous(c->header, previous.at, why);
    if (rc == RC_OK)
        rc = digest_bind_segment(c->header, digest, 0, why);
    if (rc == RC_OK)
        rc = keyslot_remove_digest(c->header, old, why);
    if (rc == RC_OK)
        rc = luks2_write(c->header, c->data, why);
    text_clear(&previous);
    return rc;
}

static enum rc begin(struct folder_run *r, const struct reencrypt_keys *keys,
                     struct fault *why)
{
    struct convert *c = &r->convert;
    int digest;
    enum rc rc;

    if ((rc = random_key(&c->final_key, LUKS2_FORMAT_KEY_SIZE, why)) ||
        (rc = digest_add(c->header, &c->final_key, &digest, why)) ||
        (rc = reencrypt_keys_add(c, keys, digest, why)))
        return rc;
    /* Its texts are the header's, which was changed. */
    if ((rc = folder_token_find(c->header, &r->format, why)) || (rc = look(r, why)))
        return rc;
    interruption_hold();
    return write_header(r, digest, why);
}

static enum rc unlock_both(struct folder_run *r, const struct luks_target *target,
                           const struct reencrypt_keys *keys, struct fault *why)
{
    struct convert *c = &r->convert;
    SCOPED(unlock) unlocked = {0};
    enum rc rc = luks_target_unlock(target, keys->credential, keys->key_slot, &unlocked, why);

    if (rc == RC_OK)
        rc = secret_copy(&c->final_key, secret_span(&unlocked.volume_key), why);
    if (rc == RC_OK)
        rc = folder_keys_open_previous(&r->format, &c->final_key,
                                       folder_token_previous(c->header), &c->previous_key,
                                       &r->renews, why);
    return rc;
}

static enum rc go_on(struct folder_run *r, struct fault *why)
{
    struct convert *c = &r->convert;
    struct rekey_what what = {.directory = c->path,
                              .previous = &c->previous_key,
                              .key = &c->final_key,
                              .renews = r->renews,
                              .stop = interruption_is_due,
                              .progress = show,
                              .damaged = print,
                              .of = r};
    struct rekey_counts counts;
    enum rc rc;

    interruption_hold();
    if ((rc = keyslot_wipe_free(c->header, c->data, why)) ||
        (rc = folder_token_find(c->header, &what.format, why)))
        return rc;
    convert_progress_begin(&r->progress, 0);
    rc = folder_rekey(&what, &counts, why);
    convert_progress_end(&r->progress);
    if (rc != RC_OK || (rc = folder_token_set_previous(c->header, NULL, why)) ||
        (rc = luks2_write(c->header, c->data, why)))
        return rc;
    printf(
        "%s: has a new volume key%s; %ju files, %ju directories and %ju links are under it\n",
        c->path, r->renews ? ", and each file a new one" : "", (uintmax_t)counts.files,
        (uintmax_t)counts.directories, (uintmax_t)counts.links);
    return counts.damaged == 0
               ? RC_OK
               : fail(why, RC_FORMAT,
                      "%s: %ju things were damaged before; 'keep check' names them", c->path,
                      (uintmax_t)counts.damaged);
}

static enum rc run(struct folder_run *r, struct luks_target *target,
                   const struct reencrypt_keys *keys, bool resume, struct fault *why)
{
    enum rc rc = folder_token_find(target->header, &r->format, why);

    r->convert = (struct convert){
        .path = target->path, .data = target->device, .header = target->header};
    target->foreign = rc == RC_NOT_FOUND;
    if (rc != RC_OK)
        return fault_at(why, "%s", target->place);
    if (target->is_open)
        return fail(why, RC_BUSY, "%s: is open; close it first", target->path);
    if (folder_token_previous(target->header))
        rc = unlock_both(r, target, keys, why);
    else if (resume)
        rc = fail(why, RC_USAGE, "%s: there is nothing to continue", target->path);
    else if ((rc = folder_check_whole(target, why)) == RC_OK)
        rc = begin(r, keys, why);
    if (rc == RC_OK)
        rc = go_on(r, why);
    r->convert.data = NULL; /* the target's, as the next */
    r->convert.header = NULL;
    convert_clear(&r->convert);
    return rc;
}

enum status reencrypt_folder(const char *path, const struct reencrypt_folder *what,
                             const struct reencrypt_keys *keys, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct folder_run r = {.renews = !what->keep_file_keys};
    enum rc rc = luks_target_begin(&target, path, what->header, LUKS_TARGET_CHANGE, why);

    if (rc == RC_OK)
        rc = run(&r, &target, keys, what->resume, why);
    return luks_target_status(&target, rc);
}
