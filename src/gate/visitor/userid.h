/*
 * The identifier that "userid" gives a client, in a cookie: 16 bytes in base64, as nginx and mod_uid of Apache write
 * and read them. Knows no request.
 */
#ifndef GATE_VISITOR_USERID_H
#define GATE_VISITOR_USERID_H

#include <stdbool.h>
#include <time.h>

#include "base/buffer.h"
#include "gate/visitor/visitor_settings.h"

enum {
    USERID_LETTERS = 22,                 /* of the value, that count; two more follow */
    USERID_TEXT = 32 + 1,                /* '=' and hexadecimal digits, behind the name */
    USERID_COOKIE = 24 + 64 + 3 * 32 + 8 /* bytes of a cookie besides what the settings give */
};

/* All zeroes in the last part: none. Each part is as it stands in memory of nginx. */
struct userid {
    uint32_t parts[4];
};

static inline bool userid_is_set(const struct userid *id)
{
    return id->parts[3] != 0;
}

/* The value of a cookie, whatever follows its 22 letters. RC_LIMIT: it is too short; RC_FORMAT: other letters. */
enum rc userid_read(struct span value, struct userid *id);

/* Does the cookie's value have that mark, where its padding begins? */
bool userid_has_mark(struct span value, char mark);

/* One that no other client gets. `local`: the 4 bytes of the address that it came to. */
void userid_make(const struct userid_settings *s, const uint8_t local[4], time_t now,
                 struct userid *id);

/* "NAME=" and 32 digits: $uid_got, $uid_set. */
void userid_write(struct span name, const struct userid *id, struct buffer *out);

/* The lines Set-Cookie and P3P. */
void userid_write_fields(const struct userid_settings *s, const struct userid *id, time_t now,
                         struct buffer *out);

#endif
