/* Files: found below a root, told by conditions and ranges, sent piece by piece. */
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "gate/request.h"
#include "gate/respond/conditions.h"
#include "gate/respond/file.h"
#include "gate/respond/http_date.h"
#include "gate/respond/range.h"

enum { PATH_SIZE = 4096 + 256 }; /* a path on disk and an index name */

static struct span value_of(const struct request *r, enum field_id id)
{
    const struct field *field = head_find(&r->head.head, id);

    return field ? field_value(&r->head.head, field) : (struct span){0};
}

static unsigned validate(const struct request *r, const struct validators *validators,
                         bool *allow_range)
{
    const struct conditions conditions = {
        .if_match = value_of(r, FIELD_IF_MATCH),
        .if_none_match = value_of(r, FIELD_IF_NONE_MATCH),
        .if_modified_since = value_of(r, FIELD_IF_MODIFIED_SINCE),
        .if_unmodified_since = value_of(r, FIELD_IF_UNMODIFIED_SINCE),
        .if_range = value_of(r, FIELD_IF_RANGE),
        .since = (enum conditions_since)request_settings(r)->respond.if_modified_since,
    };

    *allow_range = conditions_allow_range(&conditions, validators);
    return conditions_check(&conditions, validators);
}

/* nginx's picture has a date of its own. */
enum rc request_answer_gif(struct request *r, struct span bytes)
{
    struct reply reply = {.code = 200,
                          .has_length = true,
                          .length = bytes.len,
                          .content_type = SPAN("image/gif"),
                          .last_modified = SPAN("Mon, 28 Sep 1970 06:00:00 GMT")};
    const struct validators validators = {.has_modified = true, .modified = 23349600};
    bool allow_range;

    if (validate(r, &validators, &allow_range) == 304) {
        reply.code = 304;
        reply.has_length = false;
        reply.content_type = (struct span){0};
        bytes.len = 0;
    }
    return request_answer(r, &reply, bytes);
}

static struct buffer memory_buffer(struct request *r, size_t size)
{
    return buffer_over(request_memory(r, size), size);
}

/* Several parts, each with a head of its own. */
static enum rc plan_multipart(struct request *r, struct reply *reply,
                              const struct range *ranges, size_t count, uint64_t size)
{
    struct buffer type = memory_buffer(r, 31 + RANGE_BOUNDARY_LEN + 1);
    char *boundary = request_memory(r, RANGE_BOUNDARY_LEN + 1);

    r->parts = arena_take_array(&r->arena, count + 1, sizeof *r->parts);
    if (!type.at || !boundary || !r->parts)
        return RC_MEMORY;
    range_boundary(boundary);
    for (size_t i = 0; i <= count; i++) {
        struct buffer head = memory_buffer(r, RANGE_PART_MAX + reply->content_type.len);

        if (!head.at)
            return RC_MEMORY;
        if (i < count) {
            range_part(boundary, reply->content_type, &ranges[i], size, &head);
            r->parts[i].offset = ranges[i].first;
            r->parts[i].len = ranges[i].end - ranges[i].first;
        } else {
            range_last(boundary, &head);
        }
        r->parts[i].before = buffer_span(&head);
    }
    r->parts_count = count + 1;
    reply->length = range_body_length(boundary, reply->content_type, ranges, count, size);
    buffer_add(&type, SPAN("multipart/byteranges; boundary="));
    buffer_add(&type, span_of(boundary, RANGE_BOUNDARY_LEN));
    reply->content_type = buffer_span(&type);
    return RC_OK;
}

/* Which bytes go out, and with what status. */
static enum rc plan(struct request *r, struct reply *reply, uint64_t size, bool allow_range)
{
    struct span wanted = value_of(r, FIELD_RANGE);
    struct range ranges[RANGE_MAX];
    struct buffer content_range;
    size_t count = 0;

