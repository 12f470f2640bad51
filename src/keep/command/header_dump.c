#include <stdio.h>

#include "keep/command/header_view.h"
#include "keep/command/luks_target.h"

struct header_dump_options {
    const char *header;
    bool json, help;
};

static const struct option_row rows[] = {
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct header_dump_options, header)},
    {"json", 0, NULL, "Print a JSON object.", offsetof(struct header_dump_options, json)},
    COMMAND_HELP_ROW(struct header_dump_options),
    {0},
};

static enum rc print(const struct luks2 *header, bool as_json, struct fault *why)
{
    struct json *json = as_json ? header_view_json(header) : NULL;
    struct text text = {0};
    bool good = !as_json || json;

    if (json) {
        json_write(json, &text);
        text_add_char(&text, '\n');
    } else if (good) {
        header_view_text(header, &text);
    }
    good = good && text_ok(&text);
    if (good)
        fputs(text.at, stdout);
    text_clear(&text);
    json_close(json);
    return good ? RC_OK : fail(why, RC_MEMORY, "no memory");
}

static enum status header_dump_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct header_dump_options options = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_header_dump, &options, &options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = print(target.header, options.json, why);
    return luks_target_status(&target, rc);
}

const struct command command_header_dump = {
    .name = "header dump",
    .operands = "TARGET",
    .doc = "Shows what the header says, and no key material.",
    .rows = rows,
    .run = header_dump_run,
};
