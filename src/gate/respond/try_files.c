#include "gate/respond/try_files.h"

#include <errno.h>
#include <sys/stat.h>

#include "gate/respond/file.h"

enum { NAME_MAX_LEN = 4096, PATH_SIZE = 2 * NAME_MAX_LEN };

/* The evaluated text; an alias takes the part that it stands for off a text with variables. */
static bool evaluate(const struct template *t, const struct try_files_subject *s,
                     struct buffer *out, struct span *name)
{
    struct span prefix = {s->path.at, s->replaced};

    template_write(t, s->variables, out);
    if (out->full)
        return false;
    *name = buffer_span(out);
    if (s->is_alias && s->replaced <= s->path.len && !template_is_constant(t) &&
        span_starts(*name, prefix))
        span_cut(name, prefix.len);
    return true;
}

/* Is the name there, as a directory or as anything else? */
static bool is_there(struct span name, bool directory, const struct try_files_subject *s,
                     void (*log)(void *variables, const char *what))
{
    uint8_t room[PATH_SIZE];
    struct buffer path = buffer_over(room, sizeof room);
    struct fault why = {0};
    struct stat found;

    if ((!s->is_alias && !span_starts(name, SPAN("/"))) || !file_path(s->root, 0, name, &path))
        return false;
    if (file_way_stat(s->way, (const char *)path.at, &found) == 0)
        return S_ISDIR(found.st_mode) == directory;
    if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG) {
        (void)fail(&why, RC_IO, "stat() \"%s\" failed (%d: %s)", (char *)path.at, errno,
                   strerror(errno));
        log(s->variables, why.text);
    }
    return false;
}

/* The path that a request for the name would have had. */
static enum try_files_verdict found(const struct try_files_subject *s, struct span name,
                                    bool directory, struct span *text)
{
    uint8_t room[PATH_SIZE];
    struct buffer path = buffer_over(room, sizeof room);

    if (s->is_alias && s->replaced <= s->path.len)
        buffer_add(&path, span_of(s->path.at, s->replaced));
    if (s->is_alias && s->replaced > s->path.len && directory)
        buffer_add(&path, s->path); /* the alias names the directory by itself */
    else
        buffer_add(&path, name);
    if (path.full)
        return TRY_FILES_FAILED;
    *text = arena_copy(s->arena, buffer_span(&path));
    return text->at ? TRY_FILES_FOUND : TRY_FILES_FAILED;
}

enum try_files_verdict try_files_look(const struct try_files *t,
                                      const struct try_files_subject *s, struct span *text,
                                      void (*log)(void *variables, const char *what))
{
    uint8_t room[NAME_MAX_LEN];
    struct buffer out;
    struct span name;

    for (size_t i = 0; i < t->count; i++) {
        out = buffer_over(room, sizeof room);
        if (evaluate(&t->names[i].text, s, &out, &name) &&
            is_there(name, t->names[i].is_directory, s, log))
            return found(s, name, t->names[i].is_directory, text);
    }
    if (t->code)
        return TRY_FILES_ANSWER;
    out = buffer_over(room, sizeof room);
    if (!evaluate(&t->fallback, s, &out, &name))
        return TRY_FILES_FAILED;
    *text = arena_copy(s->arena, name);
    return text->at ? TRY_FILES_REDIRECT : TRY_FILES_FAILED;
}
