/* A passphrase that nobody has to invent. */
#ifndef KEEP_COMMAND_PASSPHRASE_H
#define KEEP_COMMAND_PASSPHRASE_H

#include "base/secret.h"

enum { PASSPHRASE_GROUPS = 7, PASSPHRASE_GROUP = 4 };

/*
 * 28 characters of an alphabet of 32 (no i, l, o, u), 140 bits, in groups of four with hyphens
 * between: "7kqd-...".
 */
enum rc passphrase_generate(struct secret *phrase, struct fault *why);

/*
 * On standard output, past stdio, whose buffer would keep it. Called before the volume depends
 * on it.
 *
 * RC_IO  nobody has seen all of it
 */
enum rc passphrase_show(const struct secret *phrase, struct fault *why);

#endif
