/*
 * Why a call failed, for a person: place first, then cause and remedy. Lives in the caller's frame
 * and never allocates.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdarg.h>

#include "base/rc.h"

struct fault {
    enum rc rc;
    char text[400];
};

/* Fills `why` (which may be NULL) and hands `rc` back, so that one line reports and returns. */
enum rc fail(struct fault *why, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": " and what errno says now at the end of the text. */
enum rc fail_errno(struct fault *why, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts a place in front of the text that is there: "PLACE: text". Returns why->rc. */
enum rc fault_at(struct fault *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
