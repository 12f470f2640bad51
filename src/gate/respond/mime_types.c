#include "gate/respond/mime_types.h"

#include <ctype.h>

struct entry {
    struct span extension, type; /* extension.len 0: free */
};

/* Open addressing, at most half full. */
struct mime_types {
    struct arena *arena;
    struct entry *entries;
    size_t count, size; /* size: 0 or a power of two */
};

/* FNV-1a of the lower-case name. */
static size_t hash(struct span name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (uint8_t)tolower(name.at[i])) * 16777619u;
    return h;
}

/* Where it is, or the free entry where it would be. */
static struct entry *find(const struct mime_types *types, struct span extension)
{
    size_t at = hash(extension) & (types->size - 1);

    while (types->entries[at].extension.len > 0 &&
           !span_equal_nocase(types->entries[at].extension, extension))
        at = (at + 1) & (types->size - 1);
    return &types->entries[at];
}

static bool grow(struct mime_types *types)
{
    struct mime_types larger = *types;

    larger.size = types->size ? types->size * 2 : 32;
    larger.entries = arena_take_array(types->arena, larger.size, sizeof *larger.entries);
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < types->size; i++)
        if (types->entries[i].extension.len > 0)
            *find(&larger, types->entries[i].extension) = types->entries[i];
    *types = larger;
    return true;
}

struct mime_types *mime_types_open(struct arena *arena)
{
    struct mime_types *types = arena_take(arena, sizeof *types);

    if (types)
        types->arena = arena;
    return types;
}

struct mime_types *mime_types_open_default(struct arena *arena)
{
    struct mime_types *types = mime_types_open(arena);

    if (!types || mime_types_add(types, SPAN("html"), SPAN("text/html")) ||
        mime_types_add(types, SPAN("gif"), SPAN("image/gif")) ||
        mime_types_add(types, SPAN("jpg"), SPAN("image/jpeg")))
        return NULL;
    return types;
}

enum rc mime_types_add(struct mime_types *types, struct span extension, struct span type)
{
    struct entry *entry;

    if (extension.len == 0)
        return RC_OK; /* no file has it: file_extension */
    if (types->count >= types->size / 2 && !grow(types))
        return RC_MEMORY;
    entry = find(types, extension);
    if (entry->extension.len == 0)
        types->count++;
    *entry = (struct entry){extension, type};
    return RC_OK;
}

struct span mime_types_find(const struct mime_types *types, struct span extension)
{
    if (!types || types->size == 0 || extension.len == 0)
        return (struct span){0};
    return find(types, extension)->type;
}
