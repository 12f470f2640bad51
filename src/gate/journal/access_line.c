#include "gate/journal/access_line.h"

static const char upper_hex[] = "0123456789ABCDEF";

/* What a byte needs an escape in, as bits: 1 << enum journal_escape. */
enum { TEXT = 1 << JOURNAL_ESCAPE_DEFAULT, JSON = 1 << JOURNAL_ESCAPE_JSON };

static const uint8_t escapes[256] = {
    [0 ... 0x1f] = TEXT | JSON,
    ['"'] = TEXT | JSON,
    ['\\'] = TEXT | JSON,
    [0x7f ... 0xff] = TEXT,
};

static void add_default(struct buffer *out, uint8_t byte)
{
    const char text[] = {'\\', 'x', upper_hex[byte >> 4], upper_hex[byte & 15]};

    buffer_add(out, span_of(text, sizeof text));
}

static void add_json(struct buffer *out, uint8_t byte)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    const char letter = byte < 0x20 ? letters[byte] : (char)byte;
    const char with_letter[] = {'\\', letter};
    const char number[] = {'\\', 'u', '0', '0', upper_hex[byte >> 4], upper_hex[byte & 15]};

    buffer_add(out, letter ? span_of(with_letter, 2) : span_of(number, 6));
}

/* Runs of bytes that need nothing are copied at once. */
static void add_escaped(struct buffer *out, struct span value, unsigned which,
                        void add(struct buffer *out, uint8_t byte))
{
    while (value.len > 0 && !out->full) {
        size_t run = 0;

        while (run < value.len && !(escapes[value.at[run]] & which))
            run++;
        buffer_add(out, span_cut(&value, run));
        if (value.len > 0)
            add(out, *span_cut(&value, 1).at);
    }
}

void access_line_escape(enum journal_escape escape, struct span value, struct buffer *out)
{
    switch (escape) {
    case JOURNAL_ESCAPE_DEFAULT:
        add_escaped(out, value, TEXT, add_default);
        return;
    case JOURNAL_ESCAPE_JSON:
        add_escaped(out, value, JSON, add_json);
        return;
    case JOURNAL_ESCAPE_NONE:
        buffer_add(out, value);
        return;
    }
}

void access_line_write(const struct journal_format *format, void *subject, struct buffer *out)
{
    const struct template *line = &format->line;

    for (uint32_t i = 0; i < line->count && !out->full; i++) {
        const struct template_part *part = &line->parts[i];
        struct span value = {0};

        if (!part->variable)
            buffer_add(out, part->literal);
        else if (part->variable->get(subject, part->rest, part->variable->of, &value))
            access_line_escape(format->escape, value, out);
        else if (format->escape == JOURNAL_ESCAPE_DEFAULT)
            buffer_add_byte(out, '-');
    }
}
