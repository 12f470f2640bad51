#include "gate/journal/error_line.h"

#include <unistd.h>

#include "gate/journal/times.h"

static void add_visible(struct buffer *out, struct span text)
{
    static const char upper_hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len && !out->full; i++) {
        const uint8_t byte = text.at[i];
        const char escaped[] = {'\\', 'x', upper_hex[byte >> 4], upper_hex[byte & 15]};

        if (byte >= 0x20 && byte != 0x7f)
            buffer_add_byte(out, byte);
        else
            buffer_add(out, span_of(escaped, sizeof escaped));
    }
}

static void add_place(struct buffer *out, const char *key, struct span value,
                      const char *quote)
{
    if (value.len == 0)
        return;
    buffer_add_text(out, key);
    buffer_add_text(out, quote);
    add_visible(out, value);
    buffer_add_text(out, quote);
}

/* "2026/11/23 15:21:26 [error] 123#456: *7 " */
static void add_front(struct buffer *out, enum log_level level, uint64_t connection)
{
    const struct times *now = times_now();

    buffer_add(out, times_span(now->error));
    buffer_add_text(out, " [");
    buffer_add_text(out, log_level_name(level));
    buffer_add_text(out, "] ");
    buffer_add_number(out, (uint64_t)getpid());
    buffer_add_byte(out, '#');
    buffer_add_number(out, (uint64_t)gettid());
    buffer_add_text(out, ": ");
    if (connection == 0)
        return;
    buffer_add_byte(out, '*');
    buffer_add_number(out, connection);
    buffer_add_byte(out, ' ');
}

void error_line_write(enum log_level level, const struct journal_context *context,
                      struct span message, struct buffer *out)
{
    struct buffer line = buffer_over(out->at, out->size > 0 ? out->size - 1 : 0);

    add_front(&line, level, context ? context->connection : 0);
    add_visible(&line, message);
    if (context) {
        add_place(&line, ", client: ", context->client, "");
        if (context->client.len > 0 && context->server.len == 0)
            buffer_add_text(&line,
                            ", server: "); /* one without a name has its place all the same */
        add_place(&line, ", server: ", context->server, "");
        add_place(&line, ", request: ", context->request, "\"");
        add_place(&line, ", upstream: ", context->upstream, "\"");
        add_place(&line, ", host: ", context->host, "\"");
        add_place(&line, ", referrer: ", context->referrer, "\"");
    }
    out->len = line.len;
    out->full = line.full;
    buffer_add_byte(out, '\n');
}
