/* Content types that a directive names: "gzip_types text/css application/json". */
#ifndef GATE_RESPOND_TYPE_LIST_H
#define GATE_RESPOND_TYPE_LIST_H

#include "gate/conf/directive.h"

struct type_list {
    bool all;                 /* "*" */
    const struct span *types; /* besides text/html */
    size_t count;
};

/* Has it the type of a Content-Type field ("text/html; charset=utf-8")? text/html is in every list. */
bool type_list_has(const struct type_list *list, struct span content_type);

/* The setter of such a directive: at part + d->offset. */
enum rc type_list_set(struct conf *conf, const struct directive *d, void *part);

#endif
