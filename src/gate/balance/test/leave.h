/* The end of a request at a peer, with no more of a result than a test asks for. */
#ifndef GATE_BALANCE_TEST_LEAVE_H
#define GATE_BALANCE_TEST_LEAVE_H

#include "gate/balance/balance.h"

static inline bool leave(struct peers *peers, size_t index, bool failed, uint64_t now_ms)
{
    const struct balance_result result = {
        .failed = failed,
        .outcome = failed ? BALANCE_ERROR : BALANCE_DONE,
        .status = failed ? 0 : 200,
        .began_ms = now_ms,
        .header_ms = failed ? 0 : now_ms,
        .ended_ms = now_ms,
    };

    return balance_free(peers, index, &result, now_ms) == BALANCE_DISABLED;
}

#endif
