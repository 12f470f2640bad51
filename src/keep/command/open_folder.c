#include "keep/command/open_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/process.h"
#include "keep/command/folder_open.h"
#include "keep/command/open_place.h"
#include "keep/command/open_record.h"
#include "keep/mount/serve_tree.h"
#include "keep/tree/folder/keys.h"

static void say_open(const struct record *record)
{
    printf("%s: open at %s%s\n", record->target, record->mountpoint,
           record->read_only ? " (read-only)" : "");
    fflush(stdout);
}

/* Below its own mount nobody would find it again, and we least of all. */
static bool is_inside(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static enum rc serve(const struct open_folder *what, struct record *record, struct tree *tree,
                     struct daemon *daemon, struct fault *why)
{
    struct serve_tree serve = {.record = record,
                               .tree = tree,
                               .allow_other = what->allow_other,
                               .idle_ms = what->idle_ms,
                               .daemon = daemon,
                               .mounted = say_open};
    enum rc rc;

    record->raw = record->folder = true;
    snprintf(record->format, sizeof record->format, "folder 1");
    record->read_only = what->read_only;
    record->daemon = getpid();
    rc = open_place_mountpoint(record, what->mountpoint, why);
    if (rc == RC_OK && is_inside(record->mountpoint, record->target))
        rc = fail(why, RC_USAGE, "%s: is in the folder itself, which would hide behind it",
                  record->mountpoint);
    if (rc == RC_OK)
        return serve_tree(&serve, why);
    tree->kind->close(tree);
    return rc;
}

static enum rc run(const struct open_folder *what, struct record *record,
                   struct daemon *daemon, bool *foreign, struct fault *why)
{
    struct folder_opening opening = {.path = what->target,
                                     .header = what->header,
                                     .credential = what->credential,
                                     .key_slot = what->key_slot,
                                     .read_only = what->read_only,
                                     .fast = what->fast};
    struct tree *tree;
    enum rc rc = folder_unlock(&opening, &tree, why);

    *foreign = opening.foreign;
    if (rc != RC_OK)
        return rc;
    snprintf(record->cipher, sizeof record->cipher, "%s", opening.cipher);
    record->sector_size = FOLDER_PAGE;
    return serve(what, record, tree, daemon, why);
}

enum status open_folder(const struct open_folder *what, struct fault *why)
{
    struct record record = {0};
    struct daemon daemon;
    bool foreign = false;
    enum rc rc = daemon_begin(&daemon, what->foreground, why);

    if (rc != RC_OK)
        return command_status_of(rc);
    daemon_hide();
    (void)process_limit_files(0, NULL); /* each open file wants a descriptor of ours */
    if ((rc = open_record_begin(&record, what->target, why)) == RC_OK) {
        rc = run(what, &record, &daemon, &foreign, why);
        open_record_end(&record, rc, !what->foreground && daemon.report < 0, why);
    }
    return foreign ? STATUS_FOREIGN : command_status_of(rc);
}
