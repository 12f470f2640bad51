/* The body of an answer on its way to the client: compressed, in chunks, or as it is. */
#include "gate/compress/gzip_choice.h"
#include "gate/compress/gzip_stream.h"
#include "gate/request.h"

/* Of service->out: the head in front, compressed bytes behind it, and the trailer section last. */
enum {
    SQUEEZED_AT = SCRATCH_OUT / 2,
    SQUEEZED_SIZE = SCRATCH_OUT - REQUEST_TRAILER - SQUEEZED_AT,
};

static struct span value_in(const struct head *head, enum field_id id)
{
    const struct field *field = head ? head_find(head, id) : NULL;

    return field ? field_value(head, field) : (struct span){0};
}

/* Of the request alone. */
static struct gzip_facts facts_of(const struct request *r)
{
    const struct head *head = &r->head.head;

    return (struct gzip_facts){
        .version = r->head.version,
        .has_via = head_has(head, FIELD_VIA),
        .has_authorization = head_has(head, FIELD_AUTHORIZATION),
        .accept_encoding = value_in(head, FIELD_ACCEPT_ENCODING),
        .user_agent = value_in(head, FIELD_USER_AGENT),
    };
}

bool request_takes_gzip(const struct request *r)
{
    const struct gzip_facts facts = facts_of(r);

    return gzip_may_be_sent(&request_settings(r)->gzip, &facts, time(NULL));
}

static enum gzip_choice choose_gzip(const struct request *r, const struct reply *reply,
                                    const struct head *origin)
{
    struct gzip_facts facts = facts_of(r);

    facts.status = request_status(r, reply->code);
    facts.has_length = reply->has_length;
    facts.length = reply->length;
    facts.content_type = reply->content_type;
    facts.content_encoding = value_in(origin, FIELD_CONTENT_ENCODING);
    facts.cache_control = value_in(origin, FIELD_CACHE_CONTROL);
    facts.expires = value_in(origin, FIELD_EXPIRES);
    facts.date = value_in(origin, FIELD_DATE);
    facts.last_modified = reply->last_modified;
    facts.etag = origin ? value_in(origin, FIELD_ETAG) : reply->etag;

    return gzip_choose(&request_settings(r)->gzip, &facts, time(NULL));
}

static bool has_trailers(const struct request *r, unsigned status)
{
    const struct added_fields *trailers = &request_settings(r)->headers.trailers;
    bool usual = headers_is_usual(status);

    for (size_t i = 0; i < trailers->count; i++)
        if (usual || trailers->fields[i].always)
            return true;
    return false;
}

/* Its length is not what it was, or not known: chunks, or the end of the connection, say where it ends. */
void request_open_end(struct request *r, struct reply *reply)
{
    reply->has_length = false;
    if (reply->chunked)
        return;
    reply->chunked =
        r->head.version >= 11 && request_settings(r)->http.chunked_transfer_encoding;
    if (!reply->chunked)
        r->keep_alive = false;
}

/* Content-Encoding of a body as it comes. */
static struct span encoding_of(const struct request *r, const struct head *origin)
{
    return r->precompressed && !origin ? SPAN("gzip")
                                       : value_in(origin, FIELD_CONTENT_ENCODING);
}

void request_shape_body(struct request *r, struct reply *reply, const struct head *origin)
{
    const struct settings *settings = request_settings(r);
    const unsigned status = request_status(r, reply->code);
    enum gzip_choice choice;
    bool added, changed; /* around the body, or in it */

    reply->is_shaped = true;
    reply->plain_type = reply->content_type;
    if (r->gzip) { /* of a head that was not sent in the end */
        gzip_stream_release(r->gzip, &r->service->spare_gzip);
        r->gzip = NULL;
    }
    r->squeezed = r->reshaped = r->drops_ranges = r->adds_trailer = false;
    if (status < 200 || request_is_bodiless(status))
        return;
    r->recode = NULL;
    if (status != 301 && status != 302) /* old browsers took it for that of the next page */
        reply->content_type =
            request_content_type(r, reply->content_type, encoding_of(r, origin));
    added = request_shape_additions(r, status, reply->content_type);
    changed = request_shape_transforms(r, reply, encoding_of(r, origin), added);
    r->drops_ranges = added || r->unpacks;
    added = added || changed;
    reply->vary = r->varies;
    if (!settings->gzip.on && settings->headers.trailers.count == 0 && !added)
        return;
    choice = r->precompressed ? GZIP_NEVER : choose_gzip(r, reply, origin);
    reply->vary = r->varies || (choice != GZIP_NEVER && settings->gzip.vary);
    if (r->is_head) { /* its head is that of GET */
        r->squeezed = choice == GZIP_SQUEEZE;
        r->reshaped = r->squeezed || added;
        r->drops_ranges = r->drops_ranges || r->squeezed;
        reply->has_length = reply->has_length && !r->squeezed && !added;
        r->adds_before = r->adds_after = false;
        return;
    }
    if (choice == GZIP_SQUEEZE)
        r->gzip = gzip_stream_open(&r->service->spare_gzip, (int)settings->gzip.level,
                                   reply->has_length ? reply->length : UINT64_MAX);
    r->squeezed = r->gzip != NULL;
    r->reshaped = r->squeezed || added;
    r->drops_ranges = r->drops_ranges || r->squeezed;
    r->adds_trailer = r->head.version >= 11 && settings->http.chunked_transfer_encoding &&
                      has_trailers(r, status);
    if (r->gzip || r->adds_trailer || added)
        request_open_end(r, reply);
    r->down_chunked = reply->chunked;
}

