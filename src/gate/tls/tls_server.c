#include "gate/tls/tls_server.h"

#include <ctype.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "gate/tls/tls_files.h"
#include "gate/tls/tls_pair_cache.h"
#include "gate/tls/tls_stream.h"
#include "gate/tls/tls_tickets.h"

enum {
    ID_SIZE = 32,
    SESSION_SIZE = 256, /* of the memory that a cached session takes, roughly */
};

struct tls_server {
    SSL_CTX *context;
    bool rejects;
    size_t pairs;              /* that variables name */
    char *directory, *phrases; /* of their paths; a file, or NULL */
    struct tls_pair_cache *cache;
    struct staple {
        uint8_t *at;
        long len;
    } staple;
    uint8_t id[ID_SIZE]; /* goes into its sessions, so that no other server resumes them */
    struct tls_tickets tickets;
};

/* Chooses HTTP/1 of what the client offers; a client that offers only other protocols is
 * refused. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *of)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0\x08http/0.9";
    unsigned char *hit;

    (void)ssl;
    (void)of;
    if (SSL_select_next_proto(&hit, out_len, ours, sizeof ours - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = hit;
    return SSL_TLSEXT_ERR_OK;
}

/*
 * The host name of the server_name extension, in lower case and without its final dot: RFC
 * 6066, section 3. Empty where there is none, or none that could be a host's.
 */
static struct span asked_name(SSL *ssl, char into[TLS_NAME_MAX])
{
    const unsigned char *at;
    size_t size, len;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &size) != 1 || size < 5 ||
        be16_get(at) != size - 2 || at[2] != TLSEXT_NAMETYPE_host_name)
        return (struct span){0};
    len = be16_get(at + 3);
    if (len != size - 5 || len > TLS_NAME_MAX)
        return (struct span){0};
    if (len > 0 && at[5 + len - 1] == '.')
        len--;
    for (size_t i = 0; i < len; i++) {
        if (at[5 + i] <= ' ' || at[5 + i] >= 0x7f || at[5 + i] == '/')
            return (struct span){0};
        into[i] = (char)tolower(at[5 + i]);
    }
    return span_of(into, len);
}

/* What is wrong with a client's certificate is a matter of its requests: tls_peer.h has the verdict. */
static int accept_for_now(int ok, X509_STORE_CTX *of)
{
    (void)ok;
    (void)of;
    return 1;
}

/* The rules of the server that was chosen take the place of the first one's. */
static bool become(SSL *ssl, const struct tls_server *server)
{
    if (SSL_get_SSL_CTX(ssl) == server->context)
        return true;
    if (!SSL_set_SSL_CTX(ssl, server->context))
        return false;
    SSL_clear_options(ssl, SSL_get_options(ssl) & ~SSL_CTX_get_options(server->context));
    SSL_set_options(ssl, SSL_CTX_get_options(server->context));
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(server->context), accept_for_now);
    SSL_set_verify_depth(ssl, SSL_CTX_get_verify_depth(server->context));
    return SSL_set_session_id_context(ssl, server->id, ID_SIZE) == 1;
}

/* The word as a path, written behind what `into` has where that is to be done. */
static struct span absolute(const struct tls_server *server, struct span word,
                            struct buffer *into)
{
    const size_t before = into->len;

    if (span_starts(word, SPAN("/")) || span_starts(word, SPAN("data:")))
        return word;
    buffer_add(into, span_text(server->directory));
    buffer_add(into, word);
    return span_of(into->at + before, into->len - before);
}

/* A path of variables stands in a folder of ours: the client's word does not lead out of it. */
static bool is_safe_name(SSL *ssl)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    return !name || (name[0] != '.' && !strchr(name, '/'));
}

static enum rc load_pair(struct tls *tls, const struct tls_server *server, size_t i,
                         struct fault *why)
{
    char text[4096];
    struct buffer path = buffer_over(text, sizeof text);
    struct tls_sources sources;
    struct tls_pair pair = {0};
    enum rc rc;

