#include "gate/http/body.h"

#include "gate/http/head.h"

enum { SMALL_PIECE = 512 }; /* below it a copy is cheaper than a piece of its own */

static void add_piece(struct body_cut *cut, struct span piece)
{
    struct iovec *last = cut->count > 0 ? &cut->pieces[cut->count - 1] : NULL;

    cut->total += piece.len;
    if (last && piece.len < SMALL_PIECE) {
        memmove((uint8_t *)last->iov_base + last->iov_len, piece.at, piece.len);
        last->iov_len += piece.len;
        return;
    }
    cut->pieces[cut->count++] =
        (struct iovec){.iov_base = (void *)(uintptr_t)piece.at, .iov_len = piece.len};
}

static enum rc take_chunked(struct body *body, struct span *in, struct body_cut *cut,
                            struct buffer *trailer)
{
    while (cut->count < BODY_PIECES) {
        struct span piece = {0}, section = {0};
        enum rc rc = chunked_next(&body->chunked, in, &piece, trailer ? &section : NULL);

        if (section.len > 0)
            buffer_add(trailer, section);
        if (rc == RC_OK) {
            add_piece(cut, piece);
            continue;
        }
        body->done = rc == RC_END;
        return rc == RC_AGAIN ? RC_OK : rc;
    }
    return RC_OK;
}

enum rc body_take(struct body *body, struct span *in, struct body_cut *cut,
                  struct buffer *trailer)
{
    struct span piece;

    cut->count = 0;
    cut->total = 0;
    if (body->done)
        return RC_END;
    if (body->framing == FRAMING_CHUNKED)
        return take_chunked(body, in, cut, trailer);
    piece = span_cut(in, body->framing == FRAMING_LENGTH ? body->left : UINT64_MAX);
    if (piece.len > 0)
        add_piece(cut, piece);
    if (body->framing == FRAMING_LENGTH) {
        body->left -= piece.len;
        body->done = body->left == 0;
    }
    return body->done ? RC_END : RC_OK;
}

static struct iovec piece_of(struct span s)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)s.at, .iov_len = s.len};
}

int body_wrap(const struct body_cut *cut, bool last, struct span trailer, char line[BODY_LINE],
              struct iovec out[BODY_WRAPPED + 3])
{
    static const char digits[] = "0123456789abcdef";
    int n = 0;

    if (cut->total > 0) {
        size_t at = BODY_LINE;
        size_t size = cut->total;

        line[--at] = '\n';
        line[--at] = '\r';
        for (; size > 0; size >>= 4)
            line[--at] = digits[size & 15];
        out[n++] = (struct iovec){.iov_base = line + at, .iov_len = BODY_LINE - at};
        for (int i = 0; i < cut->count; i++)
            out[n++] = cut->pieces[i];
        out[n++] = piece_of(last ? SPAN("\r\n0\r\n") : SPAN("\r\n"));
    } else if (last) {
        out[n++] = piece_of(SPAN("0\r\n"));
    }
    if (last) {
        if (trailer.len > 0)
            out[n++] = piece_of(trailer);
        out[n++] = piece_of(SPAN("\r\n"));
    }
    return n;
}

/* Fields that a trailer section may not smuggle in. */
static bool is_forbidden(enum field_id id)
{
    static const uint8_t forbidden[FIELD_COUNT] = {
        [FIELD_AUTHORIZATION] = 1,
        [FIELD_CACHE_CONTROL] = 1,
        [FIELD_CONNECTION] = 1,
        [FIELD_CONTENT_ENCODING] = 1,
        [FIELD_CONTENT_LENGTH] = 1,
        [FIELD_CONTENT_RANGE] = 1,
        [FIELD_CONTENT_TYPE] = 1,
        [FIELD_COOKIE] = 1,
        [FIELD_DATE] = 1,
        [FIELD_EXPECT] = 1,
        [FIELD_EXPIRES] = 1,
        [FIELD_HOST] = 1,
        [FIELD_IF_MATCH] = 1,
        [FIELD_IF_MODIFIED_SINCE] = 1,
        [FIELD_IF_NONE_MATCH] = 1,
        [FIELD_IF_RANGE] = 1,
        [FIELD_IF_UNMODIFIED_SINCE] = 1,
        [FIELD_KEEP_ALIVE] = 1,
        [FIELD_LOCATION] = 1,
        [FIELD_PROXY_AUTHORIZATION] = 1,
        [FIELD_PROXY_CONNECTION] = 1,
        [FIELD_RANGE] = 1,
        [FIELD_SET_COOKIE] = 1,
        [FIELD_TE] = 1,
        [FIELD_TRAILER] = 1,
        [FIELD_TRANSFER_ENCODING] = 1,
        [FIELD_UPGRADE] = 1,
        [FIELD_VARY] = 1,
    };

    return forbidden[id];
}

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
              c == '_' || c == '.'))
            return false;
    }
    return name.len > 0;
}

static bool is_value(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.at[i] < 0x20 && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    return true;
}

void body_filter_trailer(struct span section, struct buffer *out)
{
    while (section.len > 0) {
        struct span line = span_cut(&section, span_find(section, '\n') + 1), value = line,
                    name;

        if (line.len < 2 || line.at[line.len - 2] != '\r')
            continue;
        value.len -= 2;
        if (span_find(value, ':') == value.len)
            continue;
        name = span_cut(&value, span_find(value, ':'));
        if (is_name(name) && is_value(value) && !is_forbidden(field_id_of(name)))
            buffer_add(out, line);
    }
}
