/*
 * The directive expires: how long an answer stays fresh, as the fields Expires and Cache-Control say it
 * (RFC 9111, sections 5.2.2.1 and 5.3).
 */
#ifndef GATE_HEADERS_EXPIRES_H
#define GATE_HEADERS_EXPIRES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/span.h"

enum expires_kind {
    EXPIRES_OFF,
    EXPIRES_EPOCH,
    EXPIRES_MAX,
    EXPIRES_ACCESS,   /* from the moment of the answer */
    EXPIRES_MODIFIED, /* from Last-Modified, where the answer has one */
    EXPIRES_DAILY,    /* at a time of day, in the local time zone */
};

/* {0} is off. */
struct expires {
    enum expires_kind kind;
    int64_t seconds; /* may be negative */
};

/*
 * "epoch", "max", "off", "[+|-]TIME", "@TIME" (of the day); behind the word "modified", "[+|-]TIME" alone.
 * NULL, and *expires is written; or what is wrong with it, in nginx's words.
 */
const char *expires_parse(struct span text, bool modified, struct expires *expires);

/*
 * Both fields as lines. `now` in seconds since 1970, `modified` likewise: NULL where the answer has no
 * Last-Modified. Nothing for EXPIRES_OFF.
 */
void expires_write(const struct expires *expires, time_t now, const time_t *modified,
                   struct buffer *out);

#endif
