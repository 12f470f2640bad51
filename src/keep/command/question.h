/* A question before something is lost. */
#ifndef KEEP_COMMAND_QUESTION_H
#define KEEP_COMMAND_QUESTION_H

#include <stdbool.h>

#include "base/fault.h"

/*
 * RC_OK for a yes: that of `yes` (--yes), or one that is typed. `place` is named where nothing
 * is done.
 *
 *   format  what will happen, as sentences: "v.img: ... ."
 *
 * RC_USAGE  another answer; or there is no terminal: the fault is the sentences, and --yes
 */
enum rc question_ask(const char *place, bool yes, struct fault *why, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
