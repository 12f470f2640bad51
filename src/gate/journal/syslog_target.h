/* A syslog server as a place for logs: datagrams in the form of RFC 3164. */
#ifndef GATE_JOURNAL_SYSLOG_TARGET_H
#define GATE_JOURNAL_SYSLOG_TARGET_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/fault.h"
#include "io/address.h"

enum { SYSLOG_LINE_MAX = 8192, SYSLOG_TAG_MAX = 32, SYSLOG_HOST_MAX = 256 };

struct syslog_target {
    struct span server; /* as configured */
    unsigned facility;  /* 0 .. 23 */
    unsigned severity;  /* of lines without a level of their own: enum log_level */
    struct span tag;
    bool without_host;
    char host[SYSLOG_HOST_MAX]; /* this machine's name */
    struct address address;     /* once looked up */
};

/*
 * What stands behind "syslog:", e.g. "server=[::1]:5140,facility=local7,tag=web". The text must
 * outlive the target; `tag` holds where it names none. RC_FORMAT, with the parameter that is off.
 */
enum rc syslog_target_parse(struct syslog_target *target, struct span text, struct span tag,
                            struct fault *why);

/*
 * A socket that does not block. A name is looked up, which does. RC_NOT_FOUND, RC_IO. A server on a
 * Unix socket that is not there yet is no failure: syslog_target_send tries again.
 */
enum rc syslog_target_open(struct syslog_target *target, int *fd, struct fault *why);

/* One line, its newline left out. False: it was dropped, and errno says why. Any thread. */
bool syslog_target_send(const struct syslog_target *target, int fd, int level,
                        struct span line);

#endif
