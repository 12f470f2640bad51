#include <stdio.h>

#include "keep/command/header_view.h"
#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/format/luks1/luks1_header.h"
#include "keep/format/luks1/luks1_write.h"

struct header_repair_options {
    const char *header;
    bool yes, help;
};

static const struct option_row rows[] = {
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct header_repair_options, header)},
    {"yes", 'y', NULL, "Do it without a question.",
     offsetof(struct header_repair_options, yes)},
    COMMAND_HELP_ROW(struct header_repair_options),
    {0},
};

static enum rc mend(const struct luks_target *target, const char *copies, bool yes,
                    struct fault *why)
{
    const char *bad = target->header->second_is_good ? "first" : "second";
    enum rc rc = question_ask(target->place, yes, why,
                              "%s: %s. The %s copy will be written anew from the other.",
                              target->place, copies, bad);

    if (rc != RC_OK)
        return rc;
    if ((rc = luks2_repair(target->header, target->device, why)) != RC_OK)
        return fault_at(why, "%s", target->place);
    printf("%s: the %s copy was written anew from the other\n", target->place, bad);
    return RC_OK;
}

static enum rc repair(const struct luks_target *target, bool yes, struct fault *why)
{
    struct text copies = {0};
    enum rc rc = RC_OK;

    header_view_copies(target->header, &copies);
    if (!text_ok(&copies))
        rc = fail(why, RC_MEMORY, "no memory");
    else if (target->header->repair_due)
        rc = mend(target, copies.at, yes, why);
    else
        printf("%s: %s; there is nothing to repair\n", target->place, copies.at);
    text_clear(&copies);
    return rc;
}

static void list_slots(struct text *text, unsigned slots)
{
    for (unsigned i = 0; i < LUKS1_KEYSLOTS; i++)
        if (slots >> i & 1)
            text_printf(text, " %u", i);
}

static enum rc ask_for_slots(const struct luks_target *target, unsigned slots, bool yes,
                             struct fault *why)
{
    struct text list = {0};
    enum rc rc;

    list_slots(&list, slots);
    rc = question_ask(
        target->place, yes, why,
        "%s: its LUKS1 header is damaged in key slots that hold no key. These will be "
        "free slots again:%s. A key whose slot is no longer marked as in use "
        "comes back from a backup alone.",
        target->place, text_ok(&list) ? list.at : "");
    text_clear(&list);
    return rc;
}

/* What cannot be mended so is as damaged as `why` says already. */
static enum rc repair_luks1(struct luks_target *target, bool yes, struct fault *why)
{
    unsigned slots;
    enum rc rc = luks1_header_mend(&target->header, target->device, &slots, NULL);

    if (rc != RC_OK)
        return why->rc;
    if ((rc = ask_for_slots(target, slots, yes, why)) != RC_OK)
        return rc;
    if ((rc = luks1_header_write(target->header, target->device, why)) != RC_OK)
        return fault_at(why, "%s", target->place);
    printf("%s: its header is sound again, as far as LUKS1 can tell\n", target->place);
    return RC_OK;
}

static enum status header_repair_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct header_repair_options options = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_header_repair, &options, &options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_KEYS, why);
    if (rc == RC_OK)
        rc = repair(&target, options.yes, why);
    else if (rc == RC_FORMAT)
        rc = repair_luks1(&target, options.yes, why);
    return luks_target_status(&target, rc);
}

const struct command command_header_repair = {
    .name = "header repair",
    .operands = "TARGET",
    .doc = "Writes a damaged copy of the header anew from the sound one; frees damaged slots "
           "of LUKS1.",
    .rows = rows,
    .run = header_repair_run,
};
