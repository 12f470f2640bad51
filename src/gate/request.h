/*
 * A request on its way through the house. request.c is the spine: it knows every room and the order of
 * the visits; request_answer.c and request_file.c make answers of our own, request_proxy.h leads to an origin.
 */
#ifndef GATE_REQUEST_H
#define GATE_REQUEST_H

#include "gate/balance/balance.h"
#include "gate/client.h"
#include "gate/compress/gzip_stream.h"
#include "gate/filter/filter.h"
#include "gate/headers/headers.h"
#include "gate/http/body.h"
#include "gate/http/body_store.h"
#include "gate/http/h1_request.h"
#include "gate/http/h1_response.h"
#include "gate/http/stored_file.h"
#include "gate/service_state.h"
#include "gate/transform/recode.h"
#include "gate/transform/transform.h"
#include "gate/upstream/origin.h"
#include "gate/visitor/userid.h"
#include "io/ares/resolver.h"

enum step {
    STEP_READ_HEAD,
    STEP_ROUTE,
    STEP_REDIRECT,  /* inside: to another path, or a named location */
    STEP_DELAY,     /* limit_req has it wait */
    STEP_ANSWER,    /* of our own: the rest of it is on its way */
    STEP_ACCESS,    /* a request inside is asked for permission */
    STEP_MIRROR,    /* copies are sent */
    STEP_ADD,       /* what stands in front of the body, or behind it, is on its way */
    STEP_KEEP_BODY, /* the request's, before anything else is done */
    STEP_RESOLVE,   /* the origin's name: request_resolve.c */
    STEP_CHOOSE,    /* an origin's address */
    STEP_CONNECT,
    STEP_SEND,    /* the request's head */
    STEP_RECEIVE, /* the answer's head; the request's body goes on meanwhile */
    STEP_RELAY,   /* both bodies */
    STEP_TUNNEL,  /* after 101: bytes both ways */
    STEP_DRAIN,   /* the answer is complete; the rest of the request's body is thrown away */
    STEP_DONE,
};

enum {
    REQUEST_HEAD = 4096,              /* bytes of a head without memory of its own */
    REQUEST_FIELDS = 64,              /* fields of a head, likewise */
    REQUEST_TRIES = 8,                /* origins whose figures are kept */
    REQUEST_TRAILER = 4096,           /* bytes of a trailer section that are passed on */
    REQUEST_AT_ONCE_GZIP = 256 << 10, /* the same of a body that is compressed */
    REQUEST_AT_ONCE =
        2 << 20,          /* bytes of a body for one client, before others have their turn */
    REQUESTS_AT_ONCE = 32 /* of one client that sends them one behind the other, likewise */
};

/* What a request inside of a request is for. */
enum sub_kind { SUB_AUTH, SUB_MIRROR, SUB_ADDITION, SUB_AFTER /* post_action */ };

enum { REQUEST_PENDING = 1 /* of a status: not known yet */ };

/* Bytes that a socket did not take yet: in memory, and behind them in a temporary file where one is allowed. */
struct spill {
    uint8_t *at;
    size_t begin, end;
    size_t memory_max; /* bytes in memory; more go to the file. 0: there is none */
    const char *directory;
    bool has_file;
    int fd;
    uint64_t file_begin, file_end;
};

static inline bool spill_is_empty(const struct spill *spill)
{
    return spill->begin == spill->end && spill->file_begin == spill->file_end;
}

/* What became of it at limit_req and limit_conn. */
enum limit_verdict {
    LIMIT_UNASKED,
    LIMIT_PASSED,
    LIMIT_DELAYED,
    LIMIT_REJECTED,
    LIMIT_DELAYED_DRY_RUN,
    LIMIT_REJECTED_DRY_RUN,
};

/* What a timer was set for, so that only what has moved on since wins time. */
struct waited {
    uint64_t ms, bytes;
};

/* slice: a body that is asked for in pieces. */
struct slice {
    bool is_on;
    bool goes_on;   /* it is not the first one that is asked for */
    uint64_t start; /* of the one that is asked for, in the whole */
    int64_t left;   /* bytes of it still to come */
    struct span etag;
};

