/*
 * Setters for the usual kinds of value, each into part + d->offset (or nowhere, with CONF_NOWHERE), with nginx's
 * words for what is wrong.
 */
#ifndef GATE_CONF_SLOT_H
#define GATE_CONF_SLOT_H

#include "gate/conf/directive.h"

/* A word of a fixed list. The last one has no name. */
struct conf_choice {
    const char *name;
    unsigned value;
};

enum rc conf_set_flag(struct conf *conf, const struct directive *d, void *part); /* bool */
enum rc conf_set_number(struct conf *conf, const struct directive *d,
                        void *part);                                             /* uint64_t */
enum rc conf_set_size(struct conf *conf, const struct directive *d, void *part); /* uint64_t */
enum rc conf_set_offset(struct conf *conf, const struct directive *d, void *part); /* with g */
enum rc conf_set_milliseconds(struct conf *conf, const struct directive *d, void *part);
enum rc conf_set_seconds(struct conf *conf, const struct directive *d, void *part);
/* A time in nginx's seconds, kept in milliseconds. */
enum rc conf_set_seconds_ms(struct conf *conf, const struct directive *d, void *part);
enum rc conf_set_text(struct conf *conf, const struct directive *d,
                      void *part); /* struct span */
enum rc conf_set_template(struct conf *conf, const struct directive *d,
                          void *part); /* struct template */
enum rc conf_set_predicates(struct conf *conf, const struct directive *d,
                            void *part); /* struct predicates */

/* unsigned: the value of the word in d->of, a list of struct conf_choice; or the sum of several words' values */
enum rc conf_set_choice(struct conf *conf, const struct directive *d, void *part);
enum rc conf_set_choices(struct conf *conf, const struct directive *d, void *part);

/* "NUMBER SIZE", both uint64_t, one behind the other */
enum rc conf_set_buffers(struct conf *conf, const struct directive *d, void *part);

/* Right in form, and of no effect. */
enum rc conf_accept(struct conf *conf, const struct directive *d, void *part);

#endif
