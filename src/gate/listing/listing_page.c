#include "gate/listing/listing.h"

#include <stdlib.h>

#include "gate/http/uri.h"
#include "gate/respond/http_date.h"

enum { NAME_WIDTH = 50, KILO = 1024, MEGA = 1024 * 1024, GIGA = 1024 * 1024 * 1024 };

static void add_escaped_html(struct text *out, struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        switch (name.at[i]) {
        case '<':
            text_add(out, SPAN("&lt;"));
            break;
        case '>':
            text_add(out, SPAN("&gt;"));
            break;
        case '&':
            text_add(out, SPAN("&amp;"));
            break;
        case '"':
            text_add(out, SPAN("&quot;"));
            break;
        default:
            text_add_char(out, (char)name.at[i]);
        }
    }
}

static void add_escaped_json(struct text *out, struct span name)
{
    static const char letters_of[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < 0x20 && letters_of[name.at[i]])
            text_printf(out, "\\%c", letters_of[name.at[i]]);
        else if (name.at[i] < 0x20)
            text_printf(out, "\\u00%02X", name.at[i]);
        else if (name.at[i] == '"' || name.at[i] == '\\')
            text_printf(out, "\\%c", name.at[i]);
        else
            text_add_char(out, (char)name.at[i]);
    }
}

static bool continues(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* How many letters of UTF-8; bytes where it is none. */
static size_t letters(struct span name)
{
    size_t count = 0;

    for (size_t i = 0; i < name.len; i++)
        count += !continues(name.at[i]);
    return count;
}

static struct span first_letters(struct span name, size_t count)
{
    size_t at = 0;

    while (at < name.len && (count > 0 || continues(name.at[at])))
        count -= !continues(name.at[at++]);
    return span_of(name.at, at);
}

/* "3M" in a column of seven. */
static void add_rounded(struct text *out, uint64_t size)
{
    static const struct {
        uint64_t from, unit;
        char letter;
    } scales[] = {{GIGA - 1, GIGA, 'G'}, {MEGA - 1, MEGA, 'M'}, {9999, KILO, 'K'}};

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (size <= scales[i].from)
            continue;
        size = size / scales[i].unit + (size % scales[i].unit > scales[i].unit / 2 - 1);
        text_printf(out, "%6llu%c", (unsigned long long)size, scales[i].letter);
        return;
    }
    text_printf(out, " %6llu", (unsigned long long)size);
}

static void add_link(struct text *out, const struct listing_entry *e, bool utf8)
{
    struct span name = span_text(e->name);
    size_t width = utf8 ? letters(name) : name.len;
    char *escaped = malloc(3 * name.len + 1);

    if (!escaped) {
        out->failed = true;
        return;
    }
    text_add(out, SPAN("<a href=\""));
    text_add(out, span_of(escaped, uri_escape(name, URI_ESCAPE_COMPONENT, escaped)));
    text_add(out, e->is_directory ? SPAN("/\">") : SPAN("\">"));
    free(escaped);
    if (width > NAME_WIDTH) {
        add_escaped_html(out, utf8 ? first_letters(name, NAME_WIDTH - 3)
                                   : span_of(name.at, NAME_WIDTH - 3));
        text_add(out, SPAN("..&gt;</a>"));
        return;
    }
    add_escaped_html(out, name);
    if (e->is_directory && width < NAME_WIDTH) {
        text_add_char(out, '/');
        width++;
    }
    text_add(out, SPAN("</a>"));
    text_printf(out, "%*s", (int)(NAME_WIDTH - width), "");
}

static void add_html_entry(struct text *out, const struct listing_entry *e,
                           const struct listing_form *form)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;

    if (form->local_time)
        localtime_r(&e->modified, &tm);
    else
        gmtime_r(&e->modified, &tm);
    add_link(out, e, form->utf8);
    text_printf(out, " %02d-%.3s-%d %02d:%02d ", tm.tm_mday, months + 3 * tm.tm_mon,
                tm.tm_year + 1900, tm.tm_hour, tm.tm_min);
    if (e->is_directory)
        text_printf(out, "%*s", form->exact_size ? 19 : 7, "-");
    else if (form->exact_size)
        text_printf(out, "%19llu", (unsigned long long)e->size);
    else
        add_rounded(out, e->size);
    text_add(out, SPAN("\r\n"));
}

static void write_html(const struct listing *listing, const struct listing_form *form,
                       struct span path, struct text *out)
{
    text_add(out, SPAN("<html>\r\n<head><title>Index of "));
    add_escaped_html(out, path);
    text_add(out, SPAN("</title></head>\r\n<body>\r\n<h1>Index of "));
    add_escaped_html(out, path);
    text_add(out, SPAN("</h1><hr><pre><a href=\"../\">../</a>\r\n"));
    for (size_t i = 0; i < listing->count; i++)
        add_html_entry(out, &listing->entries[i], form);
    text_add(out, SPAN("</pre><hr></body>\r\n</html>\r\n"));
}

static const char *kind(const struct listing_entry *e)
{
    return e->is_directory ? "directory" : e->is_file ? "file" : "other";
}

static void write_xml(const struct listing *listing, struct text *out)
{
    text_add(out, SPAN("<?xml version=\"1.0\"?>\r\n<list>\r\n"));
    for (size_t i = 0; i < listing->count; i++) {
        const struct listing_entry *e = &listing->entries[i];
        struct tm tm;

        gmtime_r(&e->modified, &tm);
        text_printf(out, "<%s mtime=\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", kind(e),
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                    tm.tm_sec);
        if (e->is_file)
            text_printf(out, " size=\"%llu\"", (unsigned long long)e->size);
        text_add_char(out, '>');
        add_escaped_html(out, span_text(e->name));
        text_printf(out, "</%s>\r\n", kind(e));
    }
    text_add(out, SPAN("</list>\r\n"));
}

static void write_json(const struct listing *listing, const struct listing_form *form,
                       struct text *out)
{
    if (form->callback.len > 0)
        text_printf(out, "/* callback */\r\n%.*s(", SPAN_ARG(form->callback));
    text_add(out, SPAN("[\r\n"));
    for (size_t i = 0; i < listing->count; i++) {
        const struct listing_entry *e = &listing->entries[i];
        char date[HTTP_DATE_LEN];

        http_date_format(e->modified, date);
        text_add(out, SPAN("{ \"name\":\""));
        add_escaped_json(out, span_text(e->name));
        text_printf(out, "\", \"type\":\"%s\", \"mtime\":\"%.*s\"", kind(e), HTTP_DATE_LEN,
                    date);
        if (e->is_file)
            text_printf(out, ", \"size\":%llu", (unsigned long long)e->size);
        text_add(out, i + 1 < listing->count ? SPAN(" },\r\n") : SPAN(" }\r\n"));
    }
    text_add_char(out, ']');
    if (form->callback.len > 0)
        text_add(out, SPAN(");"));
}

void listing_write(const struct listing *listing, const struct listing_form *form,
                   struct span path, struct text *out)
{
    switch (form->format) {
    case LISTING_HTML:
        write_html(listing, form, path, out);
        break;
    case LISTING_XML:
        write_xml(listing, out);
        break;
    case LISTING_JSON:
    case LISTING_JSONP:
        write_json(listing, form, out);
        break;
    }
}
