/*
 * What the steps towards an origin share: request_origin.c chooses and leaves it, request_forward.c says what is
 * asked, request_receive.c takes the head of the answer, request_relay.c both bodies.
 */
#ifndef GATE_REQUEST_PROXY_H
#define GATE_REQUEST_PROXY_H

#include "gate/request.h"

static inline const struct proxy_settings *proxy_of(const struct request *r)
{
    return &request_settings(r)->proxy;
}

static inline const struct proxy_pass *pass_of(const struct request *r)
{
    return r->pass.is_set ? &r->pass : &proxy_of(r)->pass;
}

static inline uint64_t now_ms(const struct request *r)
{
    return loop_now_ms(r->service->loop);
}

static inline struct try *last_try(struct request *r)
{
    return &r->tries[(r->tries_count - 1) % REQUEST_TRIES];
}

/* The client has gone while an origin works for it. */
static inline bool is_abandoned(const struct request *r)
{
    return r->client->hangup && r->up.done && !r->parent &&
           !proxy_of(r)->ignore_client_abort && !proxy_of(r)->stores;
}

/* ---- request_origin.c ---- */

/* Once for each request: where to look for addresses. Leaves STEP_CHOOSE where that is an answer. */
enum rc request_begin_choosing(struct request *r);

/* May the request go to another origin after a failure of this kind (bits of enum proxy_next)? */
bool request_may_try_again(const struct request *r, unsigned kind);

/* The same, and one is taken from the upstream's budget of retries. */
bool request_takes_retry(struct request *r, unsigned kind);

/* Leaves the address, which has failed, for the next one. */
enum rc request_retry(struct request *r, unsigned kind);

/* One address has failed: the next one, or the page with `status`. */
enum rc request_fail_over(struct request *r, unsigned kind, unsigned status);

/* The connection broke: `what` is for the error log. */
enum rc request_fail_error(struct request *r, const char *what);

/* The origin took too long: `doing` is for the error log. */
enum rc request_fail_timeout(struct request *r, const char *doing);

/* Leaves the origin, which has done what it was asked, to ask for something else. */
void request_ask_again(struct request *r);

/* Ends a request that its client has left. */
enum rc request_abandon(struct request *r);

/* ---- request_resolve.c ---- */

/* Looks for the host's address: r->step is STEP_RESOLVE then, and r->address is filled when STEP_CHOOSE follows. */
enum rc request_look_up(struct request *r, struct span host, uint16_t port);

/* ---- request_out.c ---- */

/* The value of a Set-Cookie as the location's rules have it. */
struct span request_rewrite_cookie(struct request *r, struct span value);
/* r->address is the next of those that were found; false: there is none. */
bool request_take_address(struct request *r);
/* The address is known: may the request go there? */
bool request_may_go_out(struct request *r);
/* Is that a method that nobody may send twice? */
bool request_is_for_once(const struct request *r, struct span method);
/* Nothing was sent yet, and the name has another address, which is r->address now. */
bool request_goes_elsewhere(struct request *r, unsigned kind);

/* The connection for a CONNECT is there. */
enum rc request_begin_tunnel(struct request *r);

/* ---- request_queue.c ---- */

/* No server may be asked now. RC_AGAIN: it waits for one; RC_LIMIT: not (any longer). */
enum rc request_queue(struct request *r);

/* ---- request_sticky.c ---- */

/* The server that the request's session stays with: into r->choice. */
void request_find_session(struct request *r);

/* The head of an answer is here: its session is with this server from now on. A cookie may go to `out`. */
void request_keep_session(struct request *r, struct buffer *out);

/* ---- request_forward.c ---- */

/* The head of the request, as the origin gets it. */
void request_write_forwarded(struct request *r, struct buffer *out);

/* Of it, the target alone. */
void request_write_target(struct request *r, struct buffer *out);

/*
 * The request's body, as far as client and origin let it. RC_OK: nothing is left to do; RC_AGAIN: it waits
 * for one of them (r->to_origin is empty: for the client); RC_IO: the client has gone; RC_FORMAT, RC_LIMIT,
 * RC_MEMORY: request_refuse_body.
 */
enum rc request_pump_up(struct request *r);

/* What went wrong with the client's body decides the answer. */
enum rc request_refuse_body(struct request *r, enum rc rc);

/* ---- request_receive.c ---- */

/* As stream_read; on TLS as many records as there are and fit. */
enum rc request_read_origin(struct request *r, void *at, size_t size, size_t *got);

/* Waits, while an answer is on its way, for whoever is next to do something; `up` is request_pump_up's. */
enum rc request_wait_for_both(struct request *r, enum rc up);

/* ---- request_accel.c ---- */

/* Does what X-Accel-... fields of the answer say; true: it leads elsewhere, and *rc is what comes of it. */
bool request_obeys_origin(struct request *r, enum rc *rc);

/* ---- request_slice.c ---- */

/*
 * The head of an answer is here: which part of its body the client gets (r->window), and whether it is the slice
 * that was asked for. True: something else comes of it, and *rc says what.
 */
bool request_shape_window(struct request *r, enum rc *rc);
/* The head says so. */
void request_write_window(struct request *r, struct reply *reply);
void request_add_window(const struct request *r, const struct reply *reply,
                        struct buffer *out);
/* 416: nothing of what the client wants is there. */
enum rc request_answer_unsatisfied(struct request *r);
/* Leaves of the cut what is inside the window. */
void request_cut_window(struct request *r, struct body_cut *cut);
/* Behind this body, is there another one? Then it is asked for. RC_IO: this one had not the right length. */
bool request_has_more_slices(const struct request *r);
enum rc request_next_slice(struct request *r);

/* ---- request_store.c ---- */

/* The head of an answer is here: its body goes to a file, where proxy_store says so. */
void request_begin_store(struct request *r);
void request_store(struct request *r, const struct body_cut *cut);
/* All of the body was here. */
void request_end_store(struct request *r);

/* ---- request_relay.c ---- */

/* The head of the answer is here, and `rest` of what came behind it. */
enum rc request_begin_answer(struct request *r, struct span rest);
/* The origin has ended, and `rest` is not all of the body that its head promises. */
bool request_is_cut_short(struct request *r, struct span rest);

#endif