/* Of an origin's body, what the client gets. */
struct window {
    bool is_on;
    unsigned code;         /* 200, 206 or 416 */
    uint64_t skip, left;   /* bytes still to leave out; then those to send */
    uint64_t begin, whole; /* where it begins, and bytes of the whole */
};

/* One attempt at an origin, for the variables and the log. */
struct
try {
    struct span name;
    unsigned status; /* 0: none came */
    unsigned shown;  /* where it said nothing: what became of it, 502 or 504 */
    uint64_t began_ms, connected_ms, header_ms, ended_ms; /* 0: did not get that far */
    uint64_t head;                                        /* bytes of the answer's head */
    uint64_t sent, received;                              /* bytes */
};

struct request {
    struct client *client;
    struct service *service;
    const struct server *server;
    const struct location *location; /* server->outer where none matches */
    struct request *next_spare;
    struct task turn; /* it could go on, but it is the turn of others */
    enum step step;

    /* what came */
    struct h1_request head;
    uint8_t *bytes; /* inline_bytes, or memory of its own */
    size_t got, size;
    size_t used;        /* of `bytes`: head and body that have been dealt with */
    struct body up;     /* the request's body */
    bool up_unretained; /* some were sent on and forgotten: no second try */
    bool up_failed;     /* the origin takes no more of it */
    uint64_t up_total;
    struct body_store store;     /* all of it, where it was kept (is_kept) */
    struct body_store text_body; /* what goes to the origin in its place: proxy_set_body */
    const struct body_store *sent_up; /* what goes there; NULL: as it comes from the client */
    uint64_t sent_up_at;              /* of that */
    const struct body_store *body;    /* where it is kept: `store`, or the parent's */
    bool is_kept;
    enum step after_keeping;

    /* requests inside of this one */
    struct request *parent; /* NULL: a client's own */
    enum sub_kind kind;
    bool sub_done, sub_failed;
    struct request *subs, *next_sub;
    struct request *auth, *addition; /* the one that is waited for */
    unsigned access_at,
        refused;        /* which condition of access is next; what earlier ones said */
    bool refusal_waits; /* STEP_DELAY is for auth_delay */
    bool mirrored, adds_before, adds_after, acted_after;
    bool broken_off, breaks_partial, breaks_reset; /* the answer was not whole: how it ends */
    struct span held; /* of the body, behind what is added in front */
    enum step after_addition;
    bool continue_due;          /* the client waits for 100 Continue */
    const struct address *from; /* real_ip_header; NULL: the connection's */
    struct span host;           /* $host */
    struct span id;             /* $request_id, once it was asked for */
    struct span uid_cookie;     /* its value */
    struct userid uid_got, uid_set;
    bool uid_is_read, uid_is_made; /* these are known: request_userid.c */
    struct span path;              /* $uri, normalised */
    struct span args;
    bool has_args;
    bool path_is_plain; /* the target's own bytes */
    bool path_changed;  /* it is not the target's any more */
    bool path_left;     /* it may not begin with the location's prefix */
    bool
        alias_is_folder; /* try_files: the path stands behind an alias that was one whole file */
    bool method_is_get; /* whatever the head says: an error page is fetched */
    struct captures captures;
    const struct captures_kept *kept; /* earlier ones that have names, the latest first */
    struct computed_value *computed;  /* variables_computed.c: NULL until one is asked for */

