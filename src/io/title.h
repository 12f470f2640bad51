/* What ps(1) and pgrep(1) show of a process: "gate: worker process". */
#ifndef IO_TITLE_H
#define IO_TITLE_H

/*
 * First in main: titles take the place of the command line and the environment, so `argv` is not to be used any more. Copies of
 * both are made: the one of argv is returned, the environment's is where getenv(3) looks. `name` stands in front of all titles and
 * is kept. Without memory argv is returned, and no title is ever set.
 */
char **title_begin(int argc, char **argv, const char *name);

/* Cut to the room there is; nothing before title_begin. */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "master process" and the words of the command line. */
void title_set_with_words(const char *what);

#endif