    if (!tls->evaluate || !tls->evaluate(tls->of, i, &sources))
        return fail(why, RC_LIMIT, "the name of a certificate is too long");
    sources.certificate = absolute(server, sources.certificate, &path);
    sources.key = absolute(server, sources.key, &path);
    if (path.full)
        return fail(why, RC_LIMIT, "the name of a certificate is too long");
    rc = tls_pair_cache_read(server->cache, &pair, sources.certificate, sources.key,
                             span_text(server->phrases), why);
    if (rc == RC_OK && SSL_use_cert_and_key(tls->ssl, pair.leaf, pair.key, pair.chain, 1) != 1)
        rc = tls_fail(why, RC_FORMAT, "cannot use certificate \"%.*s\"",
                      SPAN_ARG(tls_pair_shown(sources.certificate)));
    tls_pair_clear(&pair);
    if (span_starts(sources.key, SPAN("data:")))
        wipe((void *)(uintptr_t)sources.key.at, sources.key.len);
    return rc;
}

/* 1: goes on with the certificates that variables name; 0: they cannot be had. */
static int load_pairs(SSL *ssl, void *of)
{
    const struct tls_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct tls *tls = SSL_get_app_data(ssl);
    enum rc rc = RC_OK;

    (void)of;
    if (!is_safe_name(ssl))
        rc =
            fail(&tls->lacks, RC_DENIED, "client asked for a server with a name that is none");
    for (size_t i = 0; rc == RC_OK && i < server->pairs; i++)
        rc = load_pair(tls, server, i, &tls->lacks);
    return rc == RC_OK;
}

static int client_hello(SSL *ssl, int *alert, void *of)
{
    struct tls *tls = SSL_get_app_data(ssl);
    char text[TLS_NAME_MAX];
    struct span name = asked_name(ssl, text);
    const struct tls_server *server = tls->first;

    (void)of;
    if (name.len > 0 && tls->choose)
        server = tls->choose(tls->of, name);
    if (server && server->rejects)
        server = NULL;
    if (server && become(ssl, server))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = server ? SSL_AD_INTERNAL_ERROR : SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
}

/* The library asks the first server, whoever was chosen; the keys are those of the chosen one. */
static int use_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int encrypts)
{
    const struct tls_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    return tls_tickets_use(&server->tickets, ssl, name, iv, cipher, mac, encrypts);
}

static void digest_number(EVP_MD_CTX *digest, uint64_t number)
{
    EVP_DigestUpdate(digest, &number, sizeof number);
}

static void digest_file(EVP_MD_CTX *digest, struct span file)
{
    char path[4096];
    uint8_t bytes[4096];
    size_t got;
    FILE *f;

    digest_number(digest, file.len);
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(file));
    if (file.len == 0 || !(f = fopen(path, "re")))
        return;
    while ((got = fread(bytes, 1, sizeof bytes, f)) > 0)
        EVP_DigestUpdate(digest, bytes, got);
    fclose(f);
}

static void digest_certificates(EVP_MD_CTX *digest, SSL_CTX *context)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned len;

    for (long which = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(context, which) == 1;
         which = SSL_CERT_SET_NEXT)
        if (X509_digest(SSL_CTX_get0_certificate(context), EVP_sha256(), bytes, &len) == 1)
            EVP_DigestUpdate(digest, bytes, len);
}

/*
 * The same for one that is opened anew with the same name, certificates and rules for clients, and for no other:
 * sessions go over a reload, and nobody brings one from a server with other rules.
 */
