/* Internal redirects, and the pages that stand in for errors. */
#include "gate/request.h"

enum { REDIRECTS_MAX = 10 };

bool request_may_redirect(struct request *r, const char *how, struct span to)
{
    if (++r->redirects <= REDIRECTS_MAX)
        return true;
    request_log(r, LOG_LEVEL_ERROR, "rewrite or internal redirection cycle while %s \"%.*s\"",
                how, SPAN_ARG(to));
    return false;
}

bool request_with_slash(struct request *r, struct span *path)
{
    struct buffer whole;

    if (path->len > 0 && path->at[0] == '/')
        return true;
    whole = buffer_over(request_memory(r, path->len + 1), path->len + 1);
    if (!whole.at)
        return false;
    buffer_add_byte(&whole, '/');
    buffer_add(&whole, *path);
    *path = buffer_span(&whole);
    return true;
}

enum rc request_redirect(struct request *r, struct span path, struct span args)
{
    if (!request_may_redirect(r, "internally redirecting to", path))
        return request_answer_status(r, 500);
    if (!request_with_slash(r, &path))
        return RC_MEMORY;
    r->path = path;
    r->args = args.len > 0 ? args : (struct span){0};
    r->has_args = args.len > 0;
    r->path_is_plain = false;
    r->path_changed = true;
    r->alias_is_folder = r->path_left = false;
    r->is_internal = true;
    r->named = NULL;
    r->step = STEP_REDIRECT;
    return RC_OK;
}

static enum rc redirect_named(struct request *r, struct span name)
{
    if (!request_may_redirect(r, "redirect to named location", name))
        return request_answer_status(r, 500);
    if (r->path.len == 0) {
        request_log(r, LOG_LEVEL_ERROR, "empty URI in redirect to named location \"%.*s\"",
                    SPAN_ARG(name));
        return request_answer_status(r, 500);
    }
    r->named = location_find_named(&r->server->outer.inner, name);
    if (!r->named) {
        request_log(r, LOG_LEVEL_ERROR, "could not find named location \"%.*s\"",
                    SPAN_ARG(name));
        return request_answer_status(r, 500);
    }
    r->is_internal = true;
    r->step = STEP_REDIRECT;
    return RC_OK;
}

enum rc request_redirect_to(struct request *r, struct span to)
{
    struct span path;

    if (to.len > 0 && to.at[0] == '@')
        return redirect_named(r, to);
    path = span_cut(&to, span_find(to, '?'));
    span_cut(&to, 1);
    return request_redirect(r, path, to);
}

enum rc request_redirect_continue(struct request *r)
{
    const struct location *named = r->named;

    r->named = NULL;
    if (r->searches) {
        r->searches = false;
        return request_search(r);
    }
    return named ? request_enter(r, named) : request_locate(r);
}

/* ---- try_files ---- */

static void log_try(void *subject, const char *what)
{
    request_log(subject, LOG_LEVEL_CRIT, "%s", what);
}

enum rc request_try_files(struct request *r, const struct try_files *files)
{
    const struct respond_settings *respond = &request_settings(r)->respond;
    struct buffer root = buffer_over(r->service->out, SCRATCH_OUT);
    struct try_files_subject subject = {
        .variables = r,
        .arena = &r->arena,
        .path = r->path,
        .is_alias = respond->root_is_alias,
        .replaced = respond->root_is_alias ? respond->alias_len : 0,
    };
    struct file_way way;
    struct span text = {0};

    template_write(&respond->root, r, &root);
    subject.root = buffer_span(&root);
    way = request_file_way(r);
    subject.way = &way;
    switch (root.full ? TRY_FILES_FAILED : try_files_look(files, &subject, &text, log_try)) {
    case TRY_FILES_FOUND:
        r->alias_is_folder = respond->root_is_alias && respond->alias_len == SIZE_MAX;
        r->path = text;
        r->path_is_plain = false;
        request_trace(r, files->node, "\"%.*s\" is there", SPAN_ARG(text));
        return request_content(r);
    case TRY_FILES_ANSWER:
        request_trace(r, files->node, "none is there: answers %u", files->code);
        return request_answer_status(r, files->code);
    case TRY_FILES_REDIRECT:
        request_trace(r, files->node, "none is there: goes on with \"%.*s\"", SPAN_ARG(text));
        return request_redirect_to(r, text);
    case TRY_FILES_FAILED:
        break;
    }
    request_log(r, LOG_LEVEL_ERROR, "a name of \"try_files\" is too long");
    return request_answer_status(r, 500);
}

/* ---- error pages ---- */

const struct error_page *request_error_page(const struct request *r, unsigned status)
{
    const struct respond_settings *respond = &request_settings(r)->respond;

    if (r->error_paged || r->redirects > REDIRECTS_MAX)
        return NULL;
    return error_page_find(respond->error_pages, respond->error_pages_count, status);
}

static bool is_redirect(unsigned code)
{
    return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
}

enum rc request_redirect_error(struct request *r, const struct error_page *page)
{
    struct buffer text = buffer_over(r->service->in, SCRATCH_IN);
    struct span to;

    r->error_paged = !request_settings(r)->respond.recursive_error_pages;
    request_forget_origin(r);
    if (page->answer != ERROR_PAGE_KEEPS)
        r->error_status = (unsigned)page->answer;
    request_close_file(r);
    template_write(&page->to, r, &text);
    to = arena_copy(&r->arena, buffer_span(&text));
    if (!to.at)
        return RC_MEMORY;
    request_trace(r, page->node, "\"%.*s\" stands in for %u", SPAN_ARG(to), page->status);
    if (to.len > 0 && to.at[0] == '/') {
        r->method_is_get = !r->is_head || r->parent;
        r->head.method = r->method_is_get ? METHOD_GET : METHOD_HEAD;
        return request_redirect_to(r, to);
    }
    if (to.len > 0 && to.at[0] == '@')
        return request_redirect_to(r, to);
    r->error_paged = true; /* it ends here */
    return request_answer_redirect(r, is_redirect(r->error_status) ? r->error_status : 302,
                                   to);
}
