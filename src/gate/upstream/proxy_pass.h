/* "proxy_pass URL": where a location's requests go. */
#ifndef GATE_UPSTREAM_PROXY_PASS_H
#define GATE_UPSTREAM_PROXY_PASS_H

#include "gate/upstream/proxy_settings.h"

/* The setter: `part` is a struct proxy_settings. */
enum rc proxy_pass_set(struct conf *conf, const struct directive *d, void *part);

#endif
