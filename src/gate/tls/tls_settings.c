#include "gate/tls/tls_settings.h"

#include <stddef.h>

#include "base/units.h"
#include "gate/conf/slot.h"
#include "gate/conf/value.h"

#define AT(member) .offset = offsetof(struct tls_settings, member)
#define DROPPED .offset = CONF_NOWHERE

enum {
    PLACE = CONF_HTTP | CONF_SERVER,
    CACHE_MIN = 8 * 4096, /* as nginx: eight pages */
    PAIRS_MAX = 1 << 20,
};

const struct conf_choice tls_protocol_choices[] = {
    {"TLSv1", TLS_1_0},
    {"TLSv1.1", TLS_1_1},
    {"TLSv1.2", TLS_1_2},
    {"TLSv1.3", TLS_1_3},
    {"SSLv2", 0},
    {"SSLv3", 0},
    {0},
};

static const struct conf_choice verify_choices[] = {
    {"off", TLS_VERIFY_OFF},
    {"on", TLS_VERIFY_ON},
    {"optional", TLS_VERIFY_OPTIONAL},
    {"optional_no_ca", TLS_VERIFY_OPTIONAL_NO_CA},
    {0},
};

/* The file that the directive names; empty where it names none. */
static enum rc file_of(struct conf *conf, struct span *file)
{
    struct span word = conf_word(conf, 1);

    if (span_find(word, '$') < word.len)
        return conf_fail(conf, 1, NULL,
                         "a variable in \"%.*s\" is something that gate does not have yet",
                         SPAN_ARG(conf_word(conf, 0)));
    if (span_starts(word, SPAN("data:")) || span_starts(word, SPAN("engine:")) ||
        span_starts(word, SPAN("store:")))
        return conf_fail(
            conf, 1, "name a PEM file",
            "\"%.*s\" names something other than a file: gate does not have that yet",
            SPAN_ARG(conf_word(conf, 0)));
    *file = word.len > 0 ? conf_path(conf, conf->directory, word) : (struct span){0};
    return word.len > 0 && !file->at ? conf_no_memory(conf) : RC_OK;
}

enum rc tls_set_file(struct conf *conf, const struct directive *d, void *part)
{
    return file_of(conf, (struct span *)((char *)part + d->offset));
}

enum rc tls_set_command(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_commands *commands = (struct tls_commands *)((char *)part + d->offset);
    struct tls_command *command;

    if (!conf->again)
        *commands = (struct tls_commands){0};
    command = conf_add(conf, (void **)&commands->all, &commands->count, sizeof *commands->all);
    if (!command)
        return RC_MEMORY;
    command->name = arena_text(conf->arena, conf_word(conf, 1));
    command->value = arena_text(conf->arena, conf_word(conf, 2));
    return command->name && command->value ? RC_OK : conf_no_memory(conf);
}

/* Is it something that a template makes a path of? */
static bool is_made(struct span word)
{
    return span_find(word, '$') < word.len;
}

/* Adds the word for a certificate or key to both lists: a file, "data:...", or something with variables. */
static enum rc add_source(struct conf *conf, const struct span **list,
                          const struct template **texts, size_t *count)
{
    struct span word = conf_word(conf, 1), *sources = NULL, *source;
    struct template *all = NULL, *text;
    const size_t before = conf->again ? *count : 0;
    size_t count_again = before;

    if (!span_starts(word, SPAN("data:")) && !is_made(word)) {
        enum rc rc = file_of(conf, &word);

        if (rc != RC_OK)
            return rc;
    }
    if (conf->again) {
        memcpy(&sources, list, sizeof sources);
        memcpy(&all, texts, sizeof all);
    }
    *count = before;
    source = conf_add(conf, (void **)&sources, count, sizeof *sources);
    text = conf_add(conf, (void **)&all, &count_again, sizeof *all);
    if (!source || !text)
        return RC_MEMORY;
    *source = word;
    *list = sources;
    *texts = all;
    return conf_template(conf, 1, word, text);
}

