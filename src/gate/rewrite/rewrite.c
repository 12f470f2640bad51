#include "gate/rewrite/rewrite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "gate/conf/regex.h"
#include "gate/http/uri.h"

/* ---- texts ---- */

static bool is_number(const struct variable *v)
{
    return v->name[0] >= '1' && v->name[0] <= '9' && v->name[1] == '\0';
}

/* $1: as it is, or as the value of an argument. */
static void add_capture(struct rewrite_turn *turn, unsigned number, bool escaped,
                        struct buffer *out)
{
    struct span value;

    if (!captures_number(turn->captures, number, &value))
        return;
    if (!escaped || !turn->is_escaped) {
        buffer_add(out, value);
        return;
    }
    if (value.len > (out->size - out->len) / 3) {
        out->full = true;
        return;
    }
    out->len += uri_escape(value, URI_ESCAPE_ARGS, (char *)out->at + out->len);
}

/* Writes a text; the first '?' of its literal parts is left out and *split is where it stood, unless NULL. */
static void write_text(struct rewrite_turn *turn, const struct template *t, bool escaped,
                       size_t *split, struct buffer *out)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct template_part *part = &t->parts[i];
        struct span value = part->literal;

        if (part->variable && is_number(part->variable)) {
            add_capture(turn, (unsigned)part->variable->name[0] - '0', escaped, out);
            continue;
        }
        if (part->variable &&
            !part->variable->get(turn->subject, part->rest, part->variable->of, &value))
            continue;
        if (!part->variable && split && *split == SIZE_MAX &&
            span_find(value, '?') < value.len) {
            buffer_add(out, span_cut(&value, span_find(value, '?')));
            span_cut(&value, 1);
            *split = out->len;
            escaped = true;
        }
        buffer_add(out, value);
    }
}

/* For rewrite_log. */
static __attribute__((format(printf, 2, 3))) void tell(struct rewrite_turn *turn,
                                                       const char *format, ...)
{
    char text[512];
    va_list args;

    if (!turn->log)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    turn->tell(turn->subject, false, text);
}

static enum rewrite_verdict failed(struct rewrite_turn *turn, const char *what)
{
    turn->tell(turn->subject, true, what);
    return REWRITE_FAILED;
}

static bool keep(struct rewrite_turn *turn, const struct buffer *text, struct span *kept)
{
    *kept = !text->full ? arena_copy(turn->arena, buffer_span(text)) : (struct span){0};
    return kept->at != NULL;
}

/* ---- rewrite ---- */

