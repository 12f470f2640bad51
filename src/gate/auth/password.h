/* A password against what a file of passwords keeps of it: every form that nginx reads. Knows no file and no request. */
#ifndef GATE_AUTH_PASSWORD_H
#define GATE_AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/span.h"

enum { PASSWORD_MAX = 1024 /* bytes of a password; a longer one fits nothing */ };

/*
 * `kept` is one of: {PLAIN}password, {SHA}base64, {SSHA}base64 with salt, $apr1$salt$hash, or whatever the system's
 * crypt(3) knows ($2y$, $5$, $6$, $y$, $1$ and the old form). False also for a form that nobody knows. Takes as
 * long as the form asks: bcrypt and its like stop their thread for that time.
 */
bool password_fits(struct span kept, struct span password);

/* "$apr1$SALT$HASH" of a password; `salt` up to 8 letters. Source: Apache's documentation of its password formats. */
enum { PASSWORD_APR1_SIZE = 6 + 8 + 1 + 22 + 1 };
bool password_apr1(struct span password, struct span salt, char text[PASSWORD_APR1_SIZE]);

#endif
