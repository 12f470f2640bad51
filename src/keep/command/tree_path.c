#include "keep/command/tree_path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int tree_path_find(struct tree *tree, const char *path, struct tree_entry *out)
{
    int error = tree->kind->attributes(tree, TREE_ROOT, 0, &out->about);

    out->node = TREE_ROOT;
    while (error == 0 && *(path += strspn(path, "/"))) {
        size_t len = strcspn(path, "/");
        uint64_t above = out->node;
        char name[NAME_MAX + 1];

        if (len > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, path, len);
        name[len] = '\0';
        path += len;
        if (strcmp(name, ".") == 0)
            continue;
        error = tree->kind->look_up(tree, above, name, out);
        if (above != TREE_ROOT)
            tree->kind->forget(tree, above, 1);
    }
    return error;
}

static bool take_name(void *of, const char *name, uint64_t inode, mode_t type, uint64_t next,
                      const struct tree_entry *entry)
{
    struct text *names = of;

    (void)inode;
    (void)type;
    (void)next;
    (void)entry;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        text_add(names, span_of(name, strlen(name) + 1));
    return true;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Pointers to the texts, which stand one behind the other. */
static const char **sorted(const struct text *names, size_t *count)
{
    const char **all;
    size_t n = 0;

    for (size_t at = 0; at < names->len; at += strlen(names->at + at) + 1)
        n++;
    if (!(all = malloc((n + 1) * sizeof *all)))
        return NULL;
    n = 0;
    for (size_t at = 0; at < names->len; at += strlen(names->at + at) + 1)
        all[n++] = names->at + at;
    qsort(all, n, sizeof *all, by_name);
    *count = n;
    return all;
}

int tree_path_read(struct tree *tree, uint64_t node, tree_path_each *each, void *of)
{
    struct text names = {0};
    const char **all = NULL;
    tree_handle directory;
    size_t count = 0;
    int error = tree->kind->open_directory(tree, node, &directory);

    if (error != 0)
        return error;
    error = tree->kind->read_directory(tree, directory, 0, false, take_name, &names);
    tree->kind->release_directory(tree, directory);
    if (error == 0 && (!text_ok(&names) || !(all = sorted(&names, &count))))
        error = -ENOMEM;
    for (size_t i = 0; i < count && error == 0; i++) {
        struct tree_entry entry = {0};
        int found = tree->kind->look_up(tree, node, all[i], &entry);

        if (found == -ENOENT)
            continue;
        error = each(of, all[i], &entry, found);
        if (found == 0)
            tree->kind->forget(tree, entry.node, 1);
    }
    free(all);
    text_clear(&names);
    return error;
}
