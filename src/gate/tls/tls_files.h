/* Files that both sides read alike; for the files of this room alone. */
#ifndef GATE_TLS_TLS_FILES_H
#define GATE_TLS_TLS_FILES_H

#include <openssl/ssl.h>

#include "base/fault.h"
#include "gate/tls/tls_settings.h"

/* A certificate with what stands between it and the root, and its key, which one of the phrases of a file may open. */
enum rc tls_files_pair(SSL_CTX *context, struct span certificate, struct span key,
                       struct span phrases, struct fault *why);

/* Whom to believe: may be called for several files. */
enum rc tls_files_trust(SSL_CTX *context, struct span file, struct fault *why);

/* Certificates that are revoked; from then on every authority needs its list. */
enum rc tls_files_revoked(SSL_CTX *context, struct span file, struct fault *why);

/* The authorities of the file are named to clients that are asked for a certificate. */
enum rc tls_files_ask_for(SSL_CTX *context, struct span file, struct fault *why);

/* Parameters for Diffie-Hellman. */
enum rc tls_files_dh(SSL_CTX *context, struct span file, struct fault *why);

/* ssl_conf_command: settings in the library's own words, the last ones of all. */
enum rc tls_files_obey(SSL_CTX *context, const struct tls_commands *commands, bool server,
                       struct fault *why);

#endif
