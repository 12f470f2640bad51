/* "gate dev 8001 /api/=8002": a front end and its back ends under one origin, without a configuration file. */
#ifndef GATE_COMMAND_DEV_H
#define GATE_COMMAND_DEV_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/text.h"

struct dev_options {
    const char *port; /* --port; NULL: 8000 */
    bool print;       /* --print: show the configuration instead of serving */
    bool help;
};

/*
 * The words behind "dev", which are moved about. A target is PORT, HOST:PORT or http(s)://HOST[:PORT][/PATH], and what it
 * is for is PATH=TARGET, or TARGET alone for "/". `out` gets the text of the equivalent configuration, and
 * `greeting` what a person is told once it is served; neither with --help.
 *
 * RC_USAGE  the fault says which word, and how to write it
 */
enum rc dev_configuration(char **words, int count, struct dev_options *options,
                          struct text *out, struct text *greeting, struct fault *why);

/* What --help says, on standard output. */
void dev_help(void);

#endif
