/*
 * Every directive of the tables is in gate.conf(5), with its sentence: given the page, says what is missing. With
 * --print it writes the list of directives as the page has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gate/site_reader.h"

/* Each sentence begins a line: mdoc wants it so. */
static void add_sentences(const char *doc, struct text *out)
{
    for (; *doc; doc++) {
        bool ends = doc[0] == ' ' && doc[-1] == '.' && doc[1] >= 'A' && doc[1] <= 'Z';

        text_add_char(out, ends ? '\n' : *doc);
    }
}

/* One entry, as the page must have it. */
static void print_entry(const struct directive *d, struct text *out)
{
    char room[112];
    struct buffer names = buffer_over(room, sizeof room);

    conf_contexts(d->contexts, &names);
    text_printf(out, ".It Ic %s%s\n", d->name, d->kind != CONF_PLAIN ? " { }" : "");
    add_sentences(d->doc, out);
    text_printf(out, "\nStands in: %.*s", SPAN_ARG(buffer_span(&names)));
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
