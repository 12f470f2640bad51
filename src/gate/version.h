/* gate -v and -V: who we are, as people and programs ask for it. On standard error. */
#ifndef GATE_VERSION_H
#define GATE_VERSION_H

#include <stdbool.h>

/* Where things are, when nobody says; logs may be NULL. */
struct version_places {
    const char *prefix, *file, *pid_file, *error_log, *access_log;
};

/* `places`: NULL, or for the details, as nginx -V has them: the TLS library, these places and the optional parts. */
void version_print(bool as_nginx, const struct version_places *places);

#endif
