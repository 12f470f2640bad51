/* 'keep encrypt' of a directory: its plain files become an encrypted folder, in place. */
#ifndef KEEP_COMMAND_ENCRYPT_FOLDER_H
#define KEEP_COMMAND_ENCRYPT_FOLDER_H

#include "keep/command/command.h"
#include "keep/command/create_folder.h"

/* Begins, or goes on where it was stopped. */
enum status encrypt_folder(struct create_folder *what, bool yes, struct fault *why);

#endif