    allow_range = allow_range && request_settings(r)->respond.max_ranges > 0;
    reply->code = allow_range && wanted.at && r->head.method == METHOD_GET
                      ? range_parse(wanted, size, ranges,
                                    request_settings(r)->respond.max_ranges, &count)
                      : 200;
    if (reply->code == 206 && count > 1)
        return plan_multipart(r, reply, ranges, count, size);
    content_range = memory_buffer(r, 80);
    r->parts = request_memory(r, sizeof *r->parts);
    if (!content_range.at || !r->parts)
        return RC_MEMORY;
    if (reply->code == 206) {
        range_write(&ranges[0], size, &content_range);
        *r->parts = (struct file_part){.offset = ranges[0].first,
                                       .len = ranges[0].end - ranges[0].first};
    } else {
        if (reply->code == 416)
            range_write_unsatisfied(size, &content_range);
        *r->parts = (struct file_part){.len = size};
    }
    r->parts_count = 1;
    reply->accept_ranges = reply->code == 200 && request_status(r, 200) == 200 &&
                           request_settings(r)->respond.max_ranges > 0 && !r->precompressed;
    reply->content_range = buffer_span(&content_range);
    reply->length = r->parts->len;
    return RC_OK;
}

static enum rc answer_opened(struct request *r, const struct file *file)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    char etag[FILE_ETAG_MAX], date[HTTP_DATE_LEN];
    struct reply reply = {.has_length = true};
    struct validators validators = {.has_modified = true, .modified = file->modified};
    bool allow_range = false;
    unsigned code;
    enum rc rc;

    http_date_format(file->modified, date);
    reply.last_modified = arena_copy(&r->arena, span_of(date, sizeof date));
    if (respond->etag)
        reply.etag = validators.etag = arena_copy(&r->arena, file_etag(file, etag));
    code = request_status(r, 200) == 200 && !r->parent ? validate(r, &validators, &allow_range)
                                                       : 200;
    if (code == 412)
        return request_answer_status(r, 412);
    if (code == 304) {
        r->error_status = 0;
        reply.code = 304;
        reply.has_length = false;
        reply.vary = r->varies;
        reply.is_shaped = true;
        if (request_drops_validators(r, (struct span){0})) /* as the 200 would */
            reply.etag = reply.last_modified = (struct span){0};
        return request_answer(r, &reply, (struct span){0});
    }
    reply.content_type = request_type(r);
    reply.code = 200;
    reply.length = file->size;
    request_shape_body(r, &reply, NULL);
    if ((rc = plan(r, &reply, file->size,
                   allow_range && !r->reshaped && !r->parent && !r->precompressed)) != RC_OK)
        return rc;
    if (reply.code == 206)
        r->error_status = 0;
    if (reply.code == 416) {
        const struct error_page *page = request_error_page(r, 416);

        r->parts_count = 0;
        r->error_status = 416;
        if (page)
            return request_redirect_error(r, page);
        reply.etag = reply.last_modified = (struct span){0};
        reply.is_shaped = reply.chunked = false; /* the page's body is another one */
        return request_answer_page(r, &reply);
    }
    if (r->is_head)
        r->parts_count = 0;
    return request_answer(r, &reply, (struct span){0});
}

struct file_way request_file_way(struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    struct file_way way = respond->way;
    char text[PATH_SIZE];
    struct buffer from = buffer_over(text, sizeof text);

    if (way.links.rule == SYMLINKS_FOLLOWED || respond->links_from.count == 0)
        return way;
    template_write(&respond->links_from, r, &from);
    if (!from.full)
        way.links.from = arena_copy(&r->arena, buffer_span(&from));
    return way;
}

