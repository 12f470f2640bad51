#include "base/options.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 40 };

/* Edits (insert, delete, replace, swap of neighbours) from a to b. Both shorter than WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1],
           *now = rows[2];

    for (size_t j = 0; j <= n; j++)
        last[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t *oldest = before;

        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        before = last;
        last = now;
        now = oldest;
    }
    return last[n];
}

const char *options_nearest(const char *word, const char *(*at)(size_t i, const void *of),
                            const void *of)
{
    const char *best = NULL, *candidate;
    size_t least = strlen(word) / 3 + 1;

    if (strlen(word) >= WORD_MAX)
        return NULL;
    for (size_t i = 0; (candidate = at(i, of)); i++) {
        size_t d = strlen(candidate) < WORD_MAX ? distance(word, candidate) : least + 1;

        if (d < least || (d == least && !best)) {
            least = d;
            best = candidate;
        }
    }
    return best;
}

static const char *row_name(size_t i, const void *rows)
{
    return ((const struct option_row *)rows)[i].name;
}

static void set(const struct option_row *row, void *into, const char *value)
{
    if (row->value)
        memcpy((char *)into + row->offset, &value, sizeof value);
    else
        memcpy((char *)into + row->offset, &(bool){true}, sizeof(bool));
}

/* One "--name", "--name=value" or "--name value"; `next` is the word behind it or NULL. */
static enum rc parse_long(const struct option_row *row, void *into, char *word, char *next,
                          bool *took_next, struct fault *why)
{
    char *equals = strchr(word, '=');
    const struct option_row *rows = row;

    if (equals)
        *equals = '\0';
    while (row->name && strcmp(row->name, word) != 0)
        row++;
    if (!row->name) {
        const char *near = options_nearest(word, row_name, rows);

        return fail(why, RC_USAGE, "unknown option --%s%s%s%s", word,
                    near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
    }
    if (!row->value && equals)
        return fail(why, RC_USAGE, "option --%s takes no value", word);
    if (row->value && !equals && !next)
        return fail(why, RC_USAGE, "option --%s needs a value: --%s %s", word, word,
                    row->value);
    *took_next = row->value && !equals;
    set(row, into, equals ? equals + 1 : next);
    return RC_OK;
}

/* "-abc", "-nVALUE" or "-n VALUE". */
static enum rc parse_letters(const struct option_row *rows, void *into, char *word, char *next,
                             bool *took_next, struct fault *why)
{
    for (char *c = word; *c; c++) {
        const struct option_row *row = rows;

        while (row->name && row->letter != *c)
            row++;
        if (!row->name)
            return fail(why, RC_USAGE, "unknown option -%c", *c);
        if (row->value && !c[1] && !next)
            return fail(why, RC_USAGE, "option -%c needs a value: -%c %s", *c, *c, row->value);
        *took_next = row->value && !c[1];
        set(row, into, c[1] ? c + 1 : next);
        if (row->value)
            break;
    }
    return RC_OK;
}

enum rc options_parse(const struct option_row *rows, void *into, char **words, int *count,
                      struct fault *why)
{
    int operands = 0;
    bool options = true;

    for (int i = 0; i < *count; i++) {
        char *word = words[i], *next = i + 1 < *count ? words[i + 1] : NULL;
        bool took_next = false;
        enum rc rc = RC_OK;

        if (!options || word[0] != '-' || !word[1])
            words[operands++] = word;
        else if (strcmp(word, "--") == 0)
            options = false;
        else if (word[1] == '-')
            rc = parse_long(rows, into, word + 2, next, &took_next, why);
        else
            rc = parse_letters(rows, into, word + 1, next, &took_next, why);
        if (rc != RC_OK)
            return rc;
        i += took_next;
    }
    *count = operands;
    return RC_OK;
}

void options_print(const struct option_row *rows)
{
    for (const struct option_row *row = rows; row->name; row++) {
        char head[64], letter[5] = "    ";

        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(head, sizeof head, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        printf("  %-30s %s\n", head, row->doc);
    }
}
