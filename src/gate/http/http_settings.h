/* What a location says of its clients. All times in milliseconds, all sizes in bytes. */
#ifndef GATE_HTTP_HTTP_SETTINGS_H
#define GATE_HTTP_HTTP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "gate/conf/directive.h"
#include "gate/http/h1_request.h"

/* Browsers that lose requests on kept connections: msie6 behind a POST. */
enum keepalive_disable {
    KEEPALIVE_DISABLE_NONE = 1,
    KEEPALIVE_DISABLE_MSIE6 = 2,
    KEEPALIVE_DISABLE_SAFARI = 4
};

enum body_in_file { BODY_IN_FILE_OFF, BODY_IN_FILE_ON, BODY_IN_FILE_CLEAN };

struct http_settings {
    /* Of the default server until the right one is known: server context and above. */
    uint64_t client_header_timeout_ms;
    uint64_t client_header_buffer_size;
    uint64_t large_client_header_count, large_client_header_size;
    uint64_t max_headers;
    bool ignore_invalid_headers, underscores_in_headers, merge_slashes;
    struct h1_limits limits; /* made of those when they are merged */

    uint64_t client_max_body_size; /* 0: any */
    struct predicates body_early;  /* is it read before all else? */
    uint64_t client_body_timeout_ms;
    uint64_t send_timeout_ms;
    uint64_t body_buffer_size;     /* of a request's body that is kept: beyond it, in a file */
    const char *body_temp_path;    /* where those are; NULL: the usual place */
    uint8_t body_temp_levels[3];   /* as temp_file_open_named has them */
    unsigned body_in_file_only;    /* enum body_in_file */
    uint64_t keepalive_timeout_ms; /* 0: no keep-alive */
    uint64_t keepalive_min_ms;     /* what an idle connection has left when the end begins */
    unsigned keepalive_disable;    /* enum keepalive_disable */
    uint64_t keepalive_header_s;   /* second argument of keepalive_timeout; 0: none */
    uint64_t keepalive_time_ms;
    uint64_t keepalive_requests;
    unsigned lingering_close; /* 0 off, 1 on, 2 always */
    uint64_t lingering_time_ms, lingering_timeout_ms;
    bool tcp_nodelay;
    bool chunked_transfer_encoding;
    bool reset_timedout_connection;
    bool msie_padding; /* pages of errors are long enough for browsers that want that */
};

/* Their directives: parts are struct http_settings. */
extern const struct directive http_directives[];

/* Makes `limits`, when all of a context's directives are read. */
void http_settings_finish(struct http_settings *s);

#endif
