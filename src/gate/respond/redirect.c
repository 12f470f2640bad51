#include "gate/respond/redirect.h"

#include "gate/http/uri.h"

static bool is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static void add_value(struct span value, struct buffer *out)
{
    static const char hex[] = "0123456789ABCDEF";

    while (value.len > 0) {
        size_t len = 0;

        while (len < value.len && !is_control(value.at[len]))
            len++;
        buffer_add(out, span_cut(&value, len));
        if (value.len > 0) {
            uint8_t byte = *span_cut(&value, 1).at;

            buffer_add_byte(out, '%');
            buffer_add_byte(out, (uint8_t)hex[byte >> 4]);
            buffer_add_byte(out, (uint8_t)hex[byte & 15]);
        }
    }
}

size_t redirect_size(const struct redirect_base *base, struct span to)
{
    enum { AROUND = 32 }; /* "https://" and ":65535" */
    size_t size = to.len + base->host.len + AROUND;

    for (size_t i = 0; i < to.len; i++)
        size += is_control(to.at[i]) ? 2 : 0;
    return size;
}

void redirect_write(const struct redirect_base *base, struct span to, struct buffer *out)
{
    if (base->absolute && to.len > 0 && to.at[0] == '/') {
        buffer_add(out, base->tls ? SPAN("https://") : SPAN("http://"));
        buffer_add(out, base->host);
        if (base->port != 0 && base->port != (base->tls ? 443 : 80)) {
            buffer_add_byte(out, ':');
            buffer_add_number(out, base->port);
        }
    }
    add_value(to, out);
}

void redirect_add_slash(struct span path, struct span args, struct buffer *out)
{
    if (path.len > (out->size - out->len) / 3) {
        out->full = true;
        return;
    }
    out->len += uri_escape(path, URI_ESCAPE_PATH, (char *)out->at + out->len);
    buffer_add_byte(out, '/');
    if (args.len > 0) {
        buffer_add_byte(out, '?');
        buffer_add(out, args);
    }
}
