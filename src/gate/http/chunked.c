#include "gate/http/chunked.h"

#include "gate/http/scan.h"

/*
 *  SIZE [GAP] [EXTENSION] SIZE_LF   then, when the size is not 0:
 *      DATA DATA_CR DATA_LF         and SIZE again; when it is 0:
 *      TRAILER (NAME VALUE FIELD_LF TRAILER)* LAST_LF DONE
 *
 * Each state is named for the byte that is awaited.
 */
enum state {
    SIZE,
    GAP,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    NAME,
    VALUE,
    FIELD_LF,
    LAST_LF,
    DONE,
};

enum {
    DIGITS_MAX = 15, /* of a size: it stays below 2^60 */
    LINE_MAX = 1024, /* bytes of framing between two pieces of body */
    TRAILER_MAX = 8192,
};

static bool go(struct chunked *c, enum state state)
{
    c->state = (uint8_t)state;
    return true;
}

static int hex_value(uint8_t byte)
{
    uint8_t letter = byte | 0x20;

    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool add_digit(struct chunked *c, int value)
{
    c->left = c->left << 4 | (unsigned)value;
    return ++c->digits <= DIGITS_MAX;
}

static bool after_size(struct chunked *c, uint8_t byte)
{
    if (byte == ' ' || byte == '\t')
        return go(c, GAP);
    if (byte == ';')
        return go(c, EXTENSION);
    return byte == '\r' && go(c, SIZE_LF);
}

/* Visible, and no separator that could make another line of it. */
static bool is_name_byte(uint8_t byte)
{
    return byte > 0x20 && byte < 0x7f && byte != ':';
}

/* Moves one byte of framing on; false when the byte cannot stand there. */
static bool step(struct chunked *c, uint8_t byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        if (hex_value(byte) >= 0)
            return add_digit(c, hex_value(byte));
        return c->digits > 0 && after_size(c, byte);
    case GAP:
        return after_size(c, byte); /* some origins fill the size up with blanks */
    case EXTENSION:
        return byte == '\r' ? go(c, SIZE_LF) : !scan_is_control(byte);
    case SIZE_LF:
        return byte == '\n' && go(c, c->left > 0 ? DATA : TRAILER);
    case DATA_CR:
        return byte == '\r' && go(c, DATA_LF);
    case DATA_LF:
        c->digits = 0;
        return byte == '\n' && go(c, SIZE);
    case TRAILER:
        return byte == '\r' ? go(c, LAST_LF) : is_name_byte(byte) && go(c, NAME);
    case NAME:
        return byte == ':' ? go(c, VALUE) : is_name_byte(byte);
    case VALUE:
        return byte == '\r' ? go(c, FIELD_LF) : !scan_is_control(byte);
    case FIELD_LF:
        return byte == '\n' && go(c, TRAILER);
    case LAST_LF:
        return byte == '\n' && go(c, DONE);
    case DATA:
    case DONE:
        break;
    }
    return false;
}

static bool in_trailer(const struct chunked *c)
{
    return c->state >= TRAILER && c->state < DONE;
}

/* Takes one byte of framing from `in`. */
static enum rc framing_take(struct chunked *c, struct span *in, struct span *trailer)
{
    bool trailing = in_trailer(c);
    struct span byte = span_cut(in, 1);

    if (++c->overhead > (trailing ? TRAILER_MAX : LINE_MAX))
        return RC_LIMIT;
    if (!step(c, *byte.at))
        return RC_FORMAT;
    if (trailing)
        *trailer = span_of(trailer->len > 0 ? trailer->at : byte.at, trailer->len + 1);
    else if (in_trailer(c))
        c->overhead = 0;
    return RC_OK;
}

enum rc chunked_next(struct chunked *c, struct span *in, struct span *body,
                     struct span *trailer)
{
    struct span seen = {0};
    enum rc rc = RC_OK;

    while (rc == RC_OK && in->len > 0 && c->state != DATA && c->state != DONE)
        rc = framing_take(c, in, &seen);
    if (trailer && seen.len > 0)
        *trailer = seen;
    if (rc != RC_OK)
        return rc;
    if (c->state == DONE)
        return RC_END;
    if (in->len == 0)
        return RC_AGAIN;
    *body = span_cut(in, c->left);
    c->left -= body->len;
    c->overhead = 0;
    if (c->left == 0)
        c->state = DATA_CR;
    return RC_OK;
}
