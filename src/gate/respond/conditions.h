/*
 * Conditional requests: RFC 9110, section 13, where nginx follows it. (Both of If-None-Match
 * and If-Modified-Since must agree for a 304; a date compares by equality: if_modified_since
 * exact.)
 */
#ifndef GATE_RESPOND_CONDITIONS_H
#define GATE_RESPOND_CONDITIONS_H

#include <stdbool.h>
#include <time.h>

#include "base/span.h"

/* if_modified_since: whether that field counts, and how its date is compared. */
enum conditions_since { CONDITIONS_EXACT, CONDITIONS_BEFORE, CONDITIONS_OFF };

/* Values of the request's fields; `at` NULL where there is no such field. */
struct conditions {
    struct span if_match, if_none_match, if_modified_since, if_unmodified_since, if_range;
    enum conditions_since since;
};

/* What the answer would say of itself. */
struct validators {
    struct span etag; /* with its quotes; empty: none */
    bool has_modified;
    time_t modified;
};

/* For an answer that would be 200: 200, 304 or 412. */
unsigned conditions_check(const struct conditions *conditions,
                          const struct validators *validators);

/* Does If-Range allow a part to be sent? True where there is no such field. */
bool conditions_allow_range(const struct conditions *conditions,
                            const struct validators *validators);

#endif
