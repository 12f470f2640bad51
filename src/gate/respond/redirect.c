#include "gate/respond/redirect.h"

#include "gate/http/uri.h"

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
    buffer_add(out, to);
}

void redirect_add_slash(struct span path, struct span args, bool has_args, struct buffer *out)
{
    if (path.len > (out->size - out->len) / 3) {
        out->full = true;
        return;
    }
    out->len += uri_escape(path, URI_ESCAPE_PATH, (char *)out->at + out->len);
    buffer_add_byte(out, '/');
    if (has_args) {
        buffer_add_byte(out, '?');
        buffer_add(out, args);
    }
}
