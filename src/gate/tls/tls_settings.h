/* TLS towards clients, as a server block has it, and towards origins, as a location has it. */
#ifndef GATE_TLS_TLS_SETTINGS_H
#define GATE_TLS_TLS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "gate/conf/slot.h"

enum tls_protocol { TLS_1_0 = 1, TLS_1_1 = 2, TLS_1_2 = 4, TLS_1_3 = 8 };

/* ssl_conf_command: a setting of the library, in its words. */
struct tls_command {
    const char *name, *value;
};

struct tls_commands {
    struct tls_command *all;
    size_t count;
};

/* ssl_verify_client: are clients asked for a certificate, and which one will do? */
enum tls_verify {
    TLS_VERIFY_OFF,
    TLS_VERIFY_ON,
    TLS_VERIFY_OPTIONAL,
    TLS_VERIFY_OPTIONAL_NO_CA, /* also one of an authority that nobody knows */
};

struct tls_settings {
    const struct span *certificates; /* PEM files, absolute, or "data:..."; as many keys */
    const struct span *keys;
    size_t count, keys_count;
    /* The same with variables: they are read at each handshake where pairs_vary. */
    const struct template *certificate_texts, *key_texts;
    bool pairs_vary;
    struct span directory; /* what relative paths of those start with */
    uint64_t cache_max;    /* pairs that stay at hand then; 0: none */
    uint64_t cache_inactive_ms, cache_valid_ms;
    unsigned protocols;
    struct span ciphers;
    bool prefer_server_ciphers;
    uint64_t session_timeout_ms;
    uint64_t session_cache_size; /* bytes of a shared cache; 0: none but tickets */
    bool session_tickets;
    const struct span *ticket_keys; /* files, the one for new tickets first */
    size_t ticket_keys_count;
    struct span password_file; /* of keys that are encrypted; absolute, as all files here */
    unsigned verify_client;    /* enum tls_verify */
    uint64_t verify_depth;
    struct span client_certificate;  /* authorities, which clients are told */
    struct span trusted_certificate; /* more of them, which they are not */
    struct span crl;
    struct tls_commands commands;
    struct span dh_parameters, curves; /* a file; a list in the library's words, or empty */
    struct span staple;                /* a file with an answer of OCSP, as it is sent on */
    bool rejects;                      /* every handshake */
    struct span name;                  /* of the server: sessions are for it alone */
    struct tls_server
        *server; /* made of those, for a server that has certificates; NULL otherwise */
};

struct tls_client_settings {
    bool verify;           /* the origin's certificate, for the name it is asked by */
    uint64_t verify_depth; /* intermediate certificates between its own and the trusted one */
    unsigned protocols;    /* bits of enum tls_protocol */
    struct span ciphers;   /* empty: the library's */
    struct span trusted_certificate;          /* a PEM file, absolute; empty: the system's */
    struct span crl;                          /* likewise; empty: none */
    struct span certificate, certificate_key; /* our own; empty: none */
    struct span password_file;
    struct tls_commands commands;
    bool session_reuse;
    bool send_name; /* in the hello (SNI), so that the origin can choose a certificate */
};

/* ssl_protocols and the like: a list for conf_set_choices. */
extern const struct conf_choice tls_protocol_choices[];

/* Setters of a file, with the directory of the configuration in front, and of commands: of both sides' directives. */
enum rc tls_set_file(struct conf *conf, const struct directive *d, void *part);
enum rc tls_set_command(struct conf *conf, const struct directive *d, void *part);

/* Directives of tls_settings. */
extern const struct directive tls_directives[];

/* As many keys as certificates, authorities where clients are verified? Faults are added at conf->node. */
enum rc tls_settings_check(struct conf *conf, struct tls_settings *s);

#endif
