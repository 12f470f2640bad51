/*
 * Every directive of the tables is in gate.conf(5), with its sentence: given the page, says what is missing. With
 * --print it writes the list of directives as the page has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gate/site_reader.h"

static const char *const contexts[] = {"main",         "events",        "http",
                                       "server",       "location",      "upstream",
                                       "if in server", "if in location"};

static void print_contexts(unsigned bits, struct text *out)
{
    const char *comma = "";

    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        if (!(bits & 1u << i))
            continue;
        text_printf(out, "%s%s", comma, contexts[i]);
        comma = ", ";
    }
}

/* One entry, as the page must have it. */
static void print_entry(const struct directive *d, struct text *out)
{
    text_printf(out, ".It Ic %s%s\n%s\nStands in: ", d->name,
                d->kind != CONF_PLAIN ? " { }" : "", d->doc);
    print_contexts(d->contexts, out);
    if (d->standard)
        text_printf(out, ".\nWithout it:\n.Ql %s .\n", d->standard);
    else
        text_printf(out, ".\n");
}

static char *read_page(const char *path)
{
    static char page[256 * 1024];
    FILE *file = fopen(path, "r");
    size_t len;

    if (!file) {
        perror(path);
        exit(1);
    }
    len = fread(page, 1, sizeof page - 1, file);
    fclose(file);
    page[len] = '\0';
    return page;
}

int main(int argc, char **argv)
{
    bool print = argc == 2 && strcmp(argv[1], "--print") == 0;
    const char *page = argc == 2 && !print ? read_page(argv[1]) : "";
    int missing = 0;

    for (size_t t = 0; t < site_language.count; t++) {
        for (const struct directive *d = site_language.tables[t]; d->name; d++) {
            struct text entry = {0};

            print_entry(d, &entry);
            if (print)
                fputs(entry.at, stdout);
            else if (!strstr(page, entry.at))
                missing += printf("not in the page:\n%s", entry.at) > 0;
            text_clear(&entry);
        }
    }
    return missing > 0;
}