static enum rc set_identity(struct tls_server *server, const struct tls_settings *settings,
                            struct fault *why)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool made = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;

    if (made) {
        digest_number(digest, settings->name.len);
        EVP_DigestUpdate(digest, settings->name.at, settings->name.len);
        digest_certificates(digest, server->context);
        for (size_t i = 0; settings->pairs_vary && i < settings->count; i++)
            EVP_DigestUpdate(digest, settings->certificates[i].at,
                             settings->certificates[i].len);
        digest_number(digest, settings->verify_client);
        digest_number(digest, settings->verify_depth);
        digest_file(digest, settings->client_certificate);
        digest_file(digest, settings->trusted_certificate);
        digest_file(digest, settings->crl);
        made = EVP_DigestFinal_ex(digest, server->id, NULL) == 1 &&
               SSL_CTX_set_session_id_context(server->context, server->id, ID_SIZE) == 1;
    }
    EVP_MD_CTX_free(digest);
    return made ? RC_OK : tls_fail(why, RC_IO, "no identity for TLS sessions");
}

static enum rc set_sessions(struct tls_server *server, const struct tls_settings *settings,
                            struct fault *why)
{
    bool cached = settings->session_cache_size > 0;
    uint64_t timeout_s = settings->session_timeout_ms / 1000;
    enum rc rc;

    SSL_CTX_set_timeout(server->context,
                        (long)(timeout_s < INT32_MAX ? timeout_s : INT32_MAX));
    SSL_CTX_set_session_cache_mode(server->context,
                                   cached ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    if (cached) {
        uint64_t sessions = settings->session_cache_size / SESSION_SIZE + 1;

        SSL_CTX_sess_set_cache_size(server->context,
                                    (long)(sessions < INT32_MAX ? sessions : INT32_MAX));
    }
    rc = tls_tickets_open(&server->tickets, settings->ticket_keys, settings->ticket_keys_count,
                          why);
    if (rc != RC_OK)
        return rc;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(server->context, use_ticket);
    if (!settings->session_tickets)
        SSL_CTX_set_options(server->context, SSL_OP_NO_TICKET);
    if (!settings->session_tickets && !cached)
        SSL_CTX_set_num_tickets(server->context, 0);
    return RC_OK;
}

static enum rc set_client_rules(struct tls_server *server, const struct tls_settings *settings,
                                struct fault *why)
{
    enum rc rc = RC_OK;

    if (settings->verify_client == TLS_VERIFY_OFF)
        return RC_OK;
    SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER, accept_for_now);
    SSL_CTX_set_verify_depth(server->context, (int)(settings->verify_depth & INT16_MAX));
    if (settings->client_certificate.len > 0 &&
        ((rc = tls_files_trust(server->context, settings->client_certificate, why)) ||
         (rc = tls_files_ask_for(server->context, settings->client_certificate, why))))
        return rc;
    if (settings->trusted_certificate.len > 0 &&
        (rc = tls_files_trust(server->context, settings->trusted_certificate, why)))
        return rc;
    return settings->crl.len > 0 ? tls_files_revoked(server->context, settings->crl, why)
                                 : RC_OK;
}

static bool set_curves(SSL_CTX *context, struct span curves)
{
    char list[1024];

    snprintf(list, sizeof list, "%.*s", SPAN_ARG(curves));
    return SSL_CTX_set1_curves_list(context, list) == 1;
}

/* The library frees what it is given. */
static int give_staple(SSL *ssl, void *of)
{
    const struct staple *staple = of;
    uint8_t *copy = OPENSSL_memdup(staple->at, (size_t)staple->len);

    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, staple->len);
    return SSL_TLSEXT_ERR_OK;
}

static enum rc set_staple(struct tls_server *server, struct span file, struct fault *why)
{
    char path[4096];
    OCSP_RESPONSE *answer;
    int len = 0;
    BIO *bio;

    snprintf(path, sizeof path, "%.*s", SPAN_ARG(file));
    bio = BIO_new_file(path, "r");
    answer = bio ? d2i_OCSP_RESPONSE_bio(bio, NULL) : NULL;
    BIO_free(bio);
    if (answer)
        len = i2d_OCSP_RESPONSE(answer, &server->staple.at);
    OCSP_RESPONSE_free(answer);
    if (len <= 0)
        return tls_fail(why, RC_FORMAT, "d2i_OCSP_RESPONSE_bio(\"%s\") failed", path);
    server->staple.len = len;
    SSL_CTX_set_tlsext_status_cb(server->context, give_staple);
    SSL_CTX_set_tlsext_status_arg(server->context, &server->staple);
    return RC_OK;
}

