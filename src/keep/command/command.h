/* The subcommands of keep: a table, and what they share. */
#ifndef KEEP_COMMAND_COMMAND_H
#define KEEP_COMMAND_COMMAND_H

#include "base/options.h"

/* Exit statuses: keep(1) lists them. */
enum status {
    STATUS_OK = 0,
    STATUS_FAILED = 1,      /* any other failure */
    STATUS_USAGE = 2,       /* the command line is wrong, or an answer was no */
    STATUS_DENIED = 3,      /* wrong passphrase or key */
    STATUS_FOREIGN = 4,     /* not a LUKS volume */
    STATUS_DAMAGED = 5,     /* a LUKS volume that is damaged or cut off */
    STATUS_BUSY = 6,        /* already open, or still in use */
    STATUS_UNSUPPORTED = 7, /* well formed, and not something keep does */
};

struct command {
    const char *name;     /* one word, or two: "key add" */
    const char *operands; /* as --help shows them */
    const char *doc;
    const struct option_row *rows;
    /* The words behind the name. A status that is not OK has filled `why`. */
    enum status (*run)(char **words, int count, struct fault *why);
};

extern const struct command command_create, command_open, command_close, command_status,
    command_cat, command_key_list, command_key_add, command_key_change, command_key_remove,
    command_key_test, command_header_backup, command_header_restore, command_header_dump,
    command_header_check, command_header_repair, command_shred, command_encrypt,
    command_decrypt, command_reencrypt, command_ls, command_export, command_check;
extern const struct command command_bench, command_completions, command_convert,
    command_resize;

/* Every command of keep, those of one first word together; NULL after the last. */
const struct command *command_at(size_t index);

enum status command_status_of(enum rc rc);

/*
 * Takes the options out of the words; true when the command is to go on, with *count operands
 * left. With --help they are printed, and *status is OK.
 */
bool command_parse(const struct command *command, void *into, const bool *help, char **words,
                   int *count, int least, int most, enum status *status, struct fault *why);

/* One line about a step that takes long; nothing where there is no terminal. */
void command_progress(const char *text);

#define COMMAND_HELP_ROW(T)                                                                   \
    {                                                                                         \
        "help", 'h', NULL, "Show these lines.", offsetof(T, help)                             \
    }

#endif
