/* $limit_req_status and $limit_conn_status. */
#include "gate/request.h"
#include "gate/variables.h"

bool variables_limit(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    static const struct span words[] = {
        [LIMIT_PASSED] = SPAN("PASSED"),
        [LIMIT_DELAYED] = SPAN("DELAYED"),
        [LIMIT_REJECTED] = SPAN("REJECTED"),
        [LIMIT_DELAYED_DRY_RUN] = SPAN("DELAYED_DRY_RUN"),
        [LIMIT_REJECTED_DRY_RUN] = SPAN("REJECTED_DRY_RUN"),
    };
    const enum limit_verdict *verdict =
        (const enum limit_verdict *)((const char *)subject + of);

    (void)rest;
    *value = words[*verdict];
    return *verdict != LIMIT_UNASKED;
}
