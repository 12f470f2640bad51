#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "keep/command/header_view.h"
#include "keep/command/keyslot_view.h"
#include "keep/command/luks_target.h"
#include "vault/header/keyslot.h"

struct header_check_options {
    const char *header;
    bool help;
};

static const struct option_row rows[] = {
    {"header", 0, "FILE", "The header is in this file, and not in the target.",
     offsetof(struct header_check_options, header)},
    COMMAND_HELP_ROW(struct header_check_options),
    {0},
};

static unsigned check_copies(const struct luks_target *target)
{
    struct text text = {0};

    header_view_copies(target->header, &text);
    printf("%s: %s\n", target->place, text_ok(&text) ? text.at : "");
    text_clear(&text);
    return target->header->repair_due;
}

static enum rc check_slot(const struct luks_target *target, unsigned number, unsigned *faults,
                          struct fault *why)
{
    struct text name = {0};
    enum rc rc;

    if (!target->is_luks1 && strcmp(target->header->keyslots[number].type, "luks2") != 0)
        return RC_OK;
    keyslot_view_name(target->header, number, &name);
    rc = keyslot_check(target->header, target->device, number, why);
    if (rc == RC_OK)
        printf("%s: key slot %s is sound\n", target->place, text_ok(&name) ? name.at : "");
    else if (rc == RC_FORMAT)
        printf("%s: %s\n", target->place, why->text);
    *faults += rc == RC_FORMAT;
    text_clear(&name);
    return rc == RC_FORMAT ? RC_OK : rc;
}

/* A backup of a header, or a detached one, has no data behind it. */
static enum rc check_data(const struct luks_target *target, unsigned *faults,
                          struct fault *why)
{
    struct luks2_extent extent;
    struct device *data;
    uint64_t size;
    enum rc rc;

    if (target->is_folder)
        return RC_OK; /* 'keep check' reads its files */
    if ((rc = device_open_file(&data, target->path, true, DEVICE_UNLOCKED, why)))
        return rc == RC_NOT_FOUND ? (why->rc = RC_IO) : rc;
    size = data->size;
    device_close(data);
    if (target->path == target->place && size == luks_target_header_size(target)) {
        printf("%s: holds a header alone\n", target->path);
        return RC_OK;
    }
    rc = luks2_extent_find(target->header, size, &extent, why);
    if (rc == RC_OK)
        printf("%s: all of the data is there, %" PRIu64 " bytes\n", target->path, extent.len);
    else
        printf("%s: %s\n", target->path, header_view_plain(why->text));
    *faults += rc == RC_TRUNCATED;
    return rc == RC_TRUNCATED || rc == RC_UNSUPPORTED ? RC_OK : rc;
}

static enum rc check(const struct luks_target *target, struct fault *why)
{
    unsigned faults = check_copies(target);
    enum rc rc;

    for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++)
        if (target->header->keyslots[i].present &&
            (rc = check_slot(target, i, &faults, why)) != RC_OK)
            return fault_at(why, "%s", target->place);
    if ((rc = check_data(target, &faults, why)) != RC_OK)
        return rc;
    if (faults == 0)
        return RC_OK;
    return fail(why, RC_FORMAT, "%s: is damaged%s", target->place,
                target->header->repair_due ? "; 'keep header repair' mends a copy" : "");
}

static enum status header_check_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct header_check_options options = {0};
    enum status status;
    enum rc rc;

    if (!command_parse(&command_header_check, &options, &options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = check(&target, why);
    return luks_target_status(&target, rc);
}

const struct command command_header_check = {
    .name = "header check",
    .operands = "TARGET",
    .doc = "Says whether both copies, the key slots and the data are whole.",
    .rows = rows,
    .run = header_check_run,
};
