/* The zones of a configuration: named, each of one kind, kept over a reload where the next one has the same. */
#ifndef GATE_ZONE_ZONES_H
#define GATE_ZONE_ZONES_H

#include "gate/conf/directive.h"
#include "gate/zone/zone.h"

enum zone_kind { ZONE_LIMIT_REQ, ZONE_LIMIT_CONN, ZONE_STICKY, ZONE_UPSTREAM };

struct zone_line {
    struct span name;
    enum zone_kind kind;
    struct template key; /* none for sticky and upstream */
    uint64_t size;       /* 0: named, but not defined (yet) */
    uint64_t rate;       /* limit_req: thousandths of a request a second */
    struct zone *zone;   /* NULL until zones_open; of an upstream always */
    const struct conf_node *node;
};

struct zones {
    struct zone_line **all;
    size_t count;
};

/* The one of that name and kind, new where there is none; NULL, with a fault, where the name is another kind's. */
struct zone_line *zones_get(struct conf *conf, struct zones *zones, size_t word,
                            struct span name, enum zone_kind kind);

/* "NAME:SIZE" behind `prefix` in a word: defines it. */
enum rc zones_define(struct conf *conf, struct zones *zones, size_t word, const char *prefix,
                     enum zone_kind kind, struct zone_line **out);

/* "zone NAME [SIZE]" of an upstream: several may have the same, one of which says its size. */
enum rc zones_share(struct conf *conf, struct zones *zones, struct zone_line **out);

/* When all is read: a fault for each that is not defined. */
void zones_check(struct conf *conf, const struct zones *zones);

/* Gives each its memory: that of `before` (which may be NULL) where name, kind, key and size are the same. */
enum rc zones_open(const struct zones *zones, const struct zones *before, struct fault *why);
void zones_close(const struct zones *zones);

#endif
