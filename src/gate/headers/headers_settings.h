/* What a location adds to its answers' heads and trailers. */
#ifndef GATE_HEADERS_HEADERS_SETTINGS_H
#define GATE_HEADERS_HEADERS_SETTINGS_H

#include "gate/conf/directive.h"
#include "gate/headers/expires.h"
#include "gate/http/head.h"

struct added_field {
    struct span name;
    enum field_id id;      /* FIELD_OTHER for most */
    struct template value; /* empty when evaluated: the field is left out */
    bool always;           /* whatever the status; else those of headers_is_usual alone */
    const struct conf_node *node; /* where it stands */
};

enum added_inherit { ADDED_INHERIT_ON, ADDED_INHERIT_OFF, ADDED_INHERIT_MERGE };

struct added_fields {
    const struct added_field *fields; /* all that are in force, once the context is read */
    size_t count;

    /* while it is read */
    const struct added_field *said; /* in this context */
    size_t said_count;
    unsigned inherit;                 /* enum added_inherit */
    const struct added_fields *outer; /* the outer context's; NULL: there is none */
};

struct headers_settings {
    bool used; /* anything at all: what is asked first for every answer */
    bool expires_is_text, expires_is_modified;
    struct expires expires;
    struct template expires_text; /* with variables: parsed for each answer */
    struct added_fields headers, trailers;
};

/* Their directives: parts are struct headers_settings. */
extern const struct directive headers_directives[];

/* Before a context's directives are read: `s` is a copy of `outer`, which stays where it is until then. */
void headers_settings_enter(struct headers_settings *s, const struct headers_settings *outer);

/* After them. RC_MEMORY. */
enum rc headers_settings_finish(struct conf *conf, struct headers_settings *s);

#endif
