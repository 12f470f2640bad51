#include "gate/respond/status.h"

#define NGINX_VERSION "1.31.5" /* whose behaviour gate shows when it is called nginx */

struct status {
    uint16_t code;
    struct span text;  /* on the status line; empty: no phrase */
    struct span title; /* of the page; empty: no page */
    struct span note;  /* a line below the title; the page then has the heading of a 400 */
};

/* The phrase, and a page with the same words. */
#define PAGE(code, words)                                                                     \
    {                                                                                         \
        code, SPAN(#code " " words), SPAN(#code " " words),                                   \
        {                                                                                     \
            0                                                                                 \
        }                                                                                     \
    }
/* The phrase alone. */
#define BARE(code, words)                                                                     \
    {                                                                                         \
        code, SPAN(#code " " words), {0},                                                     \
        {                                                                                     \
            0                                                                                 \
        }                                                                                     \
    }
/* Answered as 400, with a page that says why. */
#define WHY(code, words)                                                                      \
    {                                                                                         \
        code, {0}, SPAN("400 " words), SPAN(words)                                            \
    }

static const struct status statuses[] = {
    BARE(100, "Continue"),
    BARE(101, "Switching Protocols"),
    BARE(103, "Early Hints"),
    BARE(200, "OK"),
    BARE(201, "Created"),
    BARE(202, "Accepted"),
    BARE(204, "No Content"),
    BARE(206, "Partial Content"),
    PAGE(301, "Moved Permanently"),
    {302, SPAN("302 Moved Temporarily"), SPAN("302 Found"), {0}},
    PAGE(303, "See Other"),
    BARE(304, "Not Modified"),
    PAGE(307, "Temporary Redirect"),
    PAGE(308, "Permanent Redirect"),
    PAGE(400, "Bad Request"),
    {401, SPAN("401 Unauthorized"), SPAN("401 Authorization Required"), {0}},
    PAGE(402, "Payment Required"),
    PAGE(403, "Forbidden"),
    PAGE(404, "Not Found"),
    PAGE(405, "Not Allowed"),
    PAGE(406, "Not Acceptable"),
    PAGE(408, "Request Time-out"),
    PAGE(409, "Conflict"),
    PAGE(410, "Gone"),
    PAGE(411, "Length Required"),
    PAGE(412, "Precondition Failed"),
    PAGE(413, "Request Entity Too Large"),
    PAGE(414, "Request-URI Too Large"),
    PAGE(415, "Unsupported Media Type"),
    PAGE(416, "Requested Range Not Satisfiable"),
    PAGE(421, "Misdirected Request"),
    PAGE(429, "Too Many Requests"),
    WHY(494, "Request Header Or Cookie Too Large"),
    WHY(495, "The SSL certificate error"),
    WHY(496, "No required SSL certificate was sent"),
    WHY(497, "The plain HTTP request was sent to HTTPS port"),
    {498, {0}, SPAN("404 Not Found"), {0}},
    PAGE(500, "Internal Server Error"),
    PAGE(501, "Not Implemented"),
    PAGE(502, "Bad Gateway"),
    PAGE(503, "Service Temporarily Unavailable"),
    PAGE(504, "Gateway Time-out"),
    PAGE(505, "HTTP Version Not Supported"),
    PAGE(507, "Insufficient Storage"),
};

static const struct status *find(unsigned code)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].code == code)
            return &statuses[i];
    return NULL;
}

unsigned status_on_wire(unsigned code)
{
    return code >= STATUS_HEADER_TOO_LARGE && code <= STATUS_TO_HTTPS ? 400 : code;
}

struct span status_text(unsigned code)
{
    const struct status *status = find(status_on_wire(code));

    return status ? status->text : (struct span){0};
}

void status_write(unsigned code, struct buffer *out)
{
    struct span text = status_text(code);

    if (text.len > 0) {
        buffer_add(out, text);
        return;
    }
    status_write_number(status_on_wire(code), out);
    buffer_add_byte(out, ' ');
}

void status_write_number(unsigned code, struct buffer *out)
{
    buffer_add_byte(out, (uint8_t)('0' + code / 100 % 10));
    buffer_add_byte(out, (uint8_t)('0' + code / 10 % 10));
    buffer_add_byte(out, (uint8_t)('0' + code % 10));
}

bool status_ends_connection(unsigned code)
{
    switch (code) {
    case 400:
    case 413:
    case 414:
    case STATUS_HEADER_TOO_LARGE:
    case STATUS_CERTIFICATE_ERROR:
    case STATUS_NO_CERTIFICATE:
    case STATUS_TO_HTTPS:
    case 500:
    case 501:
    case 505:
        return true;
    default:
        return status_is_silent(code);
    }
}

bool status_is_silent(unsigned code)
{
    return code == 408 || code == STATUS_CLOSE || code == STATUS_CLIENT_CLOSED;
}

struct span status_server(bool as_nginx, bool tokens)
{
    if (as_nginx)
        return tokens ? SPAN("nginx/" NGINX_VERSION) : SPAN("nginx");
    return tokens ? SPAN("gate/" KEEPGATE_VERSION) : SPAN("gate");
}

/* Without them, old browsers showed a page of their own for a body below 512 bytes. */
static void add_padding(struct buffer *out)
{
    for (int i = 0; i < 6; i++)
        buffer_add_text(
            out, "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n");
}

void status_page(unsigned code, struct span server, bool padding, struct buffer *out)
{
    const struct status *status = find(code);

    if (!status || status->title.len == 0)
        return;
    buffer_add_text(out, "<html>\r\n<head><title>");
    buffer_add(out, status->title);
    buffer_add_text(out, "</title></head>\r\n<body>\r\n<center><h1>");
    buffer_add(out, status->note.len > 0 ? SPAN("400 Bad Request") : status->title);
    buffer_add_text(out, "</h1></center>\r\n");
    if (status->note.len > 0) {
        buffer_add_text(out, "<center>");
        buffer_add(out, status->note);
        buffer_add_text(out, "</center>\r\n");
    }
    buffer_add_text(out, "<hr><center>");
    buffer_add(out, server);
    buffer_add_text(out, "</center>\r\n</body>\r\n</html>\r\n");
    if (padding && code >= 400)
        add_padding(out);
}
