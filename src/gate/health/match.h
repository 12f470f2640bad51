/* "match NAME { ... }": what the answer of a healthy server looks like. */
#ifndef GATE_HEALTH_MATCH_H
#define GATE_HEALTH_MATCH_H

#include "base/fault.h"
#include "gate/conf/regex.h"
#include "gate/http/h1_response.h"

enum match_what { MATCH_STATUS, MATCH_HEADER, MATCH_BODY };

struct match_range {
    uint16_t first, last;
};

/* One line of it. A header without `value` and `regex`: it is there. */
struct match_test {
    enum match_what what;
    bool negated;
    const struct match_range *ranges; /* of a status: one of them */
    size_t ranges_count;
    struct span name; /* of a header */
    struct span value;
    const struct regex *regex;
};

/* All of its lines hold. */
struct match {
    struct span name;
    const struct match_test *tests;
    size_t count;
    bool wants_body;
};

/* RC_FORMAT: `why` says which line does not hold. NULL: any status from 200 to 399 will do. */
enum rc match_holds(const struct match *match, const struct h1_response *answer,
                    struct span body, struct fault *why);

#endif
