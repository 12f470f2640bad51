/*
 * What a loop does with the connections that were accepted for it: from the first byte to the
 * last line of the log. One per loop; every call comes from the loop's own thread.
 */
#ifndef GATE_SERVICE_H
#define GATE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "io/address.h"
#include "io/loop.h"

struct service;
struct site;
struct listener;

/* `index` is the loop's number, from 0. Holds a reference to the site until service_close. */
enum rc service_open(struct service **out, struct loop *loop, struct site *site,
                     unsigned index, struct fault *why);

/* Takes the fd, which is non-blocking and close-on-exec. */
void service_accept(struct service *s, const struct listener *listener, int fd,
                    const struct address *from);

/* Goes on with requests that other loops have woken. */
void service_take_woken(struct service *s);

/*
 * Closes connections that have been idle for a while now, and the others when they finish; one that has not asked anything yet may
 * still do so once.
 */
void service_drain(struct service *s);

/* How many clients are connected now. */
size_t service_connections(const struct service *s);

/* Of all loops: accepted ever and open now, and when the worker began. */
void service_requests(uint64_t *begun, uint64_t *busy);
void service_totals(uint64_t *accepted, uint64_t *active, uint64_t *began_ms);

/* No connection is left. */
bool service_is_idle(const struct service *s);

/* Ends what is left at once. Harmless on NULL. */
void service_close(struct service *s);

#endif