    /* what goes out */
    struct spill to_client, to_origin;
    struct spill surplus; /* read behind this request's body: the next one's */
    unsigned status;
    bool head_sent;       /* some bytes of the answer's head are on their way */
    bool keep_alive;      /* the client's connection, after this */
    uint64_t sent;        /* bytes to the client, head and all */
    uint64_t head_bytes;  /* of these, the head's */
    uint64_t hints_bytes; /* those of 103 in front of it */
    uint64_t body_sent;   /* of the body, without its framing */
    bool down_chunked;    /* we put chunks around the body */
    bool adds_trailer;    /* the location's fields go behind the last chunk */
    bool
        open_ended; /* a body of our own that goes through request_send_own_body has not ended yet */
    bool precompressed; /* gzip_static: the file itself is */
    bool varies;        /* there are two forms of it */
    bool squeezed;      /* the head says that the body is compressed */
    bool reshaped;      /* the body is not the one that its ETag is for, byte by byte */
    struct transform *transforms; /* that the body goes through before it is compressed */
    bool unpacks, drops_etag, drops_ranges, lacks_memory;
    struct span told_charset;        /* X-Accel-Charset */
    const struct recode_map *recode; /* that the body goes through; NULL: none */
    bool recodes_back;
    uint64_t squeezed_from;   /* bytes that were compressed so far */
    struct gzip_stream *gzip; /* that it goes through; NULL: as it is, or there is none */
    bool is_head;             /* the method is HEAD */
    struct span location_field, content_type; /* as sent, for variables */
    struct span sent_etag;
    const struct buffer *head_at_work; /* while a head is written; else NULL */
    size_t head_own;                   /* bytes in front of what variables may see of it */
    struct span sent_lines;            /* of the head that was sent, for variables */
    int file;                          /* that is being sent; -1: none */
    struct file_entry *file_held;      /* of a cache; NULL: it is the request's own */
    struct file_part *parts;           /* of it, in the order in which they go out */
    size_t parts_count, part;
    unsigned redirects; /* internal ones, so far */
    bool searches; /* STEP_REDIRECT looks for a location, and runs nothing of the server's */
    const struct location
        *named;                /* where STEP_REDIRECT leads; NULL: to the location of `path` */
    bool is_internal;          /* locations that are internal are open to it */
    bool error_paged;          /* an error page is on its way; recursive_error_pages is off */
    bool unforwardable;        /* its body was refused or lost: no origin may get it */
    unsigned error_status;     /* that the answer is given, whatever its own; 0: its own */
    struct span kept_location; /* of a redirect whose page is an error page */
    struct span challenge;     /* WWW-Authenticate of a 401 */

    /* what its location allows: request_limit.c */
    struct timer pause; /* it waits for its time: in a queue, in STEP_DELAY, to send more */
    enum limit_verdict limit_req, limit_conn;
    uint64_t limited_until_ms;
    struct limit_held *limit_held;            /* where it is counted */
    uint64_t rate, rate_after, rate_since_ms; /* bytes a second to the client; 0: any */
    bool paced; /* the client waits for us, not we for the client */

    /* the origin */
    struct origin *origin;
    struct origin_target target;
    struct peers *peers;           /* NULL: an address that variables gave */
    size_t peer;                   /* BALANCE_NONE: none is held */
    struct balance_request choice; /* its `tried` NULL: not begun */
    struct span session;           /* its key, of sticky learn */
    enum balance_outcome outcome;  /* of the time at that peer */
    bool queued;                   /* it waits for one: request_queue.c */
    uint64_t queued_ms;
    struct balance_waiter waiter;
    struct list woken;                  /* in service.c's list */
    unsigned tries_count, tries_before; /* those of locations before this one */
    uint64_t first_try_ms;
    bool request_sent; /* bytes of it may have reached the origin */
    bool origin_reused, origin_timed_out;
    bool origin_extra; /* it sent more than its answer */
    bool upgrade_sent;
    bool asked_head;       /* the method that it got was HEAD */
    bool asked_once;       /* with a method that is not sent twice */
    unsigned sent_in_vain; /* so to an origin that did not answer: the status of that; 0: no */
    struct proxy_pass pass;       /* of a proxy_pass with variables, once they are known */
    struct address address;       /* likewise */
    const struct address *others; /* that the name has besides */
    size_t others_count;
    struct resolver_query lookup; /* of that address, while it runs */
    enum rc looked_up;
    bool goes_out;     /* CONNECT, or to an absolute target: request_out.c */
    uint16_t out_port; /* of lookup_host, then */
    struct span lookup_host;
    struct h1_response answer;
    bool answer_is_whole;  /* its head is here, and stays */
    uint8_t *answer_bytes; /* a head that came in parts; NULL otherwise */
    size_t answer_got;
    struct body down;
    struct stored_file stored; /* proxy_store: what is written of that */
    bool unheard;              /* the client has gone, what is stored goes on */
    struct slice slice;
    struct window window;
    struct timer origin_pause; /* proxy_limit_rate */
    struct buffer trailer;

