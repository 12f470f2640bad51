/* proxy_ssl_...: TLS towards origins. */
#include <stddef.h>

#include "gate/conf/slot.h"
#include "gate/upstream/proxy_settings.h"

#define AT(member) .offset = offsetof(struct proxy_settings, member)
#define PLACE CONF_ALL_HTTP

struct tls_client_settings proxy_settings_tls(const struct proxy_settings *s)
{
    return (struct tls_client_settings){
        .verify = s->ssl_verify,
        .verify_depth = s->ssl_verify_depth,
        .protocols = s->ssl_protocols,
        .ciphers = s->ssl_ciphers,
        .trusted_certificate = s->ssl_trusted_certificate,
        .session_reuse = s->ssl_session_reuse,
        .crl = s->ssl_crl,
        .certificate = s->ssl_certificate,
        .certificate_key = s->ssl_certificate_key,
        .password_file = s->ssl_password_file,
        .commands = s->ssl_commands,
        .send_name = s->ssl_server_name,
    };
}

enum rc proxy_settings_check_tls(struct conf *conf, const struct proxy_settings *s)
{
    struct span name = s->ssl_certificate;

    if (name.len == 0 || s->ssl_certificate_key.len > 0)
        return RC_OK;
    if (span_starts(name, span_text(conf->directory)))
        span_cut(&name, strlen(conf->directory)); /* as it was written */
    return conf_fail(conf, 0, NULL,
                     "no \"proxy_ssl_certificate_key\" is defined for certificate \"%.*s\"",
                     SPAN_ARG(name));
}

static enum rc set_ssl_name(struct conf *conf, const struct directive *d, void *part)
{
    struct proxy_settings *s = part;

    s->ssl_name_set = true;
    return conf_set_template(conf, d, part);
}

const struct directive proxy_tls_directives[] = {
    {"proxy_ssl_verify", PLACE, 1, 1, .set = conf_set_flag, AT(ssl_verify), .standard = "off",
     .doc = "Checks the server's certificate."},
    {"proxy_ssl_verify_depth", PLACE, 1, 1, .set = conf_set_number, AT(ssl_verify_depth),
     .standard = "1",
     .doc = "How many certificates may stand between the server's and the root."},
    {"proxy_ssl_name", PLACE, 1, 1, .set = set_ssl_name, AT(ssl_name),
     .doc = "The name that the certificate is checked for, and SNI; without it, proxy_pass's "
            "host."},
    {"proxy_ssl_server_name", PLACE, 1, 1, .set = conf_set_flag, AT(ssl_server_name),
     .standard = "off", .doc = "Sends that name to the server (SNI)."},
    {"proxy_ssl_trusted_certificate", PLACE, 1, 1, .set = tls_set_file,
     AT(ssl_trusted_certificate),
     .doc = "A PEM file with the roots to trust; without it, the system's."},
    {"proxy_ssl_protocols", PLACE, 1, CONF_MANY, true, .set = conf_set_choices,
     AT(ssl_protocols), .of = tls_protocol_choices, .standard = "TLSv1.2 TLSv1.3",
     .doc = "The versions of TLS that are offered to servers."},
    {"proxy_ssl_ciphers", PLACE, 1, 1, .set = conf_set_text, AT(ssl_ciphers),
     .standard = "DEFAULT",
     .doc = "The ciphers that are offered to servers, in OpenSSL's words."},
    {"proxy_ssl_session_reuse", PLACE, 1, 1, .set = conf_set_flag, AT(ssl_session_reuse),
     .standard = "on", .doc = "Takes TLS sessions with servers up again."},
    {"proxy_ssl_certificate", PLACE, 1, 1, .set = tls_set_file, AT(ssl_certificate),
     .doc = "A PEM file with the certificate that is shown to servers that ask for one."},
    {"proxy_ssl_certificate_key", PLACE, 1, 1, .set = tls_set_file, AT(ssl_certificate_key),
     .doc = "A PEM file with the key of that certificate."},
    {"proxy_ssl_password_file", PLACE, 1, 1, .set = tls_set_file, AT(ssl_password_file),
     .doc = "A file of pass phrases, one a line, that this key is tried with."},
    {"proxy_ssl_crl", PLACE, 1, 1, .set = tls_set_file, AT(ssl_crl),
     .doc = "A PEM file with the lists of what the authorities of servers' certificates have "
            "revoked."},
    {"proxy_ssl_conf_command", PLACE, 2, 2, true, .set = tls_set_command, AT(ssl_commands),
     .doc = "A setting of OpenSSL towards servers in its own words: a command and its value."},
    {"proxy_ssl_certificate_cache", PLACE, 1, 3, .set = conf_accept,
     .doc = "Accepted, of no effect: certificates are read once."},
    {0},
};
