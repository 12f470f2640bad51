/* proxy_store: what an origin answers stays as a file. */
#include "gate/request_proxy.h"
#include "gate/respond/file.h"
#include "gate/respond/http_date.h"

enum { PATH_SIZE = 4096 };

/* Where it goes: as the directive says, or where the location's files are. */
static bool find_path(struct request *r, struct buffer *path)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    struct buffer root = buffer_over(r->service->out, SCRATCH_OUT);

    if (!proxy_of(r)->store_in_root) {
        template_write(&proxy_of(r)->store, r, path);
        return !path->full;
    }
    template_write(&respond->root, r, &root);
    return !root.full &&
           file_path(buffer_span(&root), request_replaced_by_alias(r), r->path, path);
}

void request_begin_store(struct request *r)
{
    struct buffer path = buffer_over(r->service->out + SCRATCH_OUT / 2, PATH_SIZE);
    struct fault why = {0};

    if (!proxy_of(r)->stores || r->answer.code != 200 || r->is_head || r->unbuffered ||
        !(proxy_of(r)->buffering || r->buffered) || r->stored.path)
        return;
    if (!find_path(r, &path) || !stored_file_is_path(buffer_span(&path)))
        request_log(r, LOG_LEVEL_ERROR,
                    "\"proxy_store\" does not store \"%.*s\": no file can have such a path",
                    SPAN_ARG(buffer_span(&path)));
    else if (stored_file_begin(&r->stored, buffer_span(&path), proxy_of(r)->store_access,
                               &why) != RC_OK)
        request_log(r, LOG_LEVEL_ERROR, "%s while storing the answer", why.text);
}

void request_store(struct request *r, const struct body_cut *cut)
{
    struct fault why = {0};

    for (int i = 0; r->stored.path && i < cut->count; i++) {
        const struct iovec *piece = &cut->pieces[i];

        if (stored_file_add(&r->stored, span_of(piece->iov_base, piece->iov_len), &why) ==
            RC_OK)
            continue;
        request_log(r, LOG_LEVEL_CRIT, "%s while storing the answer", why.text);
        stored_file_clear(&r->stored);
    }
}

void request_end_store(struct request *r)
{
    const struct field *field = head_find(&r->answer.head, FIELD_LAST_MODIFIED);
    struct fault why = {0};
    time_t modified;
    bool is_dated;

    if (!r->stored.path)
        return;
    is_dated = field && http_date_parse(field_value(&r->answer.head, field), &modified);
    if (stored_file_end(&r->stored, proxy_of(r)->store_access, is_dated ? &modified : NULL,
                        &why) != RC_OK)
        request_log(r, LOG_LEVEL_ERROR, "%s while storing the answer", why.text);
}

bool request_outlives_client(struct request *r)
{
    if (!r->stored.path || r->down.done || !r->up.done)
        return false;
    if (!r->unheard)
        request_log(r, LOG_LEVEL_INFO, "client prematurely closed connection");
    r->unheard = true;
    r->keep_alive = false;
    spill_clear(&r->to_client);
    return true;
}