    bool reads_ahead;          /* the client is slow: the origin's answer is stored for it */
    bool unbuffered, buffered; /* X-Accel-Buffering: no, yes */
    bool has_told_rate;        /* X-Accel-Limit-Rate */
    uint64_t told_rate;
    struct span told_fields,
        told_type; /* of the answer with an X-Accel-Redirect, for the final one */
    struct timer ahead_timer;
    struct waited for_client, for_origin;
    uint64_t
        drain_until_ms; /* when the rest of a body is not waited for any longer; 0: not yet known */
    uint64_t began_ms; /* the loop's clock */
    uint64_t number;
    struct arena arena; /* what stands behind it is not cleared for the next request */
    struct try tries[REQUEST_TRIES];
    struct field fields[REQUEST_FIELDS];
    struct field answer_fields[REQUEST_FIELDS];
    uint8_t inline_bytes[REQUEST_HEAD];
};

/* Goes on from where it is, until it has to wait or has ended: `r` may be gone after it. */
void request_run(struct request *r);

/* A new one on a client that has something to say. */
void request_begin(struct client *client);

/* The client's timer fired, or it is gone. `r` is gone after these. */
void request_time_out(struct request *r);
void request_abort(struct request *r);

/* ---- what the steps share (request.c) ---- */

static inline const struct settings *request_settings(const struct request *r)
{
    return &r->location->settings;
}

/* The body that the request's head announces, from its beginning. */
static inline struct body request_body(const struct request *r)
{
    return body_begin(r->head.chunked      ? FRAMING_CHUNKED
                      : r->head.has_length ? FRAMING_LENGTH
                                           : FRAMING_NONE,
                      r->head.length);
}

/* Memory that lasts as long as the request; NULL when there is none. */
static inline void *request_memory(struct request *r, size_t size)
{
    return arena_take(&r->arena, size);
}

static inline struct span request_method(const struct request *r)
{
    return r->method_is_get ? SPAN("GET") : h1_request_method(&r->head);
}

/* The status of an answer that would have `code` of its own. */
static inline unsigned request_status(const struct request *r, unsigned code)
{
    return r->error_status ? r->error_status : code;
}

/* An answer with this status has no body. */
static inline bool request_is_bodiless(unsigned status)
{
    return status == 204 || status == 304;
}

/* ---- request_log.c ---- */

