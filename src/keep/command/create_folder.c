#include "keep/command/create_folder.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "keep/command/command.h"
#include "keep/command/create_target.h"
#include "keep/command/credential_options.h"
#include "keep/command/kdf_options.h"
#include "keep/command/passphrase.h"
#include "keep/tree/folder/folder.h"
#include "keep/tree/folder/folder_token.h"
#include "vault/header/keyslot.h"
#include "vault/header/luks2_format.h"

enum { HEADER_SIZE = 4 << 20 }; /* room for 15 key slots */

/* The directory that `path` is in, or will be. */
static bool directory_around(const char *path, char whole[PATH_MAX])
{
    char copy[PATH_MAX];

    if (!realpath(path, whole))
        return snprintf(copy, sizeof copy, "%s", path) < (int)sizeof copy &&
               realpath(dirname(copy), whole);
    *strrchr(whole, '/') = '\0';
    return true;
}

enum rc create_folder_check_around(const char *path, struct fault *why)
{
    char around[PATH_MAX], header[PATH_MAX];

    if (!directory_around(path, around))
        return RC_OK; /* where it cannot be made that is said */
    for (char *end; around[0]; *end = '\0') {
        end = strrchr(around, '/');
        if (snprintf(header, sizeof header, "%s/keep.luks", around) < (int)sizeof header &&
            access(header, F_OK) == 0)
            return fail(why, RC_USAGE,
                        "%s: is in the encrypted folder %s, whose files keep alone makes: "
                        "'keep open' that, and make it there",
                        path, around);
    }
    return RC_OK;
}

/* A creation that was interrupted has left keep.dir, which opens with a lost key. */
static enum rc clear_leftover(const char *path, struct fault *why)
{
    char left[PATH_MAX];

    snprintf(left, sizeof left, "%s/keep.dir", path);
    return unlink(left) == 0 || errno == ENOENT ? RC_OK : fail_errno(why, RC_IO, "%s", left);
}

static enum rc check_empty(const char *path, struct fault *why)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    enum rc rc = RC_OK;

    if (!directory)
        return fail_errno(why, errno == ENOTDIR ? RC_USAGE : RC_IO, "%s", path);
    while (rc == RC_OK && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, "keep.luks") == 0)
            rc = fail(why, RC_USAGE, "%s: is an encrypted folder already", path);
        else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                 strcmp(entry->d_name, "keep.dir") != 0)
            rc = fail(why, RC_USAGE, "%s: is not empty; a new folder needs an empty directory",
                      path);
    }
    closedir(directory);
    return rc;
}

static enum rc prepare_directory(const char *path, bool *made, struct fault *why)
{
    enum rc rc;

    if ((rc = create_folder_check_around(path, why)) != RC_OK)
        return rc;
    *made = mkdir(path, 0700) == 0;
    if (*made)
        return RC_OK;
    if (errno != EEXIST)
        return fail_errno(why, RC_IO, "%s: cannot be made", path);
    rc = check_empty(path, why);
    return rc == RC_OK ? clear_leftover(path, why) : rc;
}

static enum rc write_header(struct create_folder *what, struct luks2 *header,
                            struct device *device, const struct folder_format *format,
                            const struct secret *key, const struct secret *credential,
                            struct fault *why)
{
    enum rc rc;

    if ((rc = folder_token_put(header, format, why)) ||
        (rc = luks2_format_wipe(header, device, why)) ||
        (rc = keyslot_add(header, device, KEYSLOT_ANY, key, credential, &what->kdf, NULL,
                          why)) ||
        (what->generate && (rc = passphrase_show(credential, why))) ||
        (rc = luks2_write(header, device, why)))
        return rc;
    return folder_create(what->path, format, key, why);
}

static enum rc build(struct create_folder *what, struct create_target *target,
                     const struct secret *credential, struct fault *why)
{
    const struct folder_format format = {
        .cipher = aead_prefers_aes() ? "aes-256-gcm" : "chacha20-poly1305",
        .plain_names = what->plain_names,
    };
    const struct luks2_format luks2 = {.header_size = HEADER_SIZE,
                                       .sector_size = 4096,
                                       .detached = true,
                                       .label = what->label,
                                       .subsystem = "keep-folder"};
    SCOPED(secret) key = {0};
    struct device *device;
    struct luks2 *header;
    enum rc rc;

    if ((rc = kdf_options_settle(&what->kdf, what->kdf_ms, why)) ||
        (rc = random_key(&key, LUKS2_FORMAT_KEY_SIZE, why)) ||
        (rc = luks2_format(&header, &luks2, &key, why)))
        return rc;
    rc = device_open_file(&device, create_target_path(target), false, DEVICE_EXCLUSIVE, why);
    if (rc == RC_OK) {
        rc = write_header(what, header, device, &format, &key, credential, why);
        device_close(device);
    }
    luks2_close(header);
    if (rc == RC_OK && what->key)
        rc = secret_copy(what->key, secret_span(&key), why);
    return rc == RC_OK ? create_target_end(target, why) : rc;
}

static enum rc create_in(struct create_folder *what, struct fault *why)
{
    SCOPED(create_target) target = {0};
    SCOPED(secret) credential = {0};
    char place[PATH_MAX];
    enum rc rc;

    if (snprintf(place, sizeof place, "%s%s", what->header ? what->header : what->path,
                 what->header ? "" : "/keep.luks") >= (int)sizeof place)
        return fail(why, RC_USAGE, "its path is too long");
    if ((rc = create_target_begin(&target, place, HEADER_SIZE, false, why)) ||
        (rc = credential_options_get_new(what->credential, what->generate, what->path,
                                         &credential, why)))
        return rc;
    command_progress("Making the folder ...");
    return build(what, &target, &credential, why);
}

enum rc create_folder(struct create_folder *what, struct fault *why)
{
    bool made = false;
    enum rc rc = what->key ? clear_leftover(what->path, why)
                           : prepare_directory(what->path, &made, why);

    if (rc != RC_OK)
        return rc;
    rc = create_in(what, why);
    if (rc != RC_OK) {
        (void)clear_leftover(what->path, NULL);
        if (made)
            rmdir(what->path);
        return strncmp(why->text, what->path, strlen(what->path)) == 0
                   ? rc
                   : fault_at(why, "%s", what->path);
    }
    if (!what->generate && !what->key)
        printf("%s: a new encrypted folder\n", what->path);
    return RC_OK;
}
