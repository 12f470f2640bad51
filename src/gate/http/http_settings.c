#include "gate/http/http_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"
#include "gate/conf/value.h"

#define AT(member) .offset = offsetof(struct http_settings, member)
#define DROPPED .offset = CONF_NOWHERE

enum {
    OUTER = CONF_HTTP | CONF_SERVER,
    LARGE_MIN = 512, /* nginx's connection_pool_size, which a large buffer may not be below */
    FIELDS_MAX = 32768, /* positions of fields have 16 bits */
};

static const struct conf_choice lingering[] = {{"off", 0}, {"on", 1}, {"always", 2}, {0}};
static const struct conf_choice disabled[] = {{"none", KEEPALIVE_DISABLE_NONE},
                                              {"msie6", KEEPALIVE_DISABLE_MSIE6},
                                              {"safari", KEEPALIVE_DISABLE_SAFARI},
                                              {0}};
static const struct conf_choice in_file_only[] = {
    {"off", BODY_IN_FILE_OFF}, {"on", BODY_IN_FILE_ON}, {"clean", BODY_IN_FILE_CLEAN}, {0}};

static enum rc set_large_buffers(struct conf *conf, const struct directive *d, void *part)
{
    struct http_settings *s = part;
    enum rc rc = conf_set_buffers(conf, d, part);

    if (rc == RC_OK && s->large_client_header_size < LARGE_MIN)
        return conf_fail(
            conf, 2, NULL,
            "the \"large_client_header_buffers\" size must be equal to or greater "
            "than \"connection_pool_size\"");
    return rc;
}

static enum rc set_keepalive_timeout(struct conf *conf, const struct directive *d, void *part)
{
    struct http_settings *s = part;
    uint64_t header = 0;
    enum rc rc = conf_set_milliseconds(conf, d, part);

    if (rc != RC_OK)
        return rc;
    if (conf_words(conf) > 2 && value_parse_seconds(conf_word(conf, 2), &header) != RC_OK)
        return conf_fail_value(conf, 2, "invalid value");
    s->keepalive_header_s = header;
    return RC_OK;
}

static enum rc set_temp_path(struct conf *conf, const struct directive *d, void *part)
{
    struct http_settings *s = part;

    (void)d;
    return conf_set_folder(conf, &s->body_temp_path, s->body_temp_levels);
}

static uint32_t at_most(uint64_t value, uint32_t most)
{
    return value < most ? (uint32_t)value : most;
}

void http_settings_finish(struct http_settings *s)
{
    uint64_t small = s->client_header_buffer_size, large = s->large_client_header_size;
    uint32_t line = at_most(small > large ? small : large, HEAD_MAX);
    uint64_t count = at_most(s->large_client_header_count, HEAD_MAX);

    s->limits = (struct h1_limits){
        .line_max = line,
        .field_max = line,
        .head_max =
            at_most(at_most(small, HEAD_MAX) + count * at_most(large, HEAD_MAX), HEAD_MAX),
        .fields_max = at_most(s->max_headers, FIELDS_MAX),
        .underscores = s->underscores_in_headers,
        .keep_invalid = !s->ignore_invalid_headers,
    };
}

