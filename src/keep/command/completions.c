/* Scripts for shells, out of the tables of commands and options: what they know is what there is. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "keep/command/command.h"

struct completions_options {
    bool help;
};

static const struct option_row rows[] = {COMMAND_HELP_ROW(struct completions_options), {0}};

/* "key add" has two words. */
static size_t first_len(const struct command *command)
{
    return strcspn(command->name, " ");
}

static const char *second(const struct command *command)
{
    const char *space = strchr(command->name, ' ');

    return space ? space + 1 : NULL;
}

/* Is it the first command with this first word? */
static bool is_new(size_t index)
{
    const struct command *command = command_at(index);

    return index == 0 || first_len(command_at(index - 1)) != first_len(command) ||
           strncmp(command_at(index - 1)->name, command->name, first_len(command)) != 0;
}

/* The words that a value can be, with spaces between them; false where it is anything. */
static bool choices(const char *value, char words[128])
{
    size_t len = 0;

    for (const char *at = value; *at; at++)
        if (isupper((unsigned char)*at))
            return false;
    if (!strchr(value, '|'))
        return false;
    while (*value) {
        size_t word = strcspn(value, "|");

        if (len + word + 2 < 128) {
            memcpy(words + len, value, word);
            len += word;
            words[len++] = ' ';
        }
        value += word + (value[word] == '|');
    }
    words[len ? len - 1 : 0] = '\0';
    return len > 0;
}

/* Within single quotes; characters of `special` get a backslash. */
static void put_quoted(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            printf("'\\''");
        else
            printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
    }
}

static void put_first_words(void)
{
    for (size_t i = 0; command_at(i); i++)
        if (is_new(i))
            printf("%s%.*s", i > 0 ? " " : "", (int)first_len(command_at(i)),
                   command_at(i)->name);
}

static void put_bash(void)
{
    char words[128];

    printf("_keep() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command=${COMP_WORDS[1]} words=\n"
           "    if [[ $COMP_CWORD -eq 1 ]]; then\n        words='");
    put_first_words();
    printf(" --help --version'\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
           "    case $command in\n");
    for (size_t i = 0; command_at(i); i++)
        if (second(command_at(i)) && is_new(i)) {
            printf("    %.*s)\n        if [[ $COMP_CWORD -eq 2 ]]; then\n            words='",
                   (int)first_len(command_at(i)), command_at(i)->name);
            for (size_t k = i; command_at(k) && (k == i || !is_new(k)); k++)
                printf("%s%s", k > i ? " " : "", second(command_at(k)));
            printf("'\n            COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                   "            return\n        fi\n"
                   "        command=\"$command ${COMP_WORDS[2]}\" ;;\n");
        }
    printf("    esac\n    case \"$command $before\" in\n");
    for (size_t i = 0; command_at(i); i++)
        for (const struct option_row *row = command_at(i)->rows; row->name; row++)
            if (row->value && choices(row->value, words))
                printf("    '%s --%s') words='%s' ;;\n", command_at(i)->name, row->name,
                       words);
    printf("    esac\n    if [[ -z $words && $cur == -* ]]; then\n        case $command in\n");
    for (size_t i = 0; command_at(i); i++) {
        printf("        '%s') words='", command_at(i)->name);
        for (const struct option_row *row = command_at(i)->rows; row->name; row++)
            printf("%s--%s", row > command_at(i)->rows ? " " : "", row->name);
        printf("' ;;\n");
    }
    printf("        esac\n    fi\n"
           "    if [[ -n $words ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    else\n"
           "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
           "    fi\n}\ncomplete -o filenames -F _keep keep\n");
}

static void put_zsh_described(size_t from, bool seconds)
{
    for (size_t i = from; command_at(i) && (!seconds || i == from || !is_new(i)); i++) {
        const struct command *command = command_at(i);

        if (!seconds && !is_new(i))
            continue;
        printf(" '%.*s:", seconds ? (int)strlen(second(command)) : (int)first_len(command),
               seconds ? second(command) : command->name);
        put_quoted(!seconds && second(command) ? "several commands" : command->doc, "");
        printf("'");
    }
}

