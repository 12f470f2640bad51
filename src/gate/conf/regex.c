#include "gate/conf/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

#include "gate/conf/regex_prefix.h"

enum {
    PAIRS_MAX = 64,
    STEPS_MAX = 1000000, /* of backtracking, before a match is given up */
    HEAP_MAX_KIB = 32 * 1024,
    SUBJECT_MAX = 1 << 30,
    PREFIX_MAX = 46,
};

struct regex {
    pcre2_code *code;
    const uint8_t *names; /* entries of names_size bytes: number (2, big-endian), name, NUL */
    uint32_t names_count, names_size;
    uint8_t prefix_len; /* a subject that does not begin with it does not match */
    uint8_t prefix[PREFIX_MAX];
};

/* What a thread keeps for its matches. */
static pthread_key_t match_key;
static pthread_once_t match_once = PTHREAD_ONCE_INIT;
static pcre2_match_context *match_context;
static _Thread_local uint64_t given_up;

static void match_data_free(void *data)
{
    pcre2_match_data_free(data);
}

static void match_init(void)
{
    if (pthread_key_create(&match_key, match_data_free) != 0)
        abort();
    match_context = pcre2_match_context_create(NULL);
    if (match_context) {
        pcre2_set_match_limit(match_context, STEPS_MAX);
        pcre2_set_depth_limit(match_context, STEPS_MAX);
        pcre2_set_heap_limit(match_context, HEAP_MAX_KIB);
    }
}

static pcre2_match_data *match_data(void)
{
    pcre2_match_data *data;

    pthread_once(&match_once, match_init);
    data = pthread_getspecific(match_key);
    if (!data && match_context && (data = pcre2_match_data_create(PAIRS_MAX, NULL)))
        pthread_setspecific(match_key, data);
    return data;
}

static enum rc compile_failed(int error, struct span pattern, size_t at, struct fault *why)
{
    PCRE2_UCHAR text[128];

    if (pcre2_get_error_message(error, text, sizeof text) < 0)
        text[0] = '\0';
    if (at >= pattern.len)
        return fail(why, RC_FORMAT, "pcre2_compile() failed: %s in \"%.*s\"", (char *)text,
                    SPAN_ARG(pattern));
    return fail(why, RC_FORMAT, "pcre2_compile() failed: %s in \"%.*s\" at \"%.*s\"",
                (char *)text, SPAN_ARG(pattern), (int)(pattern.len - at), pattern.at + at);
}

enum rc regex_open(struct regex **out, struct span pattern, bool nocase, struct fault *why)
{
    struct regex *regex = calloc(1, sizeof *regex);
    int error;
    size_t at;

    if (!regex)
        return fail(why, RC_MEMORY, "no memory for a regular expression");
    regex->code = pcre2_compile(pattern.len > 0 ? pattern.at : (const uint8_t *)"",
                                pattern.len, nocase ? PCRE2_CASELESS : 0, &error, &at, NULL);
    if (!regex->code) {
        regex_close(regex);
        return compile_failed(error, pattern, at, why);
    }
    (void)pcre2_jit_compile(regex->code,
                            PCRE2_JIT_COMPLETE); /* where it cannot: interpreted */
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &regex->names_count);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &regex->names_size);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &regex->names);
    if (!nocase)
        regex->prefix_len = (uint8_t)regex_prefix(pattern, regex->prefix, PREFIX_MAX);
    *out = regex;
    return RC_OK;
}

void regex_close(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    free(regex);
}

/* Offsets of the library's width to ours; those that are not set are all ones in both. */
static void copy_pairs(const size_t *from, uint32_t count, uint32_t *at)
{
    for (uint32_t i = 0; i < 2 * count; i++)
        at[i] = from[i] == PCRE2_UNSET ? UINT32_MAX : (uint32_t)from[i];
}

/* How many groups there are, or what pcre2_match says of a failure. */
static int match(const struct regex *regex, struct span subject, pcre2_match_data *data)
{
    const uint8_t *at = subject.len > 0 ? subject.at : (const uint8_t *)"";
    int groups = pcre2_match(regex->code, at, subject.len, 0, 0, data, match_context);

    if (groups ==
        PCRE2_ERROR_JIT_STACKLIMIT) /* machine code has 32 kB; without it there is the heap */
        groups =
            pcre2_match(regex->code, at, subject.len, 0, PCRE2_NO_JIT, data, match_context);
    return groups;
}

uint64_t regex_given_up(void)
{
    return given_up;
}

bool regex_match(const struct regex *regex, struct span subject, uint32_t *at, uint32_t pairs,
                 uint32_t *count)
{
    pcre2_match_data *data;
    int groups;

    if (!span_starts(subject, span_of(regex->prefix, regex->prefix_len)))
        return false;
    data = match_data();
    groups = data && subject.len <= SUBJECT_MAX ? match(regex, subject, data)
                                                : PCRE2_ERROR_NOMEMORY;
    if (groups < 0) {
        given_up += groups != PCRE2_ERROR_NOMATCH;
        return false;
    }
    if (groups == 0)
        groups = PAIRS_MAX; /* there are more groups than room for them */
    *count = (uint32_t)groups < pairs ? (uint32_t)groups : pairs;
    copy_pairs(pcre2_get_ovector_pointer(data), *count, at);
    return true;
}

struct span regex_group_name(const struct regex *regex, size_t i)
{
    if (i >= regex->names_count)
        return (struct span){0};
    return span_text((const char *)regex->names + i * regex->names_size + 2);
}

int regex_group(const struct regex *regex, struct span name)
{
    for (size_t i = 0; i < regex->names_count; i++) {
        const uint8_t *entry = regex->names + i * regex->names_size;

        if (span_equal_nocase(regex_group_name(regex, i), name))
            return entry[0] << 8 | entry[1];
    }
    return -1;
}
