/* keep: encryption at rest. The subcommands are in command/. */
#include <stdio.h>
#include <string.h>

#include "keep/command/command.h"

static const struct command *const commands[] = {&command_create, &command_open,
                                                 &command_close, &command_status};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const char *name_at(size_t i, const void *of)
{
    (void)of;
    return i < COMMANDS ? commands[i]->name : NULL;
}

static enum status help(void)
{
    printf("Usage: keep COMMAND [OPTIONS] ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-8s %-22s %s\n", commands[i]->name, commands[i]->operands,
               commands[i]->doc);
    printf("\n'keep COMMAND --help' lists the options of a command; keep(1) says all the "
           "rest.\n");
    return STATUS_OK;
}

static enum status unknown(const char *word, struct fault *why)
{
    const char *near = options_nearest(word, name_at, NULL);

    return command_status_of(fail(why, RC_USAGE, "\"%s\" is no command%s%s%s", word,
                                  near ? "; did you mean \"" : "; 'keep --help' lists them",
                                  near ? near : "", near ? "\"?" : ""));
}

static enum status run(int argc, char **argv, struct fault *why)
{
    if (argc < 2)
        return command_status_of(
            fail(why, RC_USAGE, "a command is missing; 'keep --help' lists them"));
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("keep %s\n", KEEPGATE_VERSION);
        return STATUS_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(argv + 2, argc - 2, why);
    return unknown(argv[1], why);
}

int main(int argc, char **argv)
{
    struct fault why = {0};
    enum status status = run(argc, argv, &why);

    if (status == STATUS_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        status = STATUS_FAILED;
        snprintf(why.text, sizeof why.text, "standard output cannot be written");
    }
    if (status != STATUS_OK)
        fprintf(stderr, "keep: %s\n", why.text);
    return status;
}
