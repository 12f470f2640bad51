/* gate -v and -V: who we are, as people and programs ask for it. On standard error. */
#ifndef GATE_VERSION_H
#define GATE_VERSION_H

#include <stdbool.h>

/* `details`: the TLS library and the optional parts, as nginx -V has them. */
void version_print(bool as_nginx, bool details);

#endif
