/* Old browsers that a configuration may treat otherwise, by their User-Agent. */
#ifndef GATE_HTTP_BROWSER_H
#define GATE_HTTP_BROWSER_H

#include "base/span.h"

/* "MSIE 4." to "MSIE 6.", but for "MSIE 6." with "SV1" (Windows XP SP2); Opera said so too. */
bool browser_is_msie6(struct span agent);
/* Safari of a Mac, which Chrome and others also name. */
bool browser_is_safari(struct span agent);

#endif
