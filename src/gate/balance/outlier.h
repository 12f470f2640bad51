/*
 * Servers that do markedly worse than the others of their group are left alone for a while: by errors in a row,
 * by the part of their requests that succeeds, by how long they take. Never so many that the others could not
 * bear it.
 */
#ifndef GATE_BALANCE_OUTLIER_H
#define GATE_BALANCE_OUTLIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outlier_settings {
    uint32_t consecutive;     /* errors in a row; 0: not by these */
    uint32_t success_percent; /* within an interval; 0: not by these */
    uint32_t latency_percent; /* of the others' mean, within an interval; 0: not by it */
    uint64_t interval_ms,
        time_ms;          /* how long it is left alone, the first time; then twice that ... */
    uint32_t max_percent; /* of the servers that may be left alone at once */
};

/* Of one server. */
struct outlier {
    uint32_t errors;                         /* in a row */
    uint32_t ejections;                      /* lately */
    uint64_t ejected_ms, until_ms;           /* 0: it never was */
    uint64_t requests, succeeded, header_ms; /* of this interval */
    enum outlier_why {
        OUTLIER_ERRORS,
        OUTLIER_RATE,
        OUTLIER_LATENCY,
        OUTLIER_WHYS
    } why; /* of the last ejection */
};

struct peers;

static inline bool outlier_is_ejected(const struct outlier *outlier, uint64_t now_ms)
{
    return now_ms < outlier->until_ms;
}

/* For people: "errors in a row". */
const char *outlier_why_name(enum outlier_why why);

/* With the lock held, after a request: true when the peer is ejected for it, just now. */
bool outlier_count(struct peers *peers, size_t index, bool succeeded, uint64_t header_ms,
                   uint64_t now_ms);

#endif
