/* What the main context and events say of gate's processes. */
#ifndef GATE_PROCESS_SETTINGS_H
#define GATE_PROCESS_SETTINGS_H

#include "gate/conf/directive.h"

struct process_settings {
    struct span user, group; /* empty: stay as we are */
    struct span pid_file;    /* absolute; empty: none */
    unsigned loops;          /* worker_processes: 1 or more */
    bool daemon, master;
    uint64_t worker_connections;
    uint64_t worker_rlimit_nofile; /* 0: as it is */
    uint64_t worker_rlimit_core;   /* bytes; UINT64_MAX: as it is */
    int worker_priority;           /* nice(2) */
    const char *working_directory; /* where the worker goes; NULL: it stays */
    uint64_t shutdown_timeout_ms;  /* 0: none */
    const uint64_t *cpu_masks;     /* worker_cpu_affinity, by loop; NULL: none */
    size_t cpu_masks_count;
    bool cpu_auto; /* while it is read: one CPU for each loop */
};

/* Their directives: parts are struct process_settings. */
extern const struct directive process_directives[];

/*
 * What holds where nothing is said. As nginx: one loop, in the background. As gate: a loop for each CPU, in the
 * foreground.
 */
void process_settings_begin(struct process_settings *s, bool as_nginx);

/* When all is read. */
enum rc process_settings_finish(struct conf *conf, struct process_settings *s);

#endif