/* Tries the index names in a directory: RC_OK with the answer on its way. */
static enum rc answer_index(struct request *r, struct buffer *disk_path)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    struct span *names = arena_take_array(&r->arena, respond->index_count, sizeof *names);
    struct file_way way = request_file_way(r);
    struct fault why = {0};
    struct buffer path;
    size_t found = 0;
    unsigned code;

    if (!names)
        return RC_MEMORY;
    for (size_t i = 0; i < respond->index_count; i++) {
        struct buffer name = buffer_over(r->service->in, SCRATCH_IN);

        template_write(&respond->index[i], r, &name);
        names[i] = arena_copy(&r->arena, buffer_span(&name));
    }
    code = file_index(disk_path, &way, names, respond->index_count, &found, &why);
    if (code == 403 && found == respond->index_count && request_settings(r)->listing.on &&
        r->head.method != METHOD_POST)
        return request_answer_listing(r, (const char *)disk_path->at);
    if (code != 200) {
        if (code != 404 || respond->log_not_found)
            request_log(r, LOG_LEVEL_ERROR, "%s", why.text);
        return request_answer_status(r, code);
    }
    path = memory_buffer(r, r->path.len + names[found].len);
    if (!path.at)
        return RC_MEMORY;
    if (names[found].len == 0 || names[found].at[0] != '/')
        buffer_add(&path, r->path);
    buffer_add(&path, names[found]);
    request_trace(r, NULL, "the index is \"%.*s\"", (int)path.len, (char *)path.at);
    return request_redirect(r, buffer_span(&path), r->args);
}

static enum rc answer_folder(struct request *r, struct buffer *path)
{
    enum rc rc = RC_NOT_FOUND;

    if (request_settings(r)->listing.random)
        rc = request_answer_random(r, (const char *)path->at);
    return rc == RC_NOT_FOUND ? answer_index(r, path) : rc;
}

size_t request_replaced_by_alias(const struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;

    if (!respond->root_is_alias)
        return 0;
    if (respond->alias_len == SIZE_MAX)
        return r->alias_is_folder ? 0 : r->path.len;
    return respond->alias_len;
}

enum rc request_answer_file(struct request *r)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    size_t replaced = request_replaced_by_alias(r);
    struct buffer root = buffer_over(r->service->out, SCRATCH_OUT);
    struct buffer path = memory_buffer(r, PATH_SIZE);
    struct fault why = {0};
    struct file_way way;
    struct file file;
    unsigned code;

    if (!path.at)
        return RC_MEMORY;
    if (r->head.method != METHOD_GET && !r->is_head && r->head.method != METHOD_POST)
        return request_answer_status(r, 405);
    if (respond->root_is_alias && r->path_left && respond->alias_len != SIZE_MAX) {
        request_log(r, LOG_LEVEL_ERROR,
                    "\"alias\" cannot be used in location \"%.*s\" where URI was rewritten",
                    SPAN_ARG(r->location->pattern.text));
        return request_answer_status(r, 500);
    }
    template_write(&respond->root, r, &root);
    if (root.full) {
        request_log(r, LOG_LEVEL_ERROR, "the text of \"root\" or \"alias\" is too long");
        return request_answer_status(r, 500);
    }
    if (!file_path(buffer_span(&root), replaced, r->path, &path)) {
        request_log(r, LOG_LEVEL_ERROR, "no file can have such a path");
        return request_answer_status(r, path.full ? 414 : 404);
    }
    if (r->path.at[r->path.len - 1] == '/')
        return answer_folder(r, &path);
    way = request_file_way(r);
    code = request_open_compressed(r, &path, &way, &file);
    if (code != 200)
        code = file_open((const char *)path.at, &way, &file, &why);
    if (code == 301)
        return request_answer_slash(r);
    if (code != 200) {
        if (code != 404 || respond->log_not_found)
            request_log(r, LOG_LEVEL_ERROR, "%s", why.text);
        return request_answer_status(r, code);
    }
    request_trace(r, NULL, "the file is \"%s\"", (char *)path.at);
    r->file = file.fd;
    r->file_held = file.held;
    if (r->head.method == METHOD_POST) /* what there is may not be written to */
        return request_answer_status(r, 405);
    return answer_opened(r, &file);
}

