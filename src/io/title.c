#include "io/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TITLE_MAX = 1024 };

static struct {
    const char *name;
    char **words; /* the copy of argv */
    char *room;   /* where the kernel finds the command line */
    size_t size;
} title;

static size_t count_of(char **list)
{
    size_t count = 0;

    while (list && list[count])
        count++;
    return count;
}

/* One piece of memory, which lives as long as the process. NULL: there is none. */
static char **copy_of(char **list)
{
    size_t count = count_of(list), size = (count + 1) * sizeof *list, at = size;
    char *made;

    for (size_t i = 0; i < count; i++)
        size += strlen(list[i]) + 1;
    made = malloc(size);
    for (size_t i = 0; made && i < count; i++) {
        ((char **)(void *)made)[i] = strcpy(made + at, list[i]);
        at += strlen(list[i]) + 1;
    }
    if (made)
        ((char **)(void *)made)[count] = NULL;
    return (char **)(void *)made;
}

/* The end of those texts that follow `end` without a gap. */
static char *follow(char **list, char *end)
{
    for (size_t i = 0; list && list[i]; i++)
        if (list[i] == end)
            end += strlen(list[i]) + 1;
    return end;
}

char **title_begin(int argc, char **argv, const char *name)
{
    char **words = copy_of(argv), **variables = copy_of(environ);

    if (argc < 1 || !words || !variables) {
        free(words);
        free(variables);
        return argv;
    }
    title.name = name;
    title.words = words;
    title.room = argv[0];
    title.size = (size_t)(follow(environ, follow(argv, argv[0])) - argv[0]);
    environ = variables;
    return words;
}

void title_set(const char *format, ...)
{
    char text[TITLE_MAX];
    va_list args;
    int len;

    if (!title.room || title.size == 0)
        return;
    len = snprintf(text, sizeof text, "%s: ", title.name);
    va_start(args, format);
    vsnprintf(text + len, sizeof text - (size_t)len, format, args);
    va_end(args);
    memset(title.room, 0, title.size);
    snprintf(title.room, title.size, "%s", text);
}

void title_set_with_words(const char *what)
{
    char text[TITLE_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", what);

    for (size_t i = 0; title.words && title.words[i] && len < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, " %s", title.words[i]);
    title_set("%s", text);
}
