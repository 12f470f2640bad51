#include <stdio.h>

#include "codec/json.h"
#include "keep/command/command.h"
#include "keep/mount/record.h"

struct status_options {
    bool json, help;
};

static const struct option_row rows[] = {
    {"json", 0, NULL, "Print a JSON array with an object for each volume.",
     offsetof(struct status_options, json)},
    COMMAND_HELP_ROW(struct status_options),
    {0},
};

static const char *state_of(bool alive)
{
    return alive ? "open" : "stale";
}

static const char *access_of(const struct record *record)
{
    return record->read_only ? "read-only" : "read-write";
}

static const char *content_of(const struct record *record)
{
    return record->kernel[0] ? "kernel"
           : record->nbd     ? "nbd"
           : record->folder  ? "folder"
           : record->raw     ? "raw"
                             : "file system";
}

static enum rc print_line(void *of, const struct record *record, bool alive)
{
    size_t *count = of;

    if ((*count)++ == 0)
        printf("%-6s %-10s %-11s %-6s %-22s %6s %7s  %s\n", "STATE", "ACCESS", "CONTENT",
               "FORMAT", "CIPHER", "SECTOR", "PROCESS", "TARGET -> PLACE");
    printf("%-6s %-10s %-11s %-6s %-22s %6d %7d  %s -> %s\n", state_of(alive),
           access_of(record), content_of(record), record->format, record->cipher,
           record->sector_size, record->daemon, record->target, record->mountpoint);
    return RC_OK;
}

static enum rc add_object(void *of, const struct record *record, bool alive)
{
    struct json *array = of, *object = json_new_object();

    if (!object)
        return RC_MEMORY;
    if (!json_put_string(object, "target", record->target) ||
        !json_put_string(object, "mountpoint", record->mountpoint) ||
        !json_put_string(object, "state", state_of(alive)) ||
        !json_put_string(object, "access", access_of(record)) ||
        !json_put_string(object, "content", content_of(record)) ||
        !json_put_string(object, "format", record->format) ||
        !json_put_string(object, "cipher", record->cipher) ||
        !json_put_number(object, "sector_size", (uint64_t)record->sector_size) ||
        !json_put_number(object, "process", (uint64_t)record->daemon)) {
        json_close(object);
        return RC_MEMORY;
    }
    return json_put(array, NULL, object) ? RC_OK : RC_MEMORY;
}

static enum rc print_json(struct fault *why)
{
    struct json *array = json_new_array();
    struct text text = {0};
    enum rc rc = array ? record_each(add_object, array, why) : RC_MEMORY;

    if (rc == RC_OK)
        json_write(array, &text);
    if (rc == RC_MEMORY || !text_ok(&text))
        rc = fail(why, RC_MEMORY, "status: no memory");
    else if (rc == RC_OK)
        printf("%s\n", text.at);
    text_clear(&text);
    json_close(array);
    return rc;
}

static enum status status_run(char **words, int count, struct fault *why)
{
    struct status_options options = {0};
    enum status status;
    size_t lines = 0;

    if (!command_parse(&command_status, &options, &options.help, words, &count, 0, 0, &status,
                       why))
        return status;
    if (options.json)
        return command_status_of(print_json(why));
    return command_status_of(record_each(print_line, &lines, why));
}

const struct command command_status = {
    .name = "status",
    .operands = "",
    .doc = "Lists what is open.",
    .rows = rows,
    .run = status_run,
};
