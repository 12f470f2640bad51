#include "gate/visitor/userid.h"

#include <endian.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "gate/respond/http_date.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The last letter has bits behind the 128th, which are nobody's. */
enum rc userid_read(struct span value, struct userid *id)
{
    uint8_t bytes[sizeof id->parts + 1];
    size_t len = 0;
    uint32_t bits = 0;

    *id = (struct userid){0};
    if (value.len < USERID_LETTERS)
        return RC_LIMIT;
    for (size_t i = 0; i < USERID_LETTERS; i++) {
        const char *letter = value.at[i] ? strchr(letters, value.at[i]) : NULL;

        if (!letter)
            return RC_FORMAT;
        bits = bits << 6 | (uint32_t)(letter - letters);
        if (i % 4 != 0)
            bytes[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    memcpy(id->parts, bytes, sizeof id->parts);
    return RC_OK;
}

bool userid_has_mark(struct span value, char mark)
{
    return value.len > USERID_LETTERS + 1 && value.at[USERID_LETTERS] == (uint8_t)mark &&
           value.at[USERID_LETTERS + 1] == '=';
}

/* What tells this process from others, and from itself at another time. */
static uint32_t start_value(void)
{
    static _Atomic uint32_t value;
    uint32_t now = atomic_load(&value), none = 0;
    struct timeval wall;

    if (now)
        return now;
    gettimeofday(&wall, NULL);
    now = (uint32_t)(wall.tv_usec / 20) << 16 | ((uint32_t)getpid() & 0xffff) | 1;
    return atomic_compare_exchange_strong(&value, &none, now) ? now : none;
}

void userid_make(const struct userid_settings *s, const uint8_t local[4], time_t now,
                 struct userid *id)
{
    static _Atomic uint32_t made;
    const uint32_t next = atomic_fetch_add(&made, 1) % 0xfcfcfc; /* by 0x100 from the first */

    if (s->on == USERID_V1) {
        *id = (struct userid){
            {(uint32_t)s->service, (uint32_t)now, start_value(), 1 + (next << 8)}};
        return;
    }
    *id = (struct userid){{htobe32((uint32_t)s->service), htobe32((uint32_t)now),
                           htobe32(start_value()), htobe32(0x03030302 + (next << 8))}};
    if (!s->has_service)
        memcpy(&id->parts[0], local, sizeof id->parts[0]);
}

void userid_write(struct span name, const struct userid *id, struct buffer *out)
{
    char text[USERID_TEXT + 1];

    snprintf(text, sizeof text, "=%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32,
             id->parts[0], id->parts[1], id->parts[2], id->parts[3]);
    buffer_add(out, name);
    buffer_add_text(out, text);
}

static void add_value(const struct userid_settings *s, const struct userid *id,
                      struct buffer *out)
{
    const uint8_t *bytes = (const uint8_t *)id->parts;
    uint32_t bits = 0;

    for (size_t i = 0; i < sizeof id->parts; i++) {
        bits = bits << 8 | bytes[i];
        buffer_add_byte(out, (uint8_t)letters[bits >> (2 * (i % 3) + 2) & 63]);
        if (i % 3 == 2)
            buffer_add_byte(out, (uint8_t)letters[bits & 63]);
    }
    buffer_add_byte(out, (uint8_t)letters[bits << 4 & 63]);
    buffer_add_byte(out, (uint8_t)(s->mark ? s->mark : '='));
    buffer_add_byte(out, '=');
}

/* "; expires=Thu, 31-Dec-37 23:55:55 GMT": two digits of the year, up to that one. */
static void add_expires(time_t when, struct buffer *out)
{
    const size_t year = when > USERID_EXPIRES_MAX + 4 * 60 + 4 ? 12 : 14;
    char text[HTTP_DATE_LEN]; /* "Thu, 31 Dec 2037 23:55:55 GMT" */

    http_date_format(when, text);
    text[7] = text[11] = '-';
    buffer_add_text(out, "; expires=");
    buffer_add(out, span_of(text, 12));
    buffer_add(out, span_of(text + year, sizeof text - year));
}

static void add(struct buffer *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buffer_add_text(out, name);
    buffer_add(out, value);
}

void userid_write_fields(const struct userid_settings *s, const struct userid *id, time_t now,
                         struct buffer *out)
{
    static const char *const same_sites[] = {"", "; samesite=strict", "; samesite=lax",
                                             "; samesite=none"};

    buffer_add_text(out, "Set-Cookie: ");
    buffer_add(out, s->name);
    buffer_add_byte(out, '=');
    add_value(s, id, out);
    if (s->expires_max)
        add_expires(USERID_EXPIRES_MAX, out);
    else if (s->expires_s > 0)
        add_expires(now + (time_t)s->expires_s, out);
    add(out, "; domain=", s->domain);
    add(out, "; path=", s->path);
    if (s->flags & USERID_SECURE)
        buffer_add_text(out, "; secure");
    if (s->flags & USERID_HTTP_ONLY)
        buffer_add_text(out, "; httponly");
    buffer_add_text(out, same_sites[s->flags & USERID_SAME_SITE]);
    add(out, "\r\nP3P: ", s->p3p);
    buffer_add_text(out, "\r\n");
}
