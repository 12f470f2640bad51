/* keep: encryption at rest. The subcommands are in command/. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/memory.h"
#include "keep/command/command.h"

static const struct command *const commands[] = {
    &command_create,      &command_open,          &command_close,
    &command_status,      &command_cat,           &command_ls,
    &command_export,      &command_check,         &command_key_list,
    &command_key_add,     &command_key_change,    &command_key_remove,
    &command_key_test,    &command_header_backup, &command_header_restore,
    &command_header_dump, &command_header_check,  &command_header_repair,
    &command_shred,       &command_encrypt,       &command_decrypt,
    &command_reencrypt,   &command_convert,       &command_bench,
    &command_completions, &command_resize,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const struct command *command_at(size_t index)
{
    return index < COMMANDS ? commands[index] : NULL;
}

static const char *name_at(size_t i, const void *of)
{
    (void)of;
    return i < COMMANDS ? commands[i]->name : NULL;
}

static enum status help(void)
{
    printf("Usage: keep COMMAND [OPTIONS] ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-14s %-20s %s\n", commands[i]->name, commands[i]->operands,
               commands[i]->doc);
    printf("\n'keep COMMAND --help' lists the options of a command; keep(1) says all the "
           "rest.\n");
    return STATUS_OK;
}

/* The words that a name takes, 1 or 2, or 0 where it is another. */
static int match(const char *name, char **words, int count)
{
    size_t first = strcspn(name, " ");

    if (count < 1 || strlen(words[0]) != first || strncmp(name, words[0], first) != 0)
        return 0;
    if (!name[first])
        return 1;
    return count > 1 && strcmp(name + first + 1, words[1]) == 0 ? 2 : 0;
}

static bool begins_command(const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strncmp(commands[i]->name, word, strlen(word)) == 0 &&
            commands[i]->name[strlen(word)] == ' ')
            return true;
    return false;
}

static enum status unknown(char **words, int count, struct fault *why)
{
    bool both = count > 1 && begins_command(words[0]);
    const char *near;
    char word[64];

    snprintf(word, sizeof word, "%s%s%s", words[0], both ? " " : "", both ? words[1] : "");
    near = options_nearest(word, name_at, NULL);

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
    for (size_t i = 0; i < COMMANDS; i++) {
        int taken = match(commands[i]->name, argv + 1, argc - 1);

        if (taken > 0)
            return commands[i]->run(argv + 1 + taken, argc - 1 - taken, why);
    }
    return unknown(argv + 1, argc - 1, why);
}

/* A fault may quote a header that anybody wrote: nothing in it may move a terminal. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

/*
 * A volume must never be opened as descriptor 0, 1 or 2: what is said would be written into it.
 * Who closed one gets an error where it is used, not an empty passphrase.
 */
static bool hold_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct fault why = {0};
    enum status status;

    if (!hold_streams())
        return STATUS_FAILED;
    status =
        memory_of_libraries(&why) == RC_OK ? run(argc, argv, &why) : command_status_of(why.rc);
    if (status == STATUS_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        status = STATUS_FAILED;
        snprintf(why.text, sizeof why.text, "standard output cannot be written");
    }
    make_plain(why.text);
    if (status != STATUS_OK)
        fprintf(stderr, "keep: %s\n", why.text);
    return status;
}