/* Adds a file to a list. */
static enum rc add_file(struct conf *conf, const struct span **list, size_t *count)
{
    struct span word, *files = NULL, *file;
    enum rc rc = file_of(conf, &word);

    if (rc != RC_OK)
        return rc;
    if (conf->again)
        memcpy(&files, list, sizeof files);
    else
        *count = 0;
    file = conf_add(conf, (void **)&files, count, sizeof *files);
    if (!file)
        return RC_MEMORY;
    *file = word;
    *list = files;
    return RC_OK;
}

static enum rc set_certificate(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_settings *s = part;

    (void)d;
    return add_source(conf, &s->certificates, &s->certificate_texts, &s->count);
}

static enum rc set_key(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_settings *s = part;

    (void)d;
    return add_source(conf, &s->keys, &s->key_texts, &s->keys_count);
}

static enum rc set_ticket_key(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_settings *s = part;

    (void)d;
    return add_file(conf, &s->ticket_keys, &s->ticket_keys_count);
}

/* "shared:NAME:SIZE" */
static enum rc parse_shared(struct conf *conf, size_t i, uint64_t *size)
{
    struct span word = conf_word(conf, i), name;

    span_cut(&word, strlen("shared:"));
    name = span_cut(&word, span_find(word, ':'));
    span_cut(&word, 1);
    if (name.len == 0 || value_parse_size(word, false, size) != RC_OK)
        return conf_fail(conf, i, "shared:NAME:SIZE", "invalid session cache \"%.*s\"",
                         SPAN_ARG(conf_word(conf, i)));
    if (*size < CACHE_MIN)
        return conf_fail(conf, i, NULL, "session cache \"%.*s\" is too small",
                         SPAN_ARG(conf_word(conf, i)));
    return RC_OK;
}

static enum rc set_session_cache(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_settings *s = part;
    uint64_t size = 0;
    enum rc rc;

    (void)d;
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);

        if (span_starts(word, SPAN("shared:"))) {
            if ((rc = parse_shared(conf, i, &size)) != RC_OK)
                return rc;
        } else if (!span_equal(word, SPAN("off")) && !span_equal(word, SPAN("none")) &&
                   !span_equal(word, SPAN("builtin")) &&
                   !span_starts(word, SPAN("builtin:"))) {
            return conf_fail(conf, i, NULL, "invalid session cache \"%.*s\"", SPAN_ARG(word));
        }
    }
    s->session_cache_size = size;
    return RC_OK;
}

static enum rc lacks(struct conf *conf, const char *what, const char *of, struct span name)
{
    enum rc rc;

    if (span_starts(name, span_text(conf->directory)))
        span_cut(&name, strlen(conf->directory)); /* as it was written */
    conf->joined = true;
    rc = name.len > 0 ? conf_fail(conf, 0, NULL, "no \"%s\" is defined for %s \"%.*s\"", what,
                                  of, SPAN_ARG(name))
                      : conf_fail(conf, 0, NULL, "no %s for %s", what, of);
    conf->joined = false;
    return rc;
}

static enum rc set_curves(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_settings *s = part;
    struct span word = conf_word(conf, 1);

    (void)d;
    if (span_equal(word, SPAN("auto")))
        word = (struct span){0};
    s->curves = word;
    return RC_OK;
}

static enum rc set_stapling(struct conf *conf, const struct directive *d, void *part)
{
    bool on = false;
    const struct directive flag = {.name = d->name, .offset = 0};
    enum rc rc = conf_set_flag(conf, &flag, &on);

    (void)part;
    if (rc == RC_OK && on)
        conf_warn(conf, 0,
                  "name a file that something else keeps fresh with ssl_stapling_file",
                  "\"ssl_stapling\" has no effect: gate asks no OCSP responder");
    return rc;
}

