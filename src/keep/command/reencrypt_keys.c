#include "keep/command/reencrypt_keys.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "keep/command/question.h"
#include "vault/header/keyslot.h"
#include "vault/header/keyslot_name.h"
#include "vault/unlock.h"

/* A credential, and which of the old slots it has opened. */
struct adding {
    struct convert *convert;
    const struct reencrypt_keys *keys;
    int digest;    /* of the new key */
    uint32_t left; /* old slots that are not opened yet */
};

/* The name stays with the slot that takes its place. */
static enum rc take_over(struct adding *a, unsigned from, unsigned to, struct fault *why)
{
    const char *name = keyslot_name_get(a->convert->header, from);
    char copy[KEYSLOT_NAME_MAX + 1] = "";
    enum rc rc = keyslot_copy_tokens(a->convert->header, from, to, why);

    if (rc != RC_OK || !name)
        return rc;
    snprintf(copy, sizeof copy, "%s", keyslot_name_get(a->convert->header, from));
    return keyslot_name_set(a->convert->header, to, copy, why);
}

static enum rc add(struct adding *a, unsigned from, const struct secret *credential,
                   struct fault *why)
{
    struct convert *c = a->convert;
    struct kdf_params costs = c->header->keyslots[from].kdf;
    unsigned to;
    enum rc rc = keyslot_add_to_digest(c->header, convert_header_device(c), a->digest,
                                       &c->final_key, credential, &costs, &to, why);

    a->left &= ~(UINT32_C(1) << from);
    return rc == RC_OK ? take_over(a, from, to, why) : rc;
}

/* RC_DENIED where it opens none of those that are left. */
static enum rc try_left(struct adding *a, const struct secret *credential, struct fault *why)
{
    struct convert *c = a->convert;
    int digest = digest_of_segment(c->header, 0);

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        SCOPED(unlock) unlocked = {0};
        enum rc rc;

        if (!(a->left >> i & 1))
            continue;
        rc = unlock_digest(c->header, convert_header_device(c), digest,
                           c->header->segments[0].encryption, credential, (int)i, &unlocked,
                           why);
        if (rc == RC_OK)
            return add(a, i, credential, why);
        if (rc == RC_IO || rc == RC_MEMORY)
            return rc;
    }
    return RC_DENIED;
}

/* Each line of the file is one passphrase. */
static enum rc try_file(struct adding *a, struct fault *why)
{
    SCOPED(secret) lines = {0};
    SCOPED(secret) line = {0};
    enum rc rc = credential_key_file(a->keys->others_file, 0, 0, &lines, why);
    struct span left = secret_span(&lines);

    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    while (left.len > 0 && rc == RC_OK) {
        struct span one = span_cut(&left, span_find(left, '\n'));

        (void)span_cut(&left, 1);
        if (one.len > 0 && (rc = secret_copy(&line, one, why)) == RC_OK &&
            (rc = try_left(a, &line, why)) == RC_DENIED)
            rc = RC_OK;
    }
    return rc;
}

static void name_slot(const struct luks2 *header, unsigned slot, struct text *text)
{
    const char *name = keyslot_name_get(header, slot);

    text_printf(text, "%u", slot);
    if (name)
        text_printf(text, " (%s)", name);
}

/* Asks for each of the rest; an empty answer lets it go. */
static enum rc ask_for_left(struct adding *a, struct fault *why)
{
    enum rc rc = RC_OK;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX && rc == RC_OK; i++) {
        SCOPED(secret) answer = {0};
        struct text prompt = {0};

        if (!(a->left >> i & 1))
            continue;
        text_printf(&prompt, "Passphrase of key slot ");
        name_slot(a->convert->header, i, &prompt);
        text_printf(&prompt, " (Enter lets it go): ");
        rc = text_ok(&prompt) ? credential_ask(prompt.at, &answer, why)
                              : fail(why, RC_MEMORY, "no memory");
        text_clear(&prompt);
        if (rc == RC_OK && answer.len > 0 && (rc = try_left(a, &answer, why)) == RC_DENIED) {
            fprintf(stderr, "It opens none of them.\n");
            i--;
            rc = RC_OK;
        }
    }
    return rc;
}

static enum rc confirm_loss(struct adding *a, struct fault *why)
{
    struct text slots = {0};
    enum rc rc;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        if (a->left >> i & 1) {
            text_printf(&slots, "%s", slots.len > 0 ? ", " : "");
            name_slot(a->convert->header, i, &slots);
        }
    rc = text_ok(&slots)
             ? question_ask(a->convert->path, a->keys->yes, why,
                            "%s: nobody gave the passphrase of key slot %s, which will open "
                            "nothing any more (--other-passphrase-file gives it).",
                            a->convert->path, slots.at)
             : fail(why, RC_MEMORY, "no memory");
    text_clear(&slots);
    return rc;
}

static enum rc open_first(struct adding *a, struct fault *why)
{
    struct convert *c = a->convert;
    SCOPED(secret) credential = {0};
    SCOPED(unlock) unlocked = {0};
    char prompt[PATH_MAX + 32];
    enum rc rc;

    snprintf(prompt, sizeof prompt, "Passphrase for %s: ", c->path);
    rc = credential_get(a->keys->credential, prompt, false, &credential, why);
    if (rc == RC_OK)
        rc = unlock(c->header, convert_header_device(c), c->data->size, &credential,
                    a->keys->key_slot, &unlocked, why);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? (why->rc = RC_USAGE) : rc;
    if ((rc = secret_copy(&c->previous_key, secret_span(&unlocked.volume_key), why)))
        return rc;
    return add(a, unlocked.keyslot, &credential, why);
}

enum rc reencrypt_keys_add(struct convert *c, const struct reencrypt_keys *keys, int digest,
                           struct fault *why)
{
    struct adding a = {.convert = c, .keys = keys, .digest = digest};
    bool asks = !keys->credential->passphrase_file && !keys->credential->key_file &&
                !keys->others_file && !keys->yes;
    enum rc rc;

    a.left = c->header->digests[digest_of_segment(c->header, 0)].keyslots;
    if ((rc = open_first(&a, why)) != RC_OK ||
        (keys->others_file && (rc = try_file(&a, why)) != RC_OK) ||
        (asks && (rc = ask_for_left(&a, why)) != RC_OK))
        return rc;
    return a.left ? confirm_loss(&a, why) : RC_OK;
}
