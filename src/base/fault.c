#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set(struct fault *why, enum rc rc, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void set(struct fault *why, enum rc rc, const char *format, va_list args)
{
    char text[sizeof why->text]; /* an argument may be the old text */

    vsnprintf(text, sizeof text, format, args);
    why->rc = rc;
    memcpy(why->text, text, sizeof text);
}

enum rc fail(struct fault *why, enum rc rc, const char *format, ...)
{
    va_list args;

    if (why) {
        va_start(args, format);
        set(why, rc, format, args);
        va_end(args);
    }
    return rc;
}

enum rc fail_errno(struct fault *why, enum rc rc, const char *format, ...)
{
    int cause = errno;
    va_list args;

    if (why) {
        size_t len;

        va_start(args, format);
        set(why, rc, format, args);
        va_end(args);
        len = strlen(why->text);
        snprintf(why->text + len, sizeof why->text - len, ": %s", strerror(cause));
    }
    return rc;
}

enum rc fault_at(struct fault *why, const char *format, ...)
{
    char text[sizeof why->text];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof text) {
        int more = snprintf(text + len, sizeof text - (size_t)len, ": %s", why->text);

        if (more >= 0)
            memcpy(why->text, text, sizeof text);
    }
    return why->rc;
}
