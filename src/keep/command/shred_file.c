#include "keep/command/shred_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep/command/question.h"
#include "keep/command/tree_path.h"
#include "keep/tree/folder/folder.h"

static bool has_header(const char *directory)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/keep.luks", directory) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

const char *shred_file_split(const char *path, char **folder)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        const char *rest = slash + strspn(slash, "/");

        if (!*rest || strcmp(rest, "keep.luks") == 0)
            return NULL;
        *folder = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
        if (*folder && has_header(*folder))
            return rest;
        free(*folder);
    }
    return NULL;
}

enum rc shred_file(struct folder_opening *opening, const char *path, bool yes,
                   struct fault *why)
{
    struct tree *tree;
    enum rc rc =
        question_ask(path, yes, why,
                     "%s/%s: this file will be destroyed: its key is overwritten, and "
                     "nothing reads it again. Copies of the folder, snapshots, and what a "
                     "flash disk has put elsewhere are not reached.",
                     opening->path, path);

    if (rc != RC_OK || (rc = folder_unlock(opening, &tree, why)) != RC_OK)
        return rc;
    rc = folder_shred(tree, path, why);
    tree->kind->close(tree);
    if (rc != RC_OK)
        return fault_at(why, "%s", opening->path);
    printf("%s/%s: the file's key is overwritten and read back, and its name is gone\n",
           opening->path, path);
    return RC_OK;
}
