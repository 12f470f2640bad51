/* Any bytes as a configuration: the tree is read whole or refused, and every fault has a place that exists. */
#include <stdlib.h>

#include "gate/conf/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void walk(const struct conf_node *nodes, size_t *order)
{
    for (; nodes; nodes = nodes->next) {
        if (nodes->count == 0 || nodes->order <= *order)
            abort();
        *order = nodes->order;
        for (size_t i = 0; i < nodes->count; i++) {
            struct fault_place place = conf_place(nodes, i);

            if (place.line == 0 || place.column == 0 || place.line > nodes->end_line)
                abort();
        }
        walk(nodes->children, order);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct arena arena = {0};
    struct faults faults = {0};
    struct conf_tree tree = {
        .arena = &arena, .faults = &faults, .directory = "/nonexistent/", .strict = len % 2};
    char *text = arena_text(&arena, span_of(at, len)); /* up to the first NUL */
    struct text shown = {0};
    size_t order = 0;

    if (!text || memmem(text, len, "include", 7))
        goto out; /* no files of this machine */
    conf_tree_read_text(&tree, "fuzz.conf", text);
    walk(tree.first, &order);
    faults_show(&faults, &shown);
    conf_tree_dump(&tree, &shown);
out:
    text_clear(&shown);
    faults_clear(&faults);
    arena_clear(&arena);
    return 0;
}