void request_write_trailer(struct request *r, struct buffer *out)
{
    const struct added_fields *trailers = &request_settings(r)->headers.trailers;
    bool usual = headers_is_usual(r->status);

    if (r->trailer.len > 0 && !r->trailer.full)
        body_filter_trailer(buffer_span(&r->trailer), out);
    for (size_t i = 0; r->adds_trailer && i < trailers->count; i++)
        if (usual || trailers->fields[i].always)
            headers_write_field(trailers->fields[i].name, &trailers->fields[i].value, r, out);
}

struct span request_trailer(struct request *r)
{
    struct buffer out =
        buffer_over(r->service->out + SCRATCH_OUT - REQUEST_TRAILER, REQUEST_TRAILER);

    request_write_trailer(r, &out);
    return span_of(out.at, out.full ? 0 : out.len);
}

/* One piece behind `first`, in a chunk of its own where there are chunks. */
static enum rc send_piece(struct request *r, struct iovec first, struct span piece, bool last)
{
    struct iovec pieces[1 + BODY_WRAPPED + 3] = {first};
    struct body_cut cut = {.count = piece.len > 0, .total = piece.len};
    char line[BODY_LINE];
    int n = first.iov_len > 0;
    enum rc rc;

    cut.pieces[0] = (struct iovec){(void *)(uintptr_t)piece.at, piece.len};
    if (r->down_chunked)
        n += body_wrap(&cut, last, last ? request_trailer(r) : (struct span){0}, line,
                       pieces + n);
    else if (piece.len > 0)
        pieces[n++] = cut.pieces[0];
    r->body_sent += piece.len;
    rc = request_send(r, pieces, n);
    return rc == RC_AGAIN ? RC_OK : rc;
}

/* Compressed bytes that are ready, and the head where it did not go yet. */
static enum rc send_squeezed(struct request *r, struct iovec *first, struct buffer *out,
                             bool last)
{
    enum rc rc = send_piece(r, *first, buffer_span(out), last);

    first->iov_len = 0;
    out->len = 0;
    return rc;
}

enum rc request_squeeze(struct request *r, struct iovec first, const struct iovec *pieces,
                        int count, enum gzip_push push)
{
    struct buffer out = buffer_over(r->service->out + SQUEEZED_AT, SQUEEZED_SIZE);
    struct span in = {0};
    bool done = false;
    int i = 0;

    if (first.iov_len > SQUEEZED_AT) { /* the head is where the bytes would go */
        enum rc rc = request_send(r, &first, 1);

        if (rc != RC_OK && rc != RC_AGAIN)
            return rc;
        first.iov_len = 0;
    }
    while (!done) {
        enum rc rc;

        if (in.len == 0 && i < count) {
            in = span_of(pieces[i].iov_base, pieces[i].iov_len);
            r->squeezed_from += in.len;
            i++;
        }
        rc = gzip_stream_push(r->gzip, &in, i == count ? push : GZIP_MORE, &out);
        done = rc == RC_OK && i == count;
        if ((done || rc == RC_AGAIN || out.size - out.len < GZIP_ROOM) &&
            (rc = send_squeezed(r, &first, &out, done && push == GZIP_END)) != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc request_send_formed(struct request *r, struct iovec first, struct span piece,
                            enum gzip_push push)
{
    struct iovec in = {(void *)(uintptr_t)piece.at, piece.len};

    r->open_ended = push != GZIP_END;
    return r->gzip ? request_squeeze(r, first, &in, 1, push)
                   : send_piece(r, first, piece, push == GZIP_END);
}

enum rc request_send_own_body(struct request *r, struct iovec first, struct span piece,
                              bool last)
{
    const struct iovec in = {(void *)(uintptr_t)piece.at, piece.len};
    const enum gzip_push push = last ? GZIP_END : GZIP_MORE;

    if (!r->transforms)
        return request_send_formed(r, first, piece, push);
    r->open_ended = !last;
    return request_transform(r, first, &in, 1, push);
}
