#include <stdio.h>
#include <string.h>

#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "vault/header/keyslot_name.h"

struct key_list_options {
    const char *header;
    bool json, help;
};

static const struct option_row rows[] = {
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct key_list_options, header)},
    {"json", 0, NULL, "Print a JSON array with an object for each slot.",
     offsetof(struct key_list_options, json)},
    COMMAND_HELP_ROW(struct key_list_options),
    {0},
};

static enum rc print_lines(const struct luks2 *header, struct fault *why)
{
    struct text text = {0};

    text_printf(&text, "SLOT  KEY       NAME              STRETCHED BY\n");
    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
        const char *name = keyslot_name_get(header, i);

        if (!header->keyslots[i].present)
            continue;
        text_printf(&text, "%4u  %3u bits  %-16s  ", i, header->keyslots[i].key_size * 8,
                    name ? name : "-");
        keyslot_view_kdf(header, i, &text);
        text_add_char(&text, '\n');
    }
    if (text_ok(&text))
        fputs(text.at, stdout);
    text_clear(&text);
    return text_ok(&text) ? RC_OK : fail(why, RC_MEMORY, "no memory");
}

static enum rc print_json(const struct luks2 *header, struct fault *why)
{
    struct json *array = json_new_array();
    struct text text = {0};
    bool good = array;

    for (unsigned i = 0; good && i < LUKS2_KEYSLOTS_MAX; i++)
        good = !header->keyslots[i].present ||
               json_put(array, NULL, keyslot_view_json(header, i));
    if (good)
        json_write(array, &text);
    good = good && text_ok(&text);
    if (good)
        printf("%s\n", text.at);
    text_clear(&text);
    json_close(array);
    return good ? RC_OK : fail(why, RC_MEMORY, "no memory");
}

static enum status key_list_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct key_list_options options = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_key_list, &options, &options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = options.json ? print_json(target.header, why) : print_lines(target.header, why);
    return luks_target_status(&target, rc);
}

const struct command command_key_list = {
    .name = "key list",
    .operands = "TARGET",
    .doc = "Lists the key slots of a volume.",
    .rows = rows,
    .run = key_list_run,
};
