/* "upstream NAME { server ...; }" */
#ifndef GATE_UPSTREAM_UPSTREAM_BLOCK_H
#define GATE_UPSTREAM_UPSTREAM_BLOCK_H

#include "gate/upstream/proxy_settings.h"

/* Fills what the directives of a block say where they are absent. */
void upstream_block_standards(struct conf *conf, struct upstream_settings *upstream);

/* The setter of the directive "upstream": `part` is a struct proxy_settings. */
enum rc upstream_block_set(struct conf *conf, const struct directive *d, void *part);

#endif
