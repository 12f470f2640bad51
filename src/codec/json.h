/*
 * JSON (RFC 8259), strictly: one object or array and nothing behind it, UTF-8, no member twice
 * in an object, no comments, a bounded depth. A value is owned by what contains it; json_close
 * takes the outermost.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/text.h"

struct json;

enum { JSON_DEPTH = 32 };

/* RC_FORMAT, with the offset of the first wrong byte; RC_MEMORY. */
enum rc json_parse(struct json **out, struct span text, struct fault *why);

/* Harmless on NULL. */
void json_close(struct json *json);

/* Every function below takes NULL for "not there", which is of no type and holds nothing. */
bool json_is_object(const struct json *json);
bool json_is_array(const struct json *json);

/* Members of an object or an array; 0 for other values. */
size_t json_count(const struct json *json);

/* A member of an object; NULL when there is none. */
struct json *json_get(const struct json *object, const char *name);

/* The i-th member (i < json_count); *name is its name in an object, and NULL in an array. */
struct json *json_at(const struct json *json, size_t i, const char **name);

/* NULL when it is not a string, or one with a NUL in it. */
const char *json_string(const struct json *json);

/* A whole number of 0 .. max; false for anything else. */
bool json_number(const struct json *json, uint64_t max, uint64_t *number);

/* The same, written as a string of decimal digits: what LUKS2 does with 64-bit numbers. */
bool json_decimal(const struct json *json, uint64_t max, uint64_t *number);

/* New values; NULL when there is no memory. */
struct json *json_new_object(void);
struct json *json_new_array(void);

/*
 * Put a value into an object, in the place of one of that name, or at the end of an array
 * (name NULL). False when there is no memory; json_put takes `value` over either way, and
 * fails when it or `into` is NULL.
 */
bool json_put(struct json *into, const char *name, struct json *value);
bool json_put_string(struct json *into, const char *name, const char *string);
bool json_put_number(struct json *into, const char *name, uint64_t number);
bool json_put_decimal(struct json *into, const char *name, uint64_t number);

void json_remove(struct json *object, const char *name);

/* Without spaces, added to `text`; text_ok tells of failures. */
void json_write(const struct json *json, struct text *text);

#endif
