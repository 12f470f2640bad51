#include "keep/command/command.h"

#include <stdio.h>
#include <unistd.h>

enum status command_status_of(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return STATUS_OK;
    case RC_USAGE:
        return STATUS_USAGE;
    case RC_DENIED:
        return STATUS_DENIED;
    case RC_FORMAT:
    case RC_TRUNCATED:
        return STATUS_DAMAGED;
    case RC_BUSY:
        return STATUS_BUSY;
    case RC_UNSUPPORTED:
    case RC_LIMIT:
        return STATUS_UNSUPPORTED;
    case RC_AGAIN:
    case RC_END:
    case RC_IO:
    case RC_MEMORY:
    case RC_NOT_FOUND:
        break;
    }
    return STATUS_FAILED;
}

static void print_help(const struct command *command)
{
    printf("Usage: keep %s%s%s [OPTIONS]\n%s\n\n", command->name,
           command->operands[0] ? " " : "", command->operands, command->doc);
    options_print(command->rows);
}

bool command_parse(const struct command *command, void *into, const bool *help, char **words,
                   int *count, int least, int most, enum status *status, struct fault *why)
{
    enum rc rc = options_parse(command->rows, into, words, count, why);

    if (rc != RC_OK) {
        *status = command_status_of(fault_at(why, "%s", command->name));
        return false;
    }
    if (*help) {
        print_help(command);
        *status = STATUS_OK;
        return false;
    }
    if (*count < least || *count > most) {
        *status =
            command_status_of(fail(why, RC_USAGE, "%s: %s; usage: keep %s %s", command->name,
                                   *count < least ? "a word is missing" : "too many words",
                                   command->name, command->operands));
        return false;
    }
    return true;
}

void command_progress(const char *text)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "%s\n", text);
}
