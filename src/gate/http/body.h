/*
 * The body of an HTTP/1 message as it comes in, whichever way it is framed, cut into pieces that can be
 * sent on without a copy; and the chunked coding put around such pieces.
 */
#ifndef GATE_HTTP_BODY_H
#define GATE_HTTP_BODY_H

#include <sys/uio.h>

#include "base/buffer.h"
#include "gate/http/chunked.h"
#include "gate/http/h1_response.h"

enum {
    BODY_PIECES = 60,               /* that one call gives at most */
    BODY_WRAPPED = BODY_PIECES + 3, /* the same with framing around them */
    BODY_LINE = 24,                 /* bytes of a chunk's size line and the end before it */
};

struct body {
    uint8_t framing; /* enum framing */
    bool done;
    uint64_t left; /* of FRAMING_LENGTH */
    struct chunked chunked;
};

static inline struct body body_begin(enum framing framing, uint64_t length)
{
    return (struct body){
        .framing = (uint8_t)framing,
        .left = length,
        .done = framing == FRAMING_NONE || (framing == FRAMING_LENGTH && length == 0),
    };
}

struct body_cut {
    struct iovec pieces[BODY_PIECES];
    int count;
    size_t total; /* bytes in the pieces */
};

/*
 * Cuts body off the front of `in`, until `in` is used up, the body is done or there are BODY_PIECES. The pieces
 * are views into the bytes of `in`, which must be writable: small chunks are moved together.
 * The parts of a trailer section are added to `trailer`, where it is not NULL; what does not fit sets
 * trailer->full.
 *
 * RC_OK      more may come: `in` is empty, or not (too many pieces: send these and call again)
 * RC_END     body->done: `in` holds what follows
 * RC_FORMAT  RC_LIMIT  broken framing
 */
enum rc body_take(struct body *body, struct span *in, struct body_cut *cut,
                  struct buffer *trailer);

/*
 * One chunk made of the cut: its size line, the pieces, its end; with `last` the end of the body behind
 * it: "0", the trailer fields (complete lines, without the empty one) and an empty line.
 * Returns how many of `out` were filled: 0 for nothing to send. `line` must live until it is sent.
 */
int body_wrap(const struct body_cut *cut, bool last, struct span trailer, char line[BODY_LINE],
              struct iovec out[BODY_WRAPPED + 3]);

/*
 * Copies the fields of a trailer section that may be passed on: well-formed ones that have no say in framing,
 * routing or connections (RFC 9110, section 6.5.1).
 */
void body_filter_trailer(struct span section, struct buffer *out);

#endif
