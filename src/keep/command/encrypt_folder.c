#include "keep/command/encrypt_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "keep/command/luks_target.h"
#include "keep/command/question.h"
#include "keep/mount/record.h"
#include "keep/tree/folder/encrypt.h"
#include "keep/tree/folder/folder_token.h"

/* Where a file of the folder's own is; false where the path is too long. */
static bool own_path(char path[PATH_MAX], const char *folder, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

/* The mark stands in the folder before its header does, and until all is encrypted. */
static enum rc set_mark(const char *mark, struct fault *why)
{
    int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || fsync(fd) < 0)
        return fail_errno(why, RC_IO, "%s", mark);
    close(fd);
    return RC_OK;
}

static enum rc ask(const struct create_folder *what, bool yes, struct fault *why)
{
    return question_ask(what->path, yes, why,
                        "%s: its files will be encrypted in place, one by one, and be "
                        "readable only through 'keep "
                        "open' from then on. The plain ones are overwritten once the "
                        "encrypted ones are read back. "
                        "On a flash disk, a file system with snapshots, or where copies were "
                        "made, old plain data may "
                        "remain all the same. Have a backup.",
                        what->path);
}

/* Whoever mistakes the one directory for the other would have to open it twice from then on. */
static enum rc check_not_shown(const char *path, struct fault *why)
{
    struct record record;
    bool alive;

    if (record_find(&record, path, &alive, NULL) != RC_OK || !alive || !record.folder)
        return RC_OK;
    return fail(why, RC_USAGE, "%s: shows the files of %s, which are encrypted there already",
                path, record.target);
}

/* What is encrypted already, by keys that are kept elsewhere, would not be readable without its keep.dir. */
static enum rc check_not_encrypted(const char *path, bool marked, struct fault *why)
{
    char directory[PATH_MAX];
    enum rc rc = create_folder_check_around(path, why);

    if (rc == RC_OK && !marked && own_path(directory, path, "keep.dir") &&
        access(directory, F_OK) == 0)
        return fail(
            why, RC_USAGE,
            "%s: has a keep.dir, so it is an encrypted folder whose header is elsewhere, "
            "or a directory of one",
            path);
    return rc;
}

static enum rc begin(struct create_folder *what, bool yes, bool marked, const char *mark,
                     struct secret *key, struct fault *why)
{
    enum rc rc;

    if ((rc = check_not_shown(what->path, why)) ||
        (rc = check_not_encrypted(what->path, marked, why)) ||
        (rc = folder_encrypt_check(what->path, why)) || (rc = ask(what, yes, why)) ||
        (rc = set_mark(mark, why)))
        return rc;
    what->key = key;
    if ((rc = create_folder(what, why)) != RC_OK)
        unlink(mark);
    return rc;
}

/* `key` is that of a folder that was made just now, or {0}. */
static enum rc go_on(const struct create_folder *what, const char *mark, struct secret *key,
                     struct fault *why)
{
    SCOPED(luks_target) target = {0};
    SCOPED(unlock) unlocked = {0};
    struct folder_format format;
    struct encrypt_counts counts;
    enum rc rc;

    if ((rc = luks_target_begin(&target, what->path, NULL, LUKS_TARGET_LOOK, why)) ||
        (rc = folder_token_find(target.header, &format, why)) ||
        (!key->at && (rc = luks_target_unlock(&target, what->credential, UNLOCK_ANY, &unlocked,
                                              why)) != RC_OK) ||
        (rc = folder_encrypt(what->path, &format, key->at ? key : &unlocked.volume_key,
                             &counts, why)))
        return rc;
    if (unlink(mark) < 0)
        return fail_errno(why, RC_IO, "%s", mark);
    printf("%s: is an encrypted folder; %ju files, %ju bytes\n", what->path,
           (uintmax_t)counts.files, (uintmax_t)counts.bytes);
    return RC_OK;
}

enum status encrypt_folder(struct create_folder *what, bool yes, struct fault *why)
{
    SCOPED(secret) key = {0};
    char mark[PATH_MAX], header[PATH_MAX];
    bool marked, headed;
    enum rc rc = RC_OK;

    if (!own_path(mark, what->path, "keep.encrypting") ||
        !own_path(header, what->path, "keep.luks"))
        return command_status_of(fail(why, RC_USAGE, "%s: its path is too long", what->path));
    marked = access(mark, F_OK) == 0;
    headed = access(header, F_OK) == 0;
    if (headed && !marked)
        return command_status_of(
            fail(why, RC_USAGE, "%s: is an encrypted folder already", what->path));
    if (!headed)
        rc = begin(what, yes, marked, mark, &key, why);
    if (rc == RC_OK && (rc = go_on(what, mark, &key, why)) != RC_OK)
        fprintf(stderr, "keep: %s: is encrypted in part; 'keep encrypt' goes on\n",
                what->path);
    return command_status_of(rc);
}
