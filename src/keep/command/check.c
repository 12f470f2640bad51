#include <stdio.h>
#include <unistd.h>

#include "keep/command/credential_options.h"
#include "keep/command/folder_open.h"
#include "keep/command/header_view.h"
#include "keep/mount/daemon.h"
#include "keep/tree/folder/check.h"
#include "keep/tree/folder/folder_token.h"

struct check_options {
    struct credential_options credential;
    const char *header, *key_slot;
    bool repair, help;
};

static const struct option_row rows[] = {
    {"repair", 0, NULL, "Move what is found aside, into keep.aside in the folder.",
     offsetof(struct check_options, repair)},
    CREDENTIAL_ROWS(struct check_options),
    {"key-slot", 0, "NUMBER", "Try this key slot alone.",
     offsetof(struct check_options, key_slot)},
    {"header", 0, "FILE", "The header is in this file, and not in the folder.",
     offsetof(struct check_options, header)},
    COMMAND_HELP_ROW(struct check_options),
    {0},
};

static void print(void *of, enum check_finding finding, const char *place, const char *what)
{
    static const char *const words[] = {[CHECK_DAMAGED] = "damaged",
                                        [CHECK_UNFINISHED] = "unfinished",
                                        [CHECK_FOREIGN] = "foreign"};

    (void)of;
    printf("%s: %s: %s\n", words[finding], header_view_plain((char *)(uintptr_t)place), what);
}

static enum rc conclude(const char *path, const struct check_counts *counts, bool repair,
                        struct fault *why)
{
    uint64_t damaged = counts->found[CHECK_DAMAGED];

    printf("%s: %ju files (%ju bytes), %ju directories and %ju links were read\n", path,
           (uintmax_t)counts->files, (uintmax_t)counts->bytes, (uintmax_t)counts->directories,
           (uintmax_t)counts->links);
    if (counts->behind > 0)
        printf("%s: %ju bytes lie behind the ends of files, and nobody reads them\n", path,
               (uintmax_t)counts->behind);
    if (counts->moved > 0)
        printf("%s: %ju things were moved into keep.aside\n", path, (uintmax_t)counts->moved);
    if (damaged + counts->found[CHECK_FOREIGN] + counts->found[CHECK_UNFINISHED] == 0 ||
        repair)
        return RC_OK;
    return fail(why, RC_FORMAT, "%s: %ju damaged, %ju unfinished, %ju foreign%s", path,
                (uintmax_t)damaged, (uintmax_t)counts->found[CHECK_UNFINISHED],
                (uintmax_t)counts->found[CHECK_FOREIGN], "; --repair moves them aside");
}

static enum rc check(const struct luks_target *target, const struct check_options *options,
                     const struct credential *credential, int key_slot, bool *foreign,
                     struct fault *why)
{
    const struct check_what what = {.repair = options->repair, .found = print};
    SCOPED(unlock) unlocked = {0};
    struct folder_format format;
    struct check_counts counts;
    enum rc rc = folder_token_find(target->header, &format, why);

    *foreign = rc == RC_NOT_FOUND;
    if (rc != RC_OK)
        return fault_at(why, "%s", target->place);
    if (target->is_open)
        return fail(why, RC_BUSY, "%s: is open; close it first", target->path);
    if ((rc = folder_check_whole(target, why)) ||
        (rc = luks_target_unlock(target, credential, key_slot, &unlocked, why)) ||
        (rc = folder_check(target->path, &format, &unlocked.volume_key, &what, &counts, why)))
        return rc;
    return conclude(target->path, &counts, options->repair, why);
}

static enum status check_run(char **words, int count, struct fault *why)
{
    SCOPED(luks_target) target = {0};
    struct check_options options = {0};
    struct credential credential;
    bool foreign = false;
    enum status status;
    int key_slot;
    enum rc rc;

    if (!command_parse(&command_check, &options, &options.help, words, &count, 1, 1, &status,
                       why))
        return status;
    if (credential_options_read(&options.credential, &credential, why) != RC_OK ||
        credential_options_key_slot(options.key_slot, &key_slot, why) != RC_OK)
        return STATUS_USAGE;
    if (access(words[0], F_OK) < 0)
        return command_status_of(fail_errno(why, RC_IO, "%s", words[0]));
    if (!folder_is_directory(words[0]))
        return command_status_of(fail(why, RC_USAGE,
                                      "%s: is no folder; 'keep header check' looks at volumes",
                                      words[0]));
    daemon_hide();
    rc = luks_target_begin(&target, words[0], options.header, LUKS_TARGET_LOOK, why);
    if (rc == RC_OK)
        rc = check(&target, &options, &credential, key_slot, &foreign, why);
    return foreign ? STATUS_FOREIGN : luks_target_status(&target, rc);
}

const struct command command_check = {
    .name = "check",
    .operands = "FOLDER",
    .doc = "Reads everything in an encrypted folder, and says what is damaged or unfinished.",
    .rows = rows,
    .run = check_run,
};
