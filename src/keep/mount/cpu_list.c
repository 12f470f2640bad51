#include "keep/mount/cpu_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* One number, and *text behind it. */
static bool take_number(const char **text, unsigned long *number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    *number = strtoul(*text, &end, 10);
    *text = end;
    return *number < CPU_SETSIZE;
}

static bool take_range(const char **text, cpu_set_t *set)
{
    unsigned long first, last;

    if (!take_number(text, &first))
        return false;
    last = first;
    if (**text == '-') {
        (*text)++;
        if (!take_number(text, &last))
            return false;
    }
    for (unsigned long cpu = first; cpu <= last; cpu++)
        CPU_SET(cpu, set);
    return first <= last;
}

bool cpu_list_parse(const char *text, cpu_set_t *set)
{
    CPU_ZERO(set);
    while (take_range(&text, set)) {
        if (*text == '\0' || *text == '\n')
            return true;
        if (*text++ != ',')
            return false;
    }
    return false;
}

bool cpu_list_read(const char *path, cpu_set_t *set)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return false;
    text[got] = '\0';
    return cpu_list_parse(text, set);
}
