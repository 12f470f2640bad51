/* error_page: what stands in for the page of an error. */
#ifndef GATE_RESPOND_ERROR_PAGE_H
#define GATE_RESPOND_ERROR_PAGE_H

#include "gate/conf/directive.h"

enum {
    ERROR_PAGE_KEEPS = -1, /* the status stays what it was */
    ERROR_PAGE_TAKES = 0,  /* "=": the status is that of the answer which stands in */
};

/* One status of one error_page line. */
struct error_page {
    unsigned status;
    int answer; /* ERROR_PAGE_KEEPS, ERROR_PAGE_TAKES, or the status to answer with: "=200" */
    struct template to; /* "/path?args", "@named", or a URL to redirect to */
    const struct conf_node *node;
};

/* The first one for that status, or NULL. */
const struct error_page *error_page_find(const struct error_page *pages, size_t count,
                                         unsigned status);

/* Adds what the directive says to a list that has *count members: "404 500 =200 /page". */
enum rc error_page_parse(struct conf *conf, const struct error_page **pages, size_t *count);

#endif
