/* HTTP's dates: RFC 9110, section 5.6.7. */
#ifndef GATE_RESPOND_HTTP_DATE_H
#define GATE_RESPOND_HTTP_DATE_H

#include <stdbool.h>
#include <time.h>

#include "base/span.h"

enum { HTTP_DATE_LEN = 29 };

/* "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. Years 1 to 9999; others are cut to these. */
void http_date_format(time_t when, char text[HTTP_DATE_LEN]);

/* All three forms: IMF-fixdate, RFC 850 ("Sunday, 06-Nov-94 ..."), asctime. False: not a date.
 */
bool http_date_parse(struct span text, time_t *when);

#endif
