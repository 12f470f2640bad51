/*
 * Lines of access logs that one turn of a loop has brought: written together when it ends, with one call for many. So a line is
 * late by no more than the turn in which its request ended, and that is all that a killed worker can lose.
 */
#ifndef GATE_JOURNAL_JOURNAL_TURN_H
#define GATE_JOURNAL_JOURNAL_TURN_H

#include "base/span.h"

struct journal_file;

enum { JOURNAL_TURN = 16 * 1024 };

/* {0} is an empty one. Of one thread. */
struct journal_turn {
    struct journal_file *file; /* of the lines that wait, which are of one file at a time */
    size_t len;
    uint8_t at[JOURNAL_TURN];
};

/* A line of another file than the last one's, or for which there is no room, has those before it written first. */
void journal_turn_add(struct journal_turn *turn, struct journal_file *file, struct span line);

static inline bool journal_turn_waits(const struct journal_turn *turn)
{
    return turn->len > 0;
}

/* Writes what waits. The files must still be there. */
void journal_turn_end(struct journal_turn *turn);

#endif
