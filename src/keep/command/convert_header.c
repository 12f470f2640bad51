#include <stdio.h>
#include <string.h>

#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/format/luks1/luks1_convert.h"

struct convert_header_options {
    const char *to, *header;
    bool yes, help;
};

static const struct option_row rows[] = {
    {"to", 0, "luks1|luks2", "The format that the header shall have.",
     offsetof(struct convert_header_options, to)},
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct convert_header_options, header)},
    {"yes", 'y', NULL, "Answer the question with yes.",
     offsetof(struct convert_header_options, yes)},
    COMMAND_HELP_ROW(struct convert_header_options),
    {0},
};

/* The command before may have been killed while it cleared up. */
static enum rc tidy(const struct luks_target *target, struct fault *why)
{
    enum rc rc = luks1_convert_tidy(target->header, target->device, why);

    if (rc != RC_OK)
        return fault_at(why, "%s", target->place);
    printf(
        "%s: has a LUKS2 header already; where none of its key slots stands was overwritten\n",
        target->place);
    return RC_OK;
}

static enum rc convert_header(const struct convert_header_options *options,
                              struct luks_target *target, struct fault *why)
{
    bool to_luks1 = strcmp(options->to, "luks1") == 0;
    enum rc rc;

    if (!to_luks1 && !target->is_luks1 && !target->is_folder &&
        luks1_convert_may_tidy(target->header))
        return tidy(target, why);
    if (to_luks1 == target->is_luks1)
        return fail(why, RC_USAGE, "%s: is %s already", target->place,
                    to_luks1 ? "LUKS1" : "LUKS2");
    if (target->is_folder)
        return fail(why, RC_USAGE, "%s: is a folder, whose header is LUKS2", target->path);
    if (target->is_open)
        return fail(why, RC_BUSY, "%s: is open; close it first", target->place);
    rc = question_ask(
        target->place, options->yes, why,
        "%s: its LUKS%d header will be made one of LUKS%d%s. "
        "A backup of it ('keep header backup' or 'cryptsetup luksHeaderBackup') is the "
        "way back.",
        target->place, to_luks1 ? 2 : 1, to_luks1 ? 1 : 2,
        to_luks1 ? ", which has no place for names of keys and a label" : "");
    if (rc != RC_OK)
        return rc;
    rc = (to_luks1 ? luks1_convert_from_luks2 : luks1_convert_to_luks2)(target->header,
                                                                        target->device, why);
    if (rc != RC_OK)
        return fault_at(why, "%s", target->place);
    printf("%s: has a %s header now\n", target->place, to_luks1 ? "LUKS1" : "LUKS2");
    return RC_OK;
}

static enum status convert_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct convert_header_options options = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_convert, &options, &options.help, words, &count, 1, 1, &status,
                       why))
        return status;
    if (!options.to || (strcmp(options.to, "luks1") != 0 && strcmp(options.to, "luks2") != 0))
        return command_status_of(
            fail(why, RC_USAGE, "convert: --to luks1 or --to luks2 is needed"));
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_KEYS, why);
    if (rc == RC_OK)
        rc = convert_header(&options, &target, why);
    return luks_target_status(&target, rc);
}

const struct command command_convert = {
    .name = "convert",
    .operands = "TARGET",
    .doc = "Makes a LUKS2 header of a LUKS1 one, or the other way round.",
    .rows = rows,
    .run = convert_run,
};
