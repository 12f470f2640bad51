#include "keep/command/convert_midst.h"

#include <stdio.h>
#include <string.h>

#include "keep/reencrypt/reencrypt.h"
#include "keep/volume/joined.h"

enum rc convert_midst_is(struct device *header_device, struct fault *why)
{
    struct luks2 *header = NULL;
    enum rc rc = luks2_read(&header, header_device, NULL);
    bool is = rc == RC_OK && header->reencrypting;

    luks2_close(header);
    return is ? RC_OK : fail(why, RC_NOT_FOUND, "nothing was begun");
}

static enum rc make_whole(const struct convert_midst *midst, struct reencrypt *e,
                          enum reencryption_mode mode, struct fault *why)
{
    struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX];
    unsigned count = reencrypt_pieces(e, pieces);

    if (midst->writes)
        return reencrypt_recover(e, why);
    for (unsigned i = 0; i < count; i++)
        if (pieces[i].hot)
            return fail(why, RC_BUSY,
                        "its %sion was cut short in the midst of a zone; 'keep %s' continues "
                        "it, and 'keep open' for writing makes the zone whole",
                        reencryption_mode_name(mode), reencryption_mode_name(mode));
    return RC_OK;
}

static enum rc join(const struct convert *c, const struct reencrypt *e,
                    struct convert_midst_result *result, struct fault *why)
{
    const struct reencryption *plan = reencrypt_plan(e);
    struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX];
    struct joined_piece joined[REENCRYPTION_PIECES_MAX];
    unsigned count = reencrypt_pieces(e, pieces);

    result->sector_size = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct reencryption_side *side =
            pieces[i].final ? &plan->final : &plan->previous;

        joined[i] = (struct joined_piece){
            .place = {.offset = pieces[i].offset,
                      .len = pieces[i].len,
                      .sector_size = side->sector_size,
                      .iv_tweak = pieces[i].iv_tweak,
                      .encryption = side->encrypted ? side->encryption : NULL},
            .key = pieces[i].final ? &c->final_key : &c->previous_key};
        if (side->sector_size > result->sector_size)
            result->sector_size = side->sector_size;
    }
    snprintf(result->cipher, sizeof result->cipher, "%s",
             plan->final.encrypted ? plan->final.encryption : plan->previous.encryption);
    return joined_open(&result->volume, c->data, joined, count, why);
}

static enum rc open_with(const struct convert_midst *midst, struct convert *c,
                         struct convert_midst_result *result, struct fault *why)
{
    struct device *header_device = convert_header_device(c);
    struct reencrypt *e = NULL;
    enum rc rc;

    if ((rc = luks2_read(&c->header, header_device, why)) ||
        (rc = convert_unlock(c, midst->credential, why)))
        return rc;
    rc = reencrypt_open(
        &e,
        &(struct reencrypt_task){.header = c->header,
                                 .header_device = header_device,
                                 .data = c->data,
                                 .previous_key = c->previous_key.at ? &c->previous_key : NULL,
                                 .final_key = c->final_key.at ? &c->final_key : NULL},
        why);
    if (rc == RC_OK)
        rc = make_whole(midst, e, reencrypt_plan(e)->mode, why);
    if (rc == RC_OK && midst->writes && !c->header->reencrypting &&
        reencrypt_plan(e)->mode != REENCRYPTION_DECRYPT)
        rc = reencrypt_tidy(c->header, header_device, why); /* that zone was the last one */
    if (rc == RC_OK)
        rc = join(c, e, result, why);
    reencrypt_close(e);
    return rc;
}

enum rc convert_midst_open(const struct convert_midst *midst,
                           struct convert_midst_result *result, struct fault *why)
{
    struct convert c = {.path = midst->path,
                        .place = midst->header_path ? midst->header_path : midst->path,
                        .data = midst->data};
    enum rc rc = RC_OK;

    if (midst->header_path)
        rc = device_open_file(&c.apart, midst->header_path, !midst->writes, DEVICE_UNLOCKED,
                              why);
    if (rc == RC_OK)
        rc = open_with(midst, &c, result, why);
    c.data = NULL; /* the caller's, or the volume's */
    convert_clear(&c);
    return rc;
}