static void put_zsh(void)
{
    char words[128];

    printf("#compdef keep\n_keep() {\n    local command=$words[2]\n    local -a known\n"
           "    if (( CURRENT == 2 )); then\n        known=(");
    put_zsh_described(0, false);
    printf(
        " )\n        _describe command known\n        return\n    fi\n    case $command in\n");
    for (size_t i = 0; command_at(i); i++)
        if (second(command_at(i)) && is_new(i)) {
            printf("    %.*s)\n        if (( CURRENT == 3 )); then\n            known=(",
                   (int)first_len(command_at(i)), command_at(i)->name);
            put_zsh_described(i, true);
            printf(" )\n            _describe command known\n            return\n        fi\n"
                   "        command=\"$command $words[3]\" ;;\n");
        }
    printf("    esac\n    case $command in\n");
    for (size_t i = 0; command_at(i); i++) {
        printf("    '%s') _arguments", command_at(i)->name);
        for (const struct option_row *row = command_at(i)->rows; row->name; row++) {
            printf(" \\\n        '--%s[", row->name);
            put_quoted(row->doc, "[]\\");
            printf("]");
            if (row->value && choices(row->value, words))
                printf(":value:(%s)", words);
            else if (row->value)
                printf(":value:_files");
            printf("'");
        }
        printf(" \\\n        '*:file:_files' ;;\n");
    }
    printf("    esac\n}\ncompdef _keep keep\n");
}

static void put_fish_condition(const struct command *command)
{
    printf("-n '__fish_seen_subcommand_from %.*s", (int)first_len(command), command->name);
    if (second(command))
        printf("; and __fish_seen_subcommand_from %s", second(command));
    printf("'");
}

static void put_fish_options(const struct command *command)
{
    char words[128];

    for (const struct option_row *row = command->rows; row->name; row++) {
        printf("complete -c keep ");
        put_fish_condition(command);
        printf(" -l %s", row->name);
        if (row->letter)
            printf(" -s %c", row->letter);
        if (row->value && choices(row->value, words))
            printf(" -x -a '%s'", words);
        else if (row->value)
            printf(" -r");
        printf(" -d '");
        put_quoted(row->doc, "\\");
        printf("'\n");
    }
}

static void put_fish(void)
{
    for (size_t i = 0; command_at(i); i++) {
        const struct command *command = command_at(i);

        if (is_new(i)) {
            printf("complete -c keep -f -n __fish_use_subcommand -a %.*s -d '",
                   (int)first_len(command), command->name);
            put_quoted(second(command) ? "several commands" : command->doc, "\\");
            printf("'\n");
        }
        if (second(command)) {
            printf("complete -c keep -f -n '__fish_seen_subcommand_from %.*s' -a %s -d '",
                   (int)first_len(command), command->name, second(command));
            put_quoted(command->doc, "\\");
            printf("'\n");
        }
        put_fish_options(command);
    }
}

static const struct {
    const char *shell;
    void (*put)(void);
} shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

static enum status completions_run(char **words, int count, struct fault *why)
{
    struct completions_options options = {0};
    enum status status;

    if (!command_parse(&command_completions, &options, &options.help, words, &count, 1, 1,
                       &status, why))
        return status;
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(words[0], shells[i].shell) == 0) {
            shells[i].put();
            return STATUS_OK;
        }
    return command_status_of(
        fail(why, RC_USAGE, "completions: \"%s\" is none of bash, zsh and fish", words[0]));
}

const struct command command_completions = {
    .name = "completions",
    .operands = "bash|zsh|fish",
    .doc = "Prints a script with which a shell completes keep's words.",
    .rows = rows,
    .run = completions_run,
};