/* To the error log of the location. */
void request_log(struct request *r, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For whoever looks on (trace.h): what was decided, and the statement that decided it, or NULL. */
void request_trace(struct request *r, const struct conf_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Its line, or lines, of the access log. */
void request_log_access(struct request *r);

/* ---- request_userid.c ---- */

/* The client's identifier as a cookie, where it is to have one that it does not have yet. */
void request_add_userid(struct request *r, struct buffer *out);

/* ---- request_store.c ---- */

/* The client has gone: does the request go on without it, to its answer's end? Then nothing is sent any more. */
bool request_outlives_client(struct request *r);

/* ---- request_send.c ---- */

/* Keeps the pieces from byte `skip` on: RC_AGAIN, for they wait now, or RC_MEMORY. */
enum rc spill_add(struct spill *spill, const struct iovec *pieces, int count, size_t skip);
void spill_clear(struct spill *spill);

/*
 * Sends the pieces to the client; what its socket does not take now is kept.
 * RC_OK  all are gone; RC_AGAIN  some are kept: request_flush before anything else; RC_IO  it is gone
 */
enum rc request_send(struct request *r, const struct iovec *pieces, int count);
enum rc request_flush(struct request *r);

/* The same towards the origin. */
enum rc request_send_up(struct request *r, const struct iovec *pieces, int count);
enum rc request_flush_up(struct request *r);
void request_drop_up(struct request *r);

/*
 * How long to wait for the client and the origin; 0: not for that one. A wait that goes on without a byte
 * more from or to that side does not begin anew.
 */
void request_wait(struct request *r, uint64_t client_ms, uint64_t origin_ms);

/* The task that runs r->turn's request. */
void request_run_turn(struct task *task);

/* Waits for nobody: RC_AGAIN, and request_run is called when others had their turn. */
enum rc request_yield(struct request *r);

/*
 * The next bytes of the request's body: a view into memory that lasts until the next call into the loop.
 * RC_END when the client ended too early.
 */
enum rc request_read_body(struct request *r, struct span *in);
/* What body_take left of that view when the body was done is the next request's. */
enum rc request_unread(struct request *r, struct span rest);
/* Counts body; false beyond client_max_body_size. */
bool request_body_fits(struct request *r, size_t more);

/* STEP_ACCESS */
enum rc request_continue_access(struct request *r);

/* ---- request_sub.c ---- */

/* A request of the same client to a path ("/path?args") inside; it runs by itself, and ends with its parent. NULL: no memory. */
struct request *request_begin_sub(struct request *parent, enum sub_kind kind, struct span path,
                                  struct span args);
/* It has its answer, or never will; its parent goes on. */
void request_end_sub(struct request *sub, bool failed);
bool request_is_waiting_for_subs(const struct request *r);
/* auth_request: 0 where there is none, REQUEST_PENDING, 200, or the status of a refusal. */
unsigned request_ask_permission(struct request *r);
/* Leaves r at STEP_ACCESS. */
enum rc request_await_permission(struct request *r);
enum rc request_mirror(struct request *r); /* STEP_MIRROR, then request_content */
/* post_action: true where one begins now, which the end of the request is to wait for. */
bool request_act_afterwards(struct request *r);
/* Does anything stand around the body of this answer? Then r->adds_before and r->adds_after say what. */
bool request_shape_additions(struct request *r, unsigned status, struct span content_type);
/* Behind the head, where r->adds_before: STEP_ADD, then `body`, then the step `then`. */
enum rc request_begin_additions(struct request *r, struct span body, enum step then);
enum rc request_add(struct request *r); /* STEP_ADD; behind the body with r->adds_after */

/* ---- request_keep.c ---- */

/* Is the body to be read to its end before an origin is asked? */
bool request_must_keep_body(const struct request *r);
enum rc request_keep_body(struct request *r); /* STEP_KEEP_BODY, then r->after_keeping */
/* Sets r->sent_up, in front of each try. RC_OK, unless r->step has become an answer's. */
enum rc request_choose_body(struct request *r);
/* Has all of the body gone to the origin, or into what waits for it? */
bool request_is_sent(const struct request *r);
/* Sends of r->sent_up what the origin takes, behind `first`. RC_AGAIN: more, later. */
enum rc request_send_kept(struct request *r, struct iovec first);

/* ---- request.c ---- */

/* More room for the fields of the origin's answer. */
enum rc request_more_answer_fields(struct request *r);

/* As new, for whatever is to come. */
void request_renew(struct request *r);

/* Of one that was renewed to ask for variables alone. */
void request_drop(struct request *r);

/* Of the file that was to be sent. Harmless without one. */
void request_close_file(struct request *r);

/* Behind the access phase: what try_files finds, an origin, a file. */
enum rc request_act(struct request *r);

/* ---- request_access.c ---- */

/* Where the request comes from, as real_ip_header has it. */
void request_address(const struct request *r, struct address *address);
/* Looks for that once, in the settings that hold now. */
void request_find_address(struct request *r);
/* limit_req and limit_conn; then request_check_access. */
enum rc request_limit(struct request *r);
enum rc request_delay(struct request *r); /* STEP_DELAY */
/* The request is not in work any more. Harmless where it was not counted. */
void request_leave_limits(struct request *r);
/* limit_rate, before the answer begins. */
void request_find_rate(struct request *r);
/* Of `want` bytes, how many may go to the client now; 0: request_run is called when it is time. r->rate > 0. */
size_t request_allowance(struct request *r, size_t want);
/* Goes on with request_act, or answers. */
enum rc request_check_access(struct request *r);
/* With the status of a refusal, when auth_delay is over. */
enum rc request_answer_refusal(struct request *r, unsigned status);

/* ---- request.c ---- */

/* An answer after which the connection ends; `why` is for the error log. */
enum rc request_refuse(struct request *r, unsigned status, const char *why);

/* request_server.c: of a head that is refused, as far as it is there. That of the address stays where it names none. */
void request_guess_server(struct request *r);
/* request_server.c: r->host, r->server and its outermost location; or an answer. */
enum rc request_find_server(struct request *r);

/* Looks for the location of r->path, and does what it says. */
enum rc request_locate(struct request *r);
/* Does what a location says. */
enum rc request_enter(struct request *r, const struct location *location);
/* Looks for the location of r->path. */
enum rc request_search(struct request *r);
/* The last of it: an origin, or a file. */
enum rc request_content(struct request *r);

/* ---- request_redirect.c: each leaves r->step at STEP_REDIRECT, or at an answer ---- */

/* One more; false where it is one too many, which is logged: answer 500. */
bool request_may_redirect(struct request *r, const char *how, struct span to);
/* A path begins with a slash, whatever a variable made of it. False: no memory. */
bool request_with_slash(struct request *r, struct span *path);
/* To a path and arguments. */
enum rc request_redirect(struct request *r, struct span path, struct span args);
/* To a path with arguments behind '?', or to "@name". The text must last as long as the request. */
enum rc request_redirect_to(struct request *r, struct span to);
enum rc request_try_files(struct request *r, const struct try_files *files);
enum rc request_redirect_continue(struct request *r); /* STEP_REDIRECT */

/* Is there an error page for that status, which this request may still have? NULL: gate's own page is due. */
const struct error_page *request_error_page(const struct request *r, unsigned status);
enum rc request_redirect_error(struct request *r, const struct error_page *page);

/* ---- request_rewrite.c ---- */

/* Captures that others have replaced: named ones are still asked for. */
struct captures_kept {
    const struct captures_kept *before;
    struct captures captures;
};

/* Before r->captures is written to. */
void request_keep_captures(struct request *r);

/* Runs the instructions of r->location. True: they led to an answer, or elsewhere, and *rc is what comes of it. */
bool request_rewrite(struct request *r, enum rc *rc);

/* ---- request_body.c ---- */

struct reply;

/*
 * Decides, in front of its head, whether the body is compressed (r->gzip), and what that and a trailer section
 * change of the head. `origin` is the head that came, or NULL for an answer of our own.
 */
void request_shape_body(struct request *r, struct reply *reply, const struct head *origin);

/* The fields behind the last chunk: the origin's, and those that the location adds. */
void request_write_trailer(struct request *r, struct buffer *out);
/* The fields that go behind the last chunk, as lines; in memory that lasts until the next call. */
struct span request_trailer(struct request *r);

/* The same of what is changed already, compressed or not. */
enum rc request_send_formed(struct request *r, struct iovec first, struct span piece,
                            enum gzip_push push);

/* ---- request_transform.c ---- */

/* The type with the location's character set, where it gets one. */
struct span request_content_type(struct request *r, struct span type, struct span encoding);
/*
 * Is the body changed on its way? Then r->transforms say how, but for a HEAD. `encoding`: the body's; `added`:
 * something stands around it.
 */
bool request_shape_transforms(struct request *r, struct reply *reply, struct span encoding,
                              bool added);
/* Has a body of that type no ETag and no date any more, since its texts are replaced? */
bool request_drops_validators(const struct request *r, struct span content_type);
/* As request_squeeze, through r->transforms. */
enum rc request_transform(struct request *r, struct iovec first, const struct iovec *pieces,
                          int count, enum gzip_push push);

/* ---- request_body.c ---- */

/* May this client get something compressed? */
bool request_takes_gzip(const struct request *r);

/* The body's length is not told. */
void request_open_end(struct request *r, struct reply *reply);

/* Sends the pieces compressed, behind `first`, which may be empty. RC_OK: all are gone, or wait in the spill. */
enum rc request_squeeze(struct request *r, struct iovec first, const struct iovec *pieces,
                        int count, enum gzip_push push);

/* r->held, behind what was added in front of it. */
enum rc request_send_held(struct request *r);

/* The same of a body of our own that was shaped, compressed or not. `last`: it ends here. */
enum rc request_send_own_body(struct request *r, struct iovec first, struct span piece,
                              bool last);

/* ---- request_answer.c ---- */

/* A piece of r->file that is sent. */
struct file_part {
    struct span before; /* goes out first: the head of a part of several */
    uint64_t offset, len;
};

/* The head of an answer. */
struct reply {
    unsigned code;
    struct span status;       /* "200 OK"; empty: the usual one for the code */
    struct span server, date; /* empty: our own */
    struct span content_type; /* empty: none */
    bool has_length;
    uint64_t length;
    struct span last_modified, location; /* empty: none */
    struct span etag, content_range;     /* empty: none */
    bool accept_ranges;
    bool chunked;
    bool vary;                 /* another client may get it in another form */
    bool is_shaped;            /* request_shape_body has seen it */
    struct span plain_type;    /* without the charset that it adds */
    struct headers_turn added; /* by the location: request_write_head says which */
};
/*
 * Without what comes behind the fields of every answer: the caller's own, those that the location adds
 * (request_add_fields), and the empty line.
 */
void request_write_head(struct request *r, struct reply *reply, struct buffer *out);
void request_add_fields(struct request *r, const struct reply *reply, struct buffer *out);

/* The empty line, and a copy of all lines for those who ask later what was sent. */
void request_end_head(struct request *r, const struct reply *reply, struct buffer *out);

/*
 * Sends the head, the empty line and `body`, which lasts as long as the request; what r->parts name of
 * r->file comes behind it. RC_OK: it is on its way, r->step says how; so of all of these.
 */
enum rc request_answer(struct request *r, struct reply *reply, struct span body);
/* With the page of the reply's status. */
enum rc request_answer_page(struct request *r, struct reply *reply);
/* With that page, or where error_page leads. */
enum rc request_answer_status(struct request *r, unsigned code);
/* 200 with that text; then the same, with a length that nobody is told. */
enum rc request_answer_text(struct request *r, struct span type, struct span text);
enum rc request_answer_open_text(struct request *r, struct span type, struct span text);
enum rc request_answer_own_status(struct request *r); /* request_status.c */
/* With r->error_status, and without a body. */
enum rc request_answer_bare(struct request *r);
/* return, of the rewrite module. */
enum rc request_answer_return(struct request *r, const struct rewrite_code *code);
/* With a Location as it is, but for control bytes, and scheme and host where it begins with '/'. */
enum rc request_answer_redirect(struct request *r, unsigned code, struct span to);
enum rc request_answer_slash(struct request *r); /* 301 to path + '/' */
/* By the extension of the path, or else what default_type says. */
struct span request_type(const struct request *r);

/* ---- request_listing.c ---- */

/* Of the folder at that path. */
enum rc request_answer_listing(struct request *r, const char *path);
/* RC_NOT_FOUND: there is no file in it. */
enum rc request_answer_random(struct request *r, const char *path);
/* empty_gif, stub_status */
enum rc request_answer_fixed(struct request *r);
/* gzip_static: 200 where *file is the compressed form of `path`, which is to be sent. */
struct file;
unsigned request_open_compressed(struct request *r, struct buffer *path,
                                 const struct file_way *way, struct file *file);

/* ---- request_file.c ---- */

/* What the location says: a file below its root. */
enum rc request_answer_file(struct request *r);
/* How paths are looked for on disk. */
struct file_way request_file_way(struct request *r);
/* How much of the path an alias stands for: the location's prefix; all of it for a regular expression. */
size_t request_replaced_by_alias(const struct request *r);
/* A picture that never changes. */
enum rc request_answer_gif(struct request *r, struct span bytes);
enum rc request_answer_continue(struct request *r); /* STEP_ANSWER */

/* ---- towards an origin: one function for each step (see request_proxy.h) ---- */

enum rc request_choose(struct request *r);
/* False: what it asks for would perhaps be done twice, since an origin had it and did not answer. */
bool request_may_be_sent(const struct request *r);
/* Does its location have it go where its own target says? */
bool request_goes_out(const struct request *r);
/* Who the client says it is: to a proxy where the request goes out, or to the origin; NULL: nothing. */
const struct field *request_credentials(const struct request *r);
enum rc request_go_out(struct request *r);
enum rc request_resolve(struct request *r);
enum rc request_connect(struct request *r);
enum rc request_forward(struct request *r); /* STEP_SEND */
enum rc request_receive(struct request *r);
enum rc request_relay(struct request *r);
enum rc request_tunnel(struct request *r);
/* Harmless where it does not wait. `in_vain`: it has waited too long. */
void request_leave_queue(struct request *r, bool in_vain);
/* Gives the origin's connection back, or closes it; the balancer is told. Harmless without one. */
void request_leave_origin(struct request *r, bool failed);
/* The same, and the request is as if none had been asked, but for the figures of $upstream_... */
void request_forget_origin(struct request *r);

#endif
