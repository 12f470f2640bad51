/*
 * Regular expressions (PCRE2, compiled to machine code where it can). An expression is immutable once
 * compiled: any number of threads may match with it at the same time.
 */
#ifndef GATE_CONF_REGEX_H
#define GATE_CONF_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/span.h"

struct regex;

/* RC_FORMAT  the expression is wrong: the fault says what and where, in nginx's words */
enum rc regex_open(struct regex **out, struct span pattern, bool nocase, struct fault *why);

void regex_close(struct regex *regex);

/*
 * Searches `subject`. When it matches, at[2 * i] and at[2 * i + 1] are where group i begins and ends
 * (UINT32_MAX both where it took no part; group 0 is the whole match), for at most `pairs` groups; *count
 * are filled. A match that takes too many steps or too much memory counts as none: see regex_given_up.
 */
bool regex_match(const struct regex *regex, struct span subject, uint32_t *at, uint32_t pairs,
                 uint32_t *count);

/*
 * How many matches of this thread were given up so far. Who decides by a match that none was found asks
 * before and after: a subject that is made for it must not pass where the expression would have matched.
 */
uint64_t regex_given_up(void);

/* The number of the group with that name in any case of letters; -1 where there is none. */
int regex_group(const struct regex *regex, struct span name);

/* The name of the i-th named group; an empty one after the last. */
struct span regex_group_name(const struct regex *regex, size_t i);

#endif
