#include "gate/tls/tls_client.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/tls/tls_files.h"
#include "gate/tls/tls_stream.h"
#include "io/address.h"

enum { SESSIONS = 64 };

/* The last session with one name. */
struct known {
    char name[TLS_NAME_MAX + 1];
    SSL_SESSION *session;
};

struct tls_client {
    SSL_CTX *context;
    bool send_name;
    pthread_mutex_t lock; /* of: */
    struct known known[SESSIONS];
};

static struct known *place_of(struct tls_client *client, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return &client->known[hash % SESSIONS];
}

/* Takes over the session. A name pushes out another one that has its place. */
static void remember(struct tls_client *client, const char *name, SSL_SESSION *session)
{
    struct known *known = place_of(client, name);

    pthread_mutex_lock(&client->lock);
    SSL_SESSION_free(known->session);
    known->session = session;
    snprintf(known->name, sizeof known->name, "%s", name);
    pthread_mutex_unlock(&client->lock);
}

static void offer_session(struct tls_client *client, struct tls *tls)
{
    const struct known *known = place_of(client, tls->name);

    pthread_mutex_lock(&client->lock);
    if (known->session && strcmp(known->name, tls->name) == 0)
        SSL_set_session(tls->ssl, known->session);
    pthread_mutex_unlock(&client->lock);
}

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls *tls = SSL_get_app_data(ssl);

    remember(tls->client, tls->name, session);
    return 1; /* it is ours now */
}

static enum rc set_trust(struct tls_client *client, const struct tls_client_settings *settings,
                         struct fault *why)
{
    enum rc rc;

    if (settings->trusted_certificate.len == 0 &&
        SSL_CTX_set_default_verify_paths(client->context) != 1)
        return tls_fail(why, RC_IO, "cannot load the system's trusted certificates");
    if (settings->trusted_certificate.len > 0 &&
        (rc = tls_files_trust(client->context, settings->trusted_certificate, why)))
        return rc;
    return settings->crl.len > 0 ? tls_files_revoked(client->context, settings->crl, why)
                                 : RC_OK;
}

static enum rc set_up(struct tls_client *client, const struct tls_client_settings *settings,
                      struct fault *why)
{
    enum rc rc;

    client->send_name = settings->send_name;
    client->context = SSL_CTX_new(TLS_client_method());
    if (!client->context)
        return tls_fail(why, RC_MEMORY, "SSL_CTX_new() failed");
    if ((rc = tls_prepare(client->context, settings->protocols, settings->ciphers, why)))
        return rc;
    SSL_CTX_set_session_cache_mode(client->context, SSL_SESS_CACHE_OFF);
    if (settings->session_reuse) {
        SSL_CTX_set_session_cache_mode(client->context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(client->context, new_session);
    }
    if (settings->verify) {
        SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_verify_depth(client->context, (int)(settings->verify_depth & INT16_MAX));
        if ((rc = set_trust(client, settings, why)))
            return rc;
    }
    if (settings->certificate.len > 0 &&
        (rc = tls_files_pair(client->context, settings->certificate, settings->certificate_key,
                             settings->password_file, why)))
        return rc;
    return tls_files_obey(client->context, &settings->commands, false, why);
}

enum rc tls_client_open(struct tls_client **out, const struct tls_client_settings *settings,
                        struct fault *why)
{
    struct tls_client *client = calloc(1, sizeof *client);
    enum rc rc;

    if (!client)
        return fail(why, RC_MEMORY, "no memory for a TLS client");
    pthread_mutex_init(&client->lock, NULL);
    if ((rc = set_up(client, settings, why)) != RC_OK)
        tls_client_close(client);
    else
        *out = client;
    return rc;
}

void tls_client_close(struct tls_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; i < SESSIONS; i++)
        SSL_SESSION_free(client->known[i].session);
    SSL_CTX_free(client->context);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

/* "host", "host:port", "[::1]", "[::1]:port", "::1": the host alone. */
static struct span without_port(struct span name)
{
    size_t colon = span_find(name, ':');

    if (name.len > 0 && name.at[0] == '[') {
        (void)span_cut(&name, 1);
        return span_of(name.at, span_find(name, ']'));
    }
    if (colon == name.len || memchr(name.at + colon + 1, ':', name.len - colon - 1))
        return name; /* no port, or an IPv6 address */
    return span_of(name.at, colon);
}

static bool set_name(struct tls_client *client, struct tls *tls)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(tls->ssl);
    struct address address;

    if (address_from_literal(span_text(tls->name), 0, &address) == RC_OK)
        return X509_VERIFY_PARAM_set1_ip_asc(rules, tls->name) == 1;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(rules, tls->name, 0) != 1)
        return false;
    return !client->send_name || SSL_set_tlsext_host_name(tls->ssl, tls->name) == 1;
}

enum rc tls_client_start(struct stream *s, struct tls_client *client, struct span name,
                         struct fault *why)
{
    struct span host = without_port(name);
    struct tls *tls;
    enum rc rc;

    if (host.len == 0 || host.len > TLS_NAME_MAX || span_find(host, '\0') < host.len)
        return fail(why, RC_FORMAT, "\"%.*s\" is no name to ask a TLS server for",
                    SPAN_ARG(name));
    if ((rc = tls_begin(s, client->context, &tls, why)) != RC_OK)
        return rc;
    tls->client = client;
    snprintf(tls->name, sizeof tls->name, "%.*s", SPAN_ARG(host));
    if (!set_name(client, tls))
        return tls_fail(why, RC_FORMAT, "\"%s\" is no name to ask a TLS server for",
                        tls->name);
    offer_session(client, tls);
    SSL_set_connect_state(tls->ssl);
    return RC_OK;
}
