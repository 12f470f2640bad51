/* The request's body, where all of it is at hand. */
#include "gate/request.h"
#include "gate/variables.h"

bool variables_body(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct request *r = subject;
    const struct h1_request *head = &r->head;

    (void)rest, (void)of;
    if (r->is_kept) {
        *value = span_of(r->body->at, r->body->has_file ? 0 : (size_t)r->body->total);
        return value->len > 0;
    }
    if (r->up_unretained || head->chunked || !head->has_length || head->length == 0 ||
        r->got - head->head.len < head->length || !request_settings(r)->proxy.pass.is_set)
        return false;
    *value = span_of(r->bytes + head->head.len, (size_t)head->length);
    return true;
}

bool variables_body_file(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    const struct request *r = subject;

    (void)rest, (void)of;
    *value = span_text(r->body ? r->body->path : NULL);
    return value->len > 0;
}
