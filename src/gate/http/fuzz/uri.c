/* Targets and authorities. A normal form has no more to resolve, and survives the way over the
 * wire. */
#include <assert.h>
#include <stdlib.h>

#include "gate/http/uri.h"

enum { INPUT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool has_dot_segment(const char *path)
{
    for (; (path = strchr(path, '/')); path++) {
        size_t len = strcspn(path + 1, "/");

        if ((len == 1 && path[1] == '.') || (len == 2 && path[1] == '.' && path[2] == '.'))
            return true;
    }
    return false;
}

static void check_path(struct span target, bool merge)
{
    static char escaped[3 * INPUT_MAX + 3], again[3 * INPUT_MAX + 3];
    char *path = malloc(target.len + 1);
    size_t len, again_len;
    struct span args;
    bool has_args, plain;

    assert(path);
    if (uri_normalise(target, merge, path, &len, &args, &has_args, &plain) == RC_OK) {
        enum rc rc;

        assert(len >= 1 && path[0] == '/' && path[len] == '\0' && strlen(path) == len);
        assert(!has_dot_segment(path) && !(merge && strstr(path, "//")));
        assert(has_args || args.len == 0);
        assert(!plain || span_starts(target, span_of(path, len)));
        len = uri_escape(span_of(path, len), URI_ESCAPE_PATH, escaped);
        rc = uri_normalise(span_of(escaped, len), merge, again, &again_len, &args, &has_args,
                           &plain);
        assert(rc == RC_OK && strcmp(again, path) == 0 && !has_args);
    }
    free(path);
}

static void check_host(struct span authority)
{
    char *host = malloc(authority.len + 1), *again = malloc(authority.len + 1);
    size_t len, again_len;

    assert(host && again);
    if (uri_host(authority, host, &len) == RC_OK) {
        enum rc rc = uri_host(span_of(host, len), again, &again_len);

        assert(len > 0 && len <= authority.len && rc == RC_OK);
        assert(span_equal(span_of(host, len), span_of(again, again_len)));
    }
    free(host);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    if (len > INPUT_MAX)
        return 0;
    check_path(span_of(at, len), true);
    check_path(span_of(at, len), false);
    check_host(span_of(at, len));
    return 0;
}
