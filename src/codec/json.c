#include "codec/json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include <json-c/json.h>

#include "base/units.h"

/* A struct json is json-c's object under our name. */
static struct json_object *theirs(const struct json *json)
{
    return (struct json_object *)(uintptr_t)json;
}

static struct json *ours(struct json_object *object)
{
    return (struct json *)(void *)object;
}

/* Outside of strings: "NaN", "Infinity", comments and single quotes, which the library knows,
 * are not. */
static bool may_stand_bare(uint8_t byte)
{
    return byte && strchr(" \t\r\n{}[]:,+-.0123456789eEtrufalsn", byte);
}

/*
 * Refuses the bytes that the library lets pass and JSON does not. Counts the colons outside of
 * strings on the way, which is one for each member.
 */
static enum rc scan(struct span text, size_t *colons, struct fault *why)
{
    bool quoted = false;

    *colons = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            quoted = !quoted;
        else if (quoted ? text.at[i] < ' ' : !may_stand_bare(text.at[i]))
            return fail(why, RC_FORMAT, "offset %zu: a byte that JSON does not allow here", i);
        else if (quoted && text.at[i] == '\\')
            i++;
        else if (!quoted && text.at[i] == ':')
            ++*colons;
    }
    return RC_OK;
}

static size_t count_members(struct json_object *object)
{
    size_t members = 0;

    if (json_object_is_type(object, json_type_object)) {
        json_object_object_foreach(object, name, value)
        {
            (void)name;
            members += 1 + count_members(value);
        }
    } else if (json_object_is_type(object, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(object); i++)
            members += count_members(json_object_array_get_idx(object, i));
    }
    return members;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* One value and nothing behind it, each of whose objects has a name once. */
static enum rc check_whole(struct json_object *object, struct span text, size_t end,
                           size_t colons, struct fault *why)
{
    while (end < text.len && is_space(text.at[end]))
        end++;
    if (end < text.len)
        return fail(why, RC_FORMAT, "offset %zu: bytes behind the end of the JSON text", end);
    if (!json_object_is_type(object, json_type_object) &&
        !json_object_is_type(object, json_type_array))
        return fail(why, RC_FORMAT, "the JSON text is not an object");
    if (colons != count_members(object))
        return fail(why, RC_FORMAT, "the JSON text has the same name twice in one object");
    return RC_OK;
}

enum rc json_parse(struct json **out, struct span text, struct fault *why)
{
    struct json_tokener *tokener;
    struct json_object *object;
    enum json_tokener_error error;
    size_t colons, end;
    enum rc rc;

    if (text.len > INT_MAX)
        return fail(why, RC_LIMIT, "a JSON text of %zu bytes is too long", text.len);
    if ((rc = scan(text, &colons, why)) != RC_OK)
        return rc;
    if (!(tokener = json_tokener_new_ex(JSON_DEPTH)))
        return fail(why, RC_MEMORY, "no memory to read JSON");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
                                        JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, (const char *)text.at, (int)text.len);
    error = json_tokener_get_error(tokener);
    end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success) {
        json_object_put(object);
        return fail(why, RC_FORMAT, "offset %zu: bad JSON: %s", end,
                    error == json_tokener_continue ? "it was cut off"
                                                   : json_tokener_error_desc(error));
    }
    if ((rc = check_whole(object, text, end, colons, why)) != RC_OK) {
        json_object_put(object);
        return rc;
    }
    *out = ours(object);
    return RC_OK;
}

void json_close(struct json *json)
{
    json_object_put(theirs(json));
}

bool json_is_object(const struct json *json)
{
    return json_object_is_type(theirs(json), json_type_object) && json;
}

bool json_is_array(const struct json *json)
{
    return json_object_is_type(theirs(json), json_type_array) && json;
}

size_t json_count(const struct json *json)
{
    if (json_is_object(json))
        return (size_t)json_object_object_length(theirs(json));
    return json_is_array(json) ? json_object_array_length(theirs(json)) : 0;
}

struct json *json_get(const struct json *object, const char *name)
{
    struct json_object *value = NULL;

    if (json_is_object(object))
        json_object_object_get_ex(theirs(object), name, &value);
    return ours(value);
}

struct json *json_at(const struct json *json, size_t i, const char **name)
{
    *name = NULL;
    if (json_is_array(json))
        return ours(json_object_array_get_idx(theirs(json), i));
    if (json_is_object(json)) {
        json_object_object_foreach(theirs(json), key, value)
        {
            if (i-- == 0) {
                *name = key;
                return ours(value);
            }
        }
    }
    return NULL;
}

const char *json_string(const struct json *json)
{
    const char *string;

    if (!json || !json_object_is_type(theirs(json), json_type_string))
        return NULL;
    string = json_object_get_string(theirs(json));
    return strlen(string) == (size_t)json_object_get_string_len(theirs(json)) ? string : NULL;
}

bool json_number(const struct json *json, uint64_t max, uint64_t *number)
{
    if (!json || !json_object_is_type(theirs(json), json_type_int) ||
        json_object_get_int64(theirs(json)) < 0)
        return false;
    if (json_object_get_uint64(theirs(json)) > max)
        return false;
    *number = json_object_get_uint64(theirs(json));
    return true;
}

bool json_decimal(const struct json *json, uint64_t max, uint64_t *number)
{
    const char *string = json_string(json);

    return string && units_parse_number(span_text(string), max, number) == RC_OK;
}

struct json *json_new_object(void)
{
    return ours(json_object_new_object());
}

struct json *json_new_array(void)
{
    return ours(json_object_new_array());
}

bool json_put(struct json *into, const char *name, struct json *value)
{
    bool put = into && value &&
               (name ? json_object_object_add(theirs(into), name, theirs(value))
                     : json_object_array_add(theirs(into), theirs(value))) == 0;

    if (!put)
        json_close(value);
    return put;
}

bool json_put_string(struct json *into, const char *name, const char *string)
{
    return json_put(into, name, ours(json_object_new_string(string)));
}

bool json_put_number(struct json *into, const char *name, uint64_t number)
{
    return json_put(into, name, ours(json_object_new_uint64(number)));
}

bool json_put_decimal(struct json *into, const char *name, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, number);
    return json_put_string(into, name, digits);
}

void json_remove(struct json *object, const char *name)
{
    json_object_object_del(theirs(object), name);
}

void json_write(const struct json *json, struct text *text)
{
    const char *string = json_object_to_json_string_ext(
        theirs(json), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

    if (string)
        text_add(text, span_text(string));
    else
        text->failed = true;
}
