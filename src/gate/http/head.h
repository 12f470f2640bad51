/*
 * The head of an HTTP/1 message: a first line and fields, as views into the bytes that were
 * received. Positions are offsets, so that the owner may move the bytes. Parsing is in
 * h1_request.h and h1_response.h.
 */
#ifndef GATE_HTTP_HEAD_H
#define GATE_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* Fields that some room asks for by name; the parsers recognise them. Order: field.c. */
enum field_id {
    FIELD_OTHER,
    FIELD_ACCEPT_ENCODING,
    FIELD_ACCEPT_RANGES,
    FIELD_AUTHORIZATION,
    FIELD_CACHE_CONTROL,
    FIELD_CONNECTION,
    FIELD_CONTENT_ENCODING,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_RANGE,
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_DATE,
    FIELD_ETAG,
    FIELD_EXPECT,
    FIELD_EXPIRES,
    FIELD_HOST,
    FIELD_IF_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_RANGE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_KEEP_ALIVE,
    FIELD_LAST_MODIFIED,
    FIELD_LOCATION,
    FIELD_ORIGIN,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_PROXY_CONNECTION,
    FIELD_RANGE,
    FIELD_REFERER,
    FIELD_REFRESH,
    FIELD_SERVER,
    FIELD_SET_COOKIE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_USER_AGENT,
    FIELD_VARY,
    FIELD_VIA,
    FIELD_X_ACCEL_BUFFERING,
    FIELD_X_ACCEL_CHARSET,
    FIELD_X_ACCEL_EXPIRES,
    FIELD_X_ACCEL_LIMIT_RATE,
    FIELD_X_ACCEL_REDIRECT,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_PAD,
    FIELD_COUNT
};

/* 16 bytes. Offsets count from the first byte of the head. */
struct field {
    uint32_t name, value;
    uint32_t value_len : 24, id : 8; /* enum field_id */
    uint16_t name_len;
};

enum { HEAD_MAX = 1 << 22 }; /* bytes; the owner's own limits are far below */

struct head {
    const uint8_t *at;    /* the first byte; the owner sets it anew when it moves the bytes */
    struct field *fields; /* the owner's array */
    uint32_t count, capacity;
    uint32_t len;                /* bytes up to and with the empty line, once parsed */
    uint16_t first[FIELD_COUNT]; /* 1 + the index of the first field of each id; 0: none */
    uint64_t repeated;           /* bit 1 << id: that field came more than once */
};

static inline struct span field_name(const struct head *head, const struct field *field)
{
    return span_of(head->at + field->name, field->name_len);
}

static inline struct span field_value(const struct head *head, const struct field *field)
{
    return span_of(head->at + field->value, field->value_len);
}

static inline bool head_has(const struct head *head, enum field_id id)
{
    return head->first[id] != 0;
}

static inline bool head_repeats(const struct head *head, enum field_id id)
{
    return head->repeated >> id & 1;
}

/* The first field with that id, or NULL. */
static inline const struct field *head_find(const struct head *head, enum field_id id)
{
    return head->first[id] ? &head->fields[head->first[id] - 1] : NULL;
}

/* Which id a name has, in any case of letters; FIELD_OTHER for one that is not in the list. */
enum field_id field_id_of(struct span name);

/* The canonical spelling: "Content-Length". Empty for FIELD_OTHER. */
struct span field_id_name(enum field_id id);

/* Without the blanks (spaces and tabs) around it. */
struct span field_trim(struct span s);

/*
 * Walks the members of a comma-separated list, without the blanks around them and without
 * empty ones: false after the last. `list` is cut as it goes. A comma inside a quoted string
 * is part of a member.
 */
bool field_list_next(struct span *list, struct span *member);

#endif