/* "off" or "max=N [inactive=TIME] [valid=TIME]" */
static enum rc set_pair_cache(struct conf *conf, const struct directive *d, void *part)
{
    struct tls_settings *s = part;
    uint64_t max = 0, inactive_s = 10, valid_s = 60;

    (void)d;
    s->cache_max = 0;
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i), name = span_cut(&word, span_find(word, '='));
        enum rc rc = RC_FORMAT;

        span_cut(&word, 1);
        if (span_equal(conf_word(conf, i), SPAN("off")) && conf_words(conf) == 2)
            return RC_OK;
        if (span_equal(name, SPAN("max")))
            rc = units_parse_number(word, PAIRS_MAX, &max);
        else if (span_equal(name, SPAN("inactive")))
            rc = value_parse_seconds(word, &inactive_s);
        else if (span_equal(name, SPAN("valid")))
            rc = value_parse_seconds(word, &valid_s);
        if (rc != RC_OK || (span_equal(name, SPAN("max")) && max == 0))
            return conf_fail(conf, i, "off, or max=NUMBER inactive=TIME valid=TIME",
                             "invalid parameter \"%.*s\"", SPAN_ARG(conf_word(conf, i)));
    }
    if (max == 0)
        return conf_fail(conf, 0, "max=NUMBER",
                         "\"ssl_certificate_cache\" must have the \"max\" parameter");
    s->cache_max = max;
    s->cache_inactive_ms = inactive_s * 1000;
    s->cache_valid_ms = valid_s * 1000;
    return RC_OK;
}

enum rc tls_settings_check(struct conf *conf, struct tls_settings *s)
{
    s->directory = span_text(conf->directory);
    s->pairs_vary = false;
    for (size_t i = 0; i < s->count && i < s->keys_count; i++)
        s->pairs_vary = s->pairs_vary || !template_is_constant(&s->certificate_texts[i]) ||
                        !template_is_constant(&s->key_texts[i]);
    if (s->keys_count < s->count)
        return lacks(conf, "ssl_certificate_key", "certificate",
                     s->certificates[s->keys_count]);
    if (s->count > 0 && s->verify_client != TLS_VERIFY_OFF &&
        s->verify_client != TLS_VERIFY_OPTIONAL_NO_CA && s->client_certificate.len == 0 &&
        s->trusted_certificate.len == 0)
        return lacks(conf, "ssl_client_certificate", "ssl_verify_client", (struct span){0});
    return RC_OK;
}

