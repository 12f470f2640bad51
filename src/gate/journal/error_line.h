/* One line of an error log, as nginx writes it. */
#ifndef GATE_JOURNAL_ERROR_LINE_H
#define GATE_JOURNAL_ERROR_LINE_H

#include "base/buffer.h"
#include "gate/journal/journal.h"

/*
 * The line with its newline, cut to the buffer's size. `context` may be NULL. Control bytes become
 * \xXX, so that nothing a client sent can look like a line of its own.
 */
void error_line_write(enum log_level level, const struct journal_context *context,
                      struct span message, struct buffer *out);

#endif