const struct directive http_directives[] = {
    {"client_header_timeout", OUTER, 1, 1, .set = conf_set_milliseconds,
     AT(client_header_timeout_ms), .standard = "60s",
     .doc = "How long a client may take to send the head of a request."},
    {"client_header_buffer_size", OUTER, 1, 1, .set = conf_set_size,
     AT(client_header_buffer_size), .standard = "1k",
     .doc = "The buffer that the head of a request is read into at first."},
    {"large_client_header_buffers", OUTER, 2, 2, .set = set_large_buffers,
     AT(large_client_header_count), .standard = "4 8k",
     .doc = "How many larger buffers a head may take, and the size of each, which bounds one "
            "line."},
    {"max_headers", OUTER, 1, 1, .set = conf_set_number, AT(max_headers), .standard = "1000",
     .doc = "How many header fields a request may have."},
    {"ignore_invalid_headers", OUTER, 1, 1, .set = conf_set_flag, AT(ignore_invalid_headers),
     .standard = "on",
     .doc = "Drops header fields with an invalid name instead of refusing them."},
    {"underscores_in_headers", OUTER, 1, 1, .set = conf_set_flag, AT(underscores_in_headers),
     .standard = "off", .doc = "Counts an underscore as valid in the name of a header field."},
    {"merge_slashes", OUTER, 1, 1, .set = conf_set_flag, AT(merge_slashes), .standard = "on",
     .doc = "Takes several slashes in a row in a path as one."},
    {"client_max_body_size", CONF_ALL_HTTP, 1, 1, .set = conf_set_offset,
     AT(client_max_body_size), .standard = "1m",
     .doc = "The largest body that a request may have; 0 allows any."},
    {"client_body_timeout", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds,
     AT(client_body_timeout_ms), .standard = "60s",
     .doc = "How long a client may pause between two reads of its request's body."},
    {"send_timeout", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds, AT(send_timeout_ms),
     .standard = "60s",
     .doc = "How long a client may pause between two writes of a response."},
    {"keepalive_timeout", CONF_ALL_HTTP, 1, 2, .set = set_keepalive_timeout,
     AT(keepalive_timeout_ms), .standard = "75s",
     .doc = "How long an idle connection is kept, 0 for not at all, and what a Keep-Alive "
            "field tells "
            "the client."},
    {"keepalive_time", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds,
     AT(keepalive_time_ms), .standard = "1h",
     .doc = "How long one connection may serve requests altogether."},
    {"keepalive_requests", CONF_ALL_HTTP, 1, 1, .set = conf_set_number, AT(keepalive_requests),
     .standard = "1000", .doc = "How many requests one connection may serve."},
    {"lingering_close", CONF_ALL_HTTP, 1, 1, .set = conf_set_choice, AT(lingering_close),
     .of = lingering, .standard = "on",
     .doc = "Whether what a client still sends is read, and dropped, before its connection is "
            "closed."},
    {"lingering_time", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds,
     AT(lingering_time_ms), .standard = "30s", .doc = "How long that may take altogether."},
    {"lingering_timeout", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds,
     AT(lingering_timeout_ms), .standard = "5s",
     .doc = "How long a lingering close waits for the next bytes."},
    {"tcp_nodelay", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag, AT(tcp_nodelay),
     .standard = "on", .doc = "Sends small pieces at once (TCP_NODELAY)."},
    {"chunked_transfer_encoding", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag,
     AT(chunked_transfer_encoding), .standard = "on",
     .doc = "Whether a response of unknown length may be sent in chunks."},
    {"reset_timedout_connection", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag,
     AT(reset_timedout_connection), .standard = "off",
     .doc = "Closes a connection that timed out with a reset."},

    {"tcp_nopush", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: gate joins head and body by itself."},
    {"client_body_buffer_size", CONF_ALL_HTTP, 1, 1, .set = conf_set_size,
     AT(body_buffer_size), .standard = "8k",
     .doc = "The largest body of a request that is kept in memory until all of it is here; a "
            "larger "
            "one goes to a temporary file."},
    {"client_body_temp_path", CONF_ALL_HTTP, 1, 4, .set = set_temp_path, AT(body_temp_path),
     .doc =
         "The folder of those files; without it, /var/tmp. Up to three numbers say how many "
         "digits of the name of a file that has one name folders below it."},
    {"client_body_in_file_only", CONF_ALL_HTTP, 1, 1, .set = conf_set_choice,
     AT(body_in_file_only), .of = in_file_only, .standard = "off",
     .doc = "Gives every body a file with a name, which stays (on) or goes with the request "
            "(clean)."},
    {"client_body_early_read", OUTER, 1, CONF_MANY, .set = conf_set_predicates, AT(body_early),
     .doc =
         "Reads a request's body before anything else is done with the request, where one of "
         "the words is something but empty or 0, so that map and if may look at "
         "$request_body."},
    {"client_body_in_single_buffer", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: a body in memory is in one piece."},
    {"keepalive_disable", CONF_ALL_HTTP, 1, 2, true, .set = conf_set_choices,
     AT(keepalive_disable), .of = disabled, .standard = "msie6",
     .doc = "Old browsers whose connections are not kept: msie6 behind a POST, safari, or "
            "none."},
    {"keepalive_min_timeout", CONF_ALL_HTTP, 1, 1, .set = conf_set_milliseconds,
     AT(keepalive_min_ms), .standard = "0",
     .doc = "How long an idle connection is kept at least when gate reloads or ends: half a "
            "second where that is more."},
    {"send_lowat", CONF_ALL_HTTP, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: it has no meaning on Linux."},
    {"postpone_output", CONF_ALL_HTTP, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: what is there is sent."},
    {"output_buffers", CONF_ALL_HTTP, 2, 2, .set = conf_set_buffers, DROPPED,
     .doc = "Accepted, of no effect: files are sent from the cache of the system."},
    {"subrequest_output_buffer_size", CONF_ALL_HTTP, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: answers of requests inside are sent on as they come."},
    {"connection_pool_size", OUTER, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: memory of connections is of a fixed size."},
    {"request_pool_size", OUTER, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: memory of requests grows as it is used."},
    {"msie_padding", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag, AT(msie_padding),
     .standard = "on",
     .doc = "Makes pages of errors longer for browsers that would show one of their own."},
    {"msie_refresh", CONF_ALL_HTTP, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: the browsers that it is for are gone."},
    {"variables_hash_max_size", CONF_HTTP, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"variables_hash_bucket_size", CONF_HTTP, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"server_names_hash_max_size", CONF_HTTP, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"server_names_hash_bucket_size", CONF_HTTP, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"http2_max_concurrent_streams", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_max_concurrent_pushes", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_max_requests", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_max_field_size", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_max_header_size", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_body_preread_size", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_streams_index_size", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_recv_timeout", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_idle_timeout", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_pool_size", OUTER, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_recv_buffer_size", CONF_HTTP, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_chunk_size", CONF_ALL_HTTP, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_push", CONF_ALL_HTTP, 1, 1, true, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {"http2_push_preload", CONF_ALL_HTTP, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: HTTP/2 is not offered yet."},
    {0},
};
