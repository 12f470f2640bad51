/* Sizes and times as nginx's configuration writes them. */
#ifndef GATE_CONF_VALUE_H
#define GATE_CONF_VALUE_H

#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"

/* Digits and a k, K, m or M behind them; g and G too where `giga`. RC_FORMAT: not of this form, or too large. */
enum rc value_parse_size(struct span text, bool giga, uint64_t *bytes);

/*
 * "1d12h", "1h 30m", "500ms", "15": units in strictly descending order (y M w d h m s ms), blanks between them, a
 * bare number in seconds. In milliseconds: y and M are refused; in seconds: ms is. RC_FORMAT as above.
 */
enum rc value_parse_milliseconds(struct span text, uint64_t *ms);
enum rc value_parse_seconds(struct span text, uint64_t *seconds);

#endif
