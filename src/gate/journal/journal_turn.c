#include "gate/journal/journal_turn.h"

#include "gate/journal/journal.h"

void journal_turn_add(struct journal_turn *turn, struct journal_file *file, struct span line)
{
    if (turn->file != file || line.len > JOURNAL_TURN - turn->len)
        journal_turn_end(turn);
    if (line.len > JOURNAL_TURN) {
        (void)journal_append(file, JOURNAL_OWN_LEVEL, line);
        return;
    }
    turn->file = file;
    memcpy(turn->at + turn->len, line.at, line.len);
    turn->len += line.len;
}

void journal_turn_end(struct journal_turn *turn)
{
    if (turn->len > 0)
        (void)journal_append(turn->file, JOURNAL_OWN_LEVEL, span_of(turn->at, turn->len));
    turn->len = 0;
}
