/* "gate explain URL": what a request would get, step by step, without sending anything. */
#ifndef GATE_EXPLAIN_H
#define GATE_EXPLAIN_H

#include "base/fault.h"
#include "base/text.h"
#include "gate/site.h"

enum { EXPLAIN_FIELDS = 64 };

/* The request. */
struct explain_question {
    const char *url;                    /* http://HOST[:PORT][/PATH][?ARGS], or https:// */
    const char *method;                 /* NULL: GET */
    const char *from;                   /* the client's address; NULL: 127.0.0.1 */
    const char *fields[EXPLAIN_FIELDS]; /* "Name: value" */
    size_t fields_count;
};

/*
 * Adds the way of the request through the site, a line for each decision, with its place in the configuration.
 *
 * RC_USAGE      the URL, the address or a field is none
 * RC_NOT_FOUND  the site listens on no such port
 */
enum rc explain(struct site *site, const struct explain_question *question, struct text *out,
                struct fault *why);

#endif