static enum rc set_varying(struct tls_server *server, const struct tls_settings *settings,
                           struct fault *why)
{
    const struct span phrases = settings->password_file;

    server->pairs = settings->count;
    server->directory = strndup((const char *)settings->directory.at, settings->directory.len);
    if (phrases.len > 0)
        server->phrases = strndup((const char *)phrases.at, phrases.len);
    SSL_CTX_set_cert_cb(server->context, load_pairs, NULL);
    if (!server->directory || (phrases.len > 0 && !server->phrases) ||
        (settings->cache_max > 0 &&
         tls_pair_cache_open(&server->cache, settings->cache_max, settings->cache_inactive_ms,
                             settings->cache_valid_ms) != RC_OK))
        return fail(why, RC_MEMORY, "no memory for a TLS server");
    return RC_OK;
}

static enum rc set_up(struct tls_server *server, const struct tls_settings *settings,
                      struct fault *why)
{
    enum rc rc;

    server->context = SSL_CTX_new(TLS_server_method());
    if (!server->context)
        return tls_fail(why, RC_MEMORY, "SSL_CTX_new() failed");
    SSL_CTX_set_app_data(server->context, server);
    if ((rc = tls_prepare(server->context, settings->protocols, settings->ciphers, why)) ||
        (rc = set_sessions(server, settings, why)) ||
        (rc = set_client_rules(server, settings, why)))
        return rc;
    if (settings->prefer_server_ciphers)
        SSL_CTX_set_options(server->context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    server->rejects = settings->rejects;
    if (settings->curves.len > 0 && !set_curves(server->context, settings->curves))
        return tls_fail(why, RC_FORMAT, "SSL_CTX_set1_curves_list(\"%.*s\") failed",
                        SPAN_ARG(settings->curves));
    if ((settings->dh_parameters.len > 0 &&
         (rc = tls_files_dh(server->context, settings->dh_parameters, why))) ||
        (settings->staple.len > 0 && (rc = set_staple(server, settings->staple, why))))
        return rc;
    SSL_CTX_set_alpn_select_cb(server->context, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(server->context, client_hello, NULL);
    if (settings->pairs_vary && (rc = set_varying(server, settings, why)) != RC_OK)
        return rc;
    for (size_t i = 0; !settings->pairs_vary && i < settings->count; i++)
        if ((rc = tls_files_pair(server->context, settings->certificates[i], settings->keys[i],
                                 settings->password_file, why)))
            return rc;
    rc = tls_files_obey(server->context, &settings->commands, true, why);
    return rc == RC_OK ? set_identity(server, settings, why) : rc;
}

enum rc tls_server_open(struct tls_server **out, const struct tls_settings *settings,
                        struct fault *why)
{
    struct tls_server *server = calloc(1, sizeof *server);
    enum rc rc;

    if (!server)
        return fail(why, RC_MEMORY, "no memory for a TLS server");
    if ((rc = set_up(server, settings, why)) != RC_OK)
        tls_server_close(server);
    else
        *out = server;
    return rc;
}

void tls_server_close(struct tls_server *server)
{
    if (!server)
        return;
    SSL_CTX_free(server->context);
    OPENSSL_free(server->staple.at);
    tls_tickets_clear(&server->tickets);
    tls_pair_cache_close(server->cache);
    free(server->directory);
    free(server->phrases);
    free(server);
}

enum rc tls_server_start(struct stream *s, const struct tls_server *first, tls_choose *choose,
                         tls_evaluate *evaluate, void *of, struct fault *why)
{
    struct tls *tls;
    enum rc rc = tls_begin(s, first->context, &tls, why);

    if (rc != RC_OK)
        return rc;
    tls->first = first;
    tls->choose = choose;
    tls->evaluate = evaluate;
    tls->of = of;
    SSL_set_accept_state(tls->ssl);
    return RC_OK;
}