static enum rc send_wrapped(struct request *r, struct iovec piece, bool last)
{
    return request_send_own_body(r, (struct iovec){0}, span_of(piece.iov_base, piece.iov_len),
                                 last);
}

/*
 * One helping of the current part. RC_OK: some went, or waits in the spill. As much at once as there is: what else was
 * tried costs more (bench/README.md).
 */
static enum rc send_some(struct request *r, struct file_part *part)
{
    struct client *client = r->client;
    off_t offset = (off_t)part->offset;
    size_t most = part->len < REQUEST_AT_ONCE ? (size_t)part->len : REQUEST_AT_ONCE;
    const bool is_wrapped = r->open_ended;
    ssize_t sent;

    if (stream_is_plain(&client->stream) && !r->open_ended && !r->parent) {
        if (r->rate > 0 && (most = request_allowance(r, most)) == 0)
            return RC_AGAIN;
        sent = client->writable ? sendfile(client->stream.fd, r->file, &offset, most) : -1;
        if (sent < 0 && (!client->writable || errno == EAGAIN)) {
            client->writable = false;
            return RC_AGAIN;
        }
        if (sent > 0)
            r->sent += (uint64_t)sent;
    } else {
        if (most > SCRATCH_IN)
            most = SCRATCH_IN;
        sent = pread(r->file, r->service->in, most, offset);
        if (sent > 0) {
            struct iovec piece = {r->service->in, (size_t)sent};
            bool last =
                r->part + 1 == r->parts_count && part->len == (uint64_t)sent && !r->adds_after;
            enum rc rc =
                r->open_ended ? send_wrapped(r, piece, last) : request_send(r, &piece, 1);

            if (rc != RC_OK && rc != RC_AGAIN)
                return rc;
        }
    }
    if (sent <= 0) {
        bool is_gone = sent < 0 && (errno == EPIPE || errno == ECONNRESET);

        request_log(r, is_gone ? LOG_LEVEL_INFO : LOG_LEVEL_ALERT,
                    sent == 0 ? "the file became shorter while it was sent"
                              : "the file could not be sent: %s",
                    strerror(errno));
        return RC_IO;
    }
    if (!is_wrapped)
        r->body_sent += (uint64_t)sent;
    part->offset += (uint64_t)sent;
    part->len -= (uint64_t)sent;
    return RC_OK;
}

enum rc request_answer_continue(struct request *r)
{
    uint64_t taken = 0; /* of the file, in this turn */
    enum rc rc;

    while ((rc = request_flush(r)) == RC_OK && r->part < r->parts_count) {
        struct file_part *part = &r->parts[r->part];
        uint64_t offset = part->offset;

        if (part->before.len > 0) {
            struct iovec piece = {(void *)(uintptr_t)part->before.at, part->before.len};

            part->before.len = 0;
            if (r->open_ended) {
                if ((rc = send_wrapped(r, piece, false)) != RC_OK)
                    return rc;
                continue;
            }
            r->body_sent += piece.iov_len;
            if ((rc = request_send(r, &piece, 1)) != RC_OK && rc != RC_AGAIN)
                return rc;
        } else if (part->len == 0) {
            r->part++;
        } else if (taken >= (r->gzip ? REQUEST_AT_ONCE_GZIP : REQUEST_AT_ONCE)) {
            return request_yield(r);
        } else if ((rc = send_some(r, part)) != RC_OK) {
            break;
        }
        taken += part->offset - offset;
    }
    if (rc == RC_OK && r->adds_after) {
        r->step = STEP_ADD;
        return RC_OK;
    }
    if (rc == RC_OK && r->open_ended) { /* nothing was left to say that it was the last with */
        if ((rc = send_wrapped(r, (struct iovec){0}, true)) != RC_OK ||
            !spill_is_empty(&r->to_client))
            return rc;
    }
    if (rc == RC_AGAIN)
        request_wait(r, request_settings(r)->http.send_timeout_ms, 0);
    else if (rc == RC_OK)
        r->step = STEP_DRAIN;
    return rc;
}