static int hex_value(uint8_t byte)
{
    uint8_t letter = byte | 0x20;

    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Takes the escapes that a Location does not need off its path, in place: nginx's form. */
static void unescape(struct buffer *text)
{
    size_t len = 0, i = 0;

    for (; i < text->len && text->at[i] != '?'; i++) {
        int high = i + 2 < text->len ? hex_value(text->at[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text->at[i + 2]) : -1;
        int byte = low >= 0 ? high << 4 | low : 0;

        if (text->at[i] == '%' && byte > '%' && byte < 0x7f) {
            text->at[len++] = (uint8_t)byte;
            i += 2;
            if (byte == '?') {
                i++;
                break;
            }
        } else {
            text->at[len++] = text->at[i];
        }
    }
    memmove(text->at + len, text->at + i, text->len - i);
    text->len -= i - len;
}

static enum rewrite_verdict redirect(const struct rewrite_code *code,
                                     struct rewrite_turn *turn)
{
    struct buffer *out = &turn->scratch;

    write_text(turn, &code->text, true, NULL, out);
    unescape(out);
    if (!code->drops_args && turn->args->len > 0) {
        buffer_add_byte(out, code->has_args ? '&' : '?');
        buffer_add(out, *turn->args);
    }
    if (!keep(turn, out, &turn->location))
        return failed(turn, "the text of a rewrite is too long");
    tell(turn, "rewritten redirect: \"%.*s\"", SPAN_ARG(turn->location));
    turn->answer = code;
    return REWRITE_REDIRECT;
}

static enum rewrite_verdict change_path(const struct rewrite_code *code,
                                        struct rewrite_turn *turn)
{
    struct buffer *out = &turn->scratch;
    size_t split = SIZE_MAX;
    struct span whole, path, args = {.at = turn->args->at};

    write_text(turn, &code->text, false, &split, out);
    if (split != SIZE_MAX && !code->drops_args && turn->args->len > 0) {
        buffer_add_byte(out, '&');
        buffer_add(out, *turn->args);
    }
    if (!keep(turn, out, &whole))
        return failed(turn, "the text of a rewrite is too long");
    path = whole;
    if (split != SIZE_MAX) {
        path = span_cut(&whole, split);
        args = whole;
    } else if (!code->drops_args) {
        args = *turn->args;
    }
    *turn->args = args;
    tell(turn, "rewritten data: \"%.*s\", args: \"%.*s\"", SPAN_ARG(path), SPAN_ARG(args));
    if (path.len == 0)
        return failed(turn, "the rewritten URI has a zero length");
    *turn->path = path;
    return REWRITE_DONE;
}

static bool match(const struct regex *regex, struct span pattern, struct span subject,
                  struct rewrite_turn *turn)
{
    struct captures found; /* large, and mostly not needed */

    if (!regex_match(regex, subject, found.at, CAPTURES_MAX, &found.count)) {
        if (turn->log)
            tell(turn, "\"%.*s\" does not match \"%.*s\"", SPAN_ARG(pattern),
                 SPAN_ARG(subject));
        turn->matched(turn->subject);
        turn->captures->regex =
            NULL; /* $1 is of the last expression, also where that did not fit */
        turn->captures->count = 0;
        return false;
    }
    tell(turn, "\"%.*s\" matches \"%.*s\"", SPAN_ARG(pattern), SPAN_ARG(subject));
    turn->matched(turn->subject);
    found.subject = subject;
    found.regex = regex;
    *turn->captures = found;
    return true;
}

static enum rewrite_verdict rewrite(const struct rewrite_code *code, struct rewrite_turn *turn,
                                    bool *matched, bool *ends)
{
    *matched = match(code->regex, code->pattern, *turn->path, turn);
    if (!*matched)
        return REWRITE_DONE;
    turn->rewritten = true;
    *ends = code->then != REWRITE_GO_ON;
    if (code->then == REWRITE_AWAY)
        return redirect(code, turn);
    turn->searches = code->then != REWRITE_STAY;
    turn->left = turn->left || code->then == REWRITE_STAY;
    return change_path(code, turn);
}

/* ---- the others ---- */

static enum rewrite_verdict set(const struct rewrite_code *code, struct rewrite_turn *turn,
                                bool escaped)
{
    struct span value;

    write_text(turn, &code->text, escaped, NULL, &turn->scratch);
    if (!keep(turn, &turn->scratch, &value))
        return failed(turn, "the value of a \"set\" is too long");
    turn->set(turn->subject, code->variable, value);
    return REWRITE_DONE;
}

/* ---- if ---- */

static enum rewrite_verdict text_of(struct rewrite_turn *turn, const struct template *t,
                                    bool escaped, struct span *text)
{
    turn->scratch.len = 0;
    write_text(turn, t, escaped, NULL, &turn->scratch);
    return keep(turn, &turn->scratch, text) ? REWRITE_DONE
                                            : failed(turn, "a text of an \"if\" is too long");
}

static int look(const struct rewrite_turn *turn, struct span path, struct stat *found)
{
    const char *text = (const char *)path.at; /* a kept text has a NUL behind it */

    errno = ENOENT;
    if (memchr(path.at, 0, path.len))
        return -1;
    return turn->look ? turn->look(turn->subject, text, found) : stat(text, found);
}

static bool test_file(const struct rewrite_code *code, struct rewrite_turn *turn,
                      struct span path)
{
    char text[512];
    struct stat found;

    if (look(turn, path, &found) != 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG) {
            snprintf(text, sizeof text, "stat() \"%.*s\" failed (%d: %s)", SPAN_ARG(path),
                     errno, strerror(errno));
            turn->tell(turn->subject, true, text);
        }
        return false;
    }
    switch (code->test) {
    case REWRITE_IS_FILE:
        return S_ISREG(found.st_mode);
    case REWRITE_IS_DIRECTORY:
        return S_ISDIR(found.st_mode);
    case REWRITE_IS_EXECUTABLE:
        return found.st_mode & S_IXUSR;
    default:
        return true;
    }
}

static enum rewrite_verdict test(const struct rewrite_code *code, struct rewrite_turn *turn,
                                 bool *holds)
{
    struct span operand = {0}, text = {0};
    enum rewrite_verdict verdict;

    if ((verdict = text_of(turn, &code->operand, false, &operand)) != REWRITE_DONE ||
        (verdict = text_of(turn, &code->text, !turn->rewritten, &text)) != REWRITE_DONE)
        return verdict;
    switch (code->test) {
    case REWRITE_IS_TRUE:
        *holds = operand.len > 0 && !span_equal(operand, SPAN("0"));
        break;
    case REWRITE_EQUALS:
        *holds = span_equal(operand, text);
        break;
    case REWRITE_MATCHES:
        *holds = match(code->regex, code->pattern, operand, turn);
        break;
    case REWRITE_IS_FILE:
    case REWRITE_IS_DIRECTORY:
    case REWRITE_EXISTS:
    case REWRITE_IS_EXECUTABLE:
        *holds = test_file(code, turn, text);
        break;
    }
    *holds = *holds != code->negative;
    return REWRITE_DONE;
}

enum rewrite_verdict rewrite_run(const struct rewrite_code *codes, size_t count,
                                 struct rewrite_turn *turn)
{
    enum rewrite_verdict verdict = REWRITE_DONE;
    bool ends = false, held = true;

    for (size_t i = 0; i < count && !ends && verdict == REWRITE_DONE; i++) {
        const struct rewrite_code *code = &codes[i];

        turn->scratch.len = 0;
        turn->scratch.full = false;
        held = true;
        switch (code->kind) {
        case REWRITE_SET:
            verdict = set(code, turn, !turn->rewritten);
            break;
        case REWRITE_PATH:
            verdict = rewrite(code, turn, &held, &ends);
            break;
        case REWRITE_BREAK:
            turn->searches = false;
            ends = true;
            break;
        case REWRITE_IF:
            verdict = test(code, turn, &held);
            if (!held)
                i += code->skip;
            else if (code->enters)
                turn->enter(turn->subject, code->enters);
            break;
        case REWRITE_RETURN:
            turn->answer = code;
            verdict = REWRITE_ANSWER;
            break;
        }
        if (turn->ran)
            turn->ran(turn->subject, code, held);
    }
    return verdict;
}