const struct directive tls_directives[] = {
    {"ssl_certificate", PLACE, 1, 1, true, .set = set_certificate,
     .doc = "A PEM file with the server's certificate and those between it and the root, or "
            "data: and "
            "what would be in it; several for several kinds of key. Where it has variables, "
            "such as "
            "$ssl_server_name, it is read at each handshake, by the worker, and a failure "
            "ends that "
            "handshake alone."},
    {"ssl_certificate_key", PLACE, 1, 1, true, .set = set_key,
     .doc = "A PEM file with the key of that certificate, or data: and what would be in it; "
            "with variables "
            "as that."},
    {"ssl_protocols", PLACE, 1, CONF_MANY, true, .set = conf_set_choices, AT(protocols),
     .of = tls_protocol_choices, .standard = "TLSv1.2 TLSv1.3",
     .doc = "The versions of TLS that are offered to clients."},
    {"ssl_ciphers", PLACE, 1, 1, .set = conf_set_text, AT(ciphers),
     .standard = "HIGH:!aNULL:!MD5",
     .doc = "The ciphers that are offered to clients, in OpenSSL's words."},
    {"ssl_prefer_server_ciphers", PLACE, 1, 1, .set = conf_set_flag, AT(prefer_server_ciphers),
     .standard = "off", .doc = "The server's order of ciphers goes before the client's."},
    {"ssl_session_cache", PLACE, 1, 2, .set = set_session_cache, .standard = "none",
     .doc = "Keeps sessions for clients that come back: off, none, or shared:NAME:SIZE."},
    {"ssl_session_timeout", PLACE, 1, 1, .set = conf_set_seconds_ms, AT(session_timeout_ms),
     .standard = "5m", .doc = "How long a session may be taken up again."},
    {"ssl_session_tickets", PLACE, 1, 1, .set = conf_set_flag, AT(session_tickets),
     .standard = "on", .doc = "Gives clients tickets to take their session up again."},
    {"ssl_session_ticket_key", PLACE, 1, 1, true, .set = set_ticket_key,
     .doc =
         "A file of 48 or 80 random bytes that tickets are encrypted with, so that they hold "
         "for "
         "several machines and over reloads; of several, the first encrypts, and the others "
         "decrypt what they did before. Without one, keys are made at each start."},
    {"ssl_password_file", PLACE, 1, 1, .set = tls_set_file, AT(password_file),
     .doc = "A file of pass phrases, one a line, that keys are tried with."},
    {"ssl_verify_client", PLACE, 1, 1, .set = conf_set_choice, AT(verify_client),
     .of = verify_choices, .standard = "off",
     .doc = "Asks clients for a certificate: on refuses those without one, optional does "
            "without, and optional_no_ca takes one of any authority as well, for others to "
            "judge."},
    {"ssl_verify_depth", PLACE, 1, 1, .set = conf_set_number, AT(verify_depth),
     .standard = "1",
     .doc = "How many certificates may stand between a client's and the root."},
    {"ssl_client_certificate", PLACE, 1, 1, .set = tls_set_file, AT(client_certificate),
     .doc = "A PEM file with the authorities of clients' certificates; their names are sent "
            "to clients."},
    {"ssl_trusted_certificate", PLACE, 1, 1, .set = tls_set_file, AT(trusted_certificate),
     .doc = "More such authorities, whose names are not sent."},
    {"ssl_crl", PLACE, 1, 1, .set = tls_set_file, AT(crl),
     .doc = "A PEM file with the lists of what those authorities have revoked."},
    {"ssl_conf_command", PLACE, 2, 2, true, .set = tls_set_command, AT(commands),
     .doc = "A setting of OpenSSL in its own words: a command and its value."},
    {"ssl_dhparam", PLACE, 1, 1, .set = tls_set_file, AT(dh_parameters),
     .doc = "A PEM file with parameters for Diffie-Hellman with clients of old."},
    {"ssl_ecdh_curve", PLACE, 1, 1, .set = set_curves, .standard = "auto",
     .doc = "The curves that are offered to clients, in OpenSSL's words."},
    {"ssl_reject_handshake", PLACE, 1, 1, .set = conf_set_flag, AT(rejects), .standard = "off",
     .doc = "Ends every handshake with this server, which needs no certificate then."},
    {"ssl_stapling_file", PLACE, 1, 1, .set = tls_set_file, AT(staple),
     .doc = "A file with an answer of OCSP, in DER, that is sent along with the certificate."},
    {"ssl_stapling", PLACE, 1, 1, .set = set_stapling, .standard = "off",
     .doc = "Accepted, of no effect: ssl_stapling_file names what is sent."},
    {"ssl_stapling_verify", PLACE, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: ssl_stapling_file names what is sent."},
    {"ssl_stapling_responder", PLACE, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: ssl_stapling_file names what is sent."},
    {"ssl_early_data", PLACE, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: gate takes no early data, which can be replayed."},
    {"ssl_certificate_cache", PLACE, 1, 3, .set = set_pair_cache, .standard = "off",
     .doc =
         "Keeps max=NUMBER certificates and keys that variables named at hand, until nobody "
         "has "
         "asked for one for inactive=10s, and reads them anew after valid=60s; off for none."},
    {"ssl_certificate_compression", PLACE, 1, 1, .set = conf_accept,
     .doc = "Accepted, of no effect: certificates are sent as they are."},
    {"ssl_buffer_size", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: records are as large as what there is to send."},
    {0},
};
