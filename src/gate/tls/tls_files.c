#include "gate/tls/tls_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "gate/tls/tls_pair.h"
#include "gate/tls/tls_stream.h"

enum { PATH_MAX_HERE = 4096 };

static enum rc path_of(struct span file, char path[PATH_MAX_HERE], struct fault *why)
{
    if (file.len >= PATH_MAX_HERE)
        return fail(why, RC_FORMAT, "the path of a certificate or key is too long");
    snprintf(path, PATH_MAX_HERE, "%.*s", SPAN_ARG(file));
    return RC_OK;
}

enum rc tls_files_pair(SSL_CTX *context, struct span certificate, struct span key,
                       struct span phrases, struct fault *why)
{
    struct tls_pair pair = {0};
    enum rc rc = tls_pair_read(&pair, certificate, key, phrases, why);

    if (rc == RC_OK &&
        SSL_CTX_use_cert_and_key(context, pair.leaf, pair.key, pair.chain, 1) != 1)
        rc = tls_fail(why, RC_FORMAT, "cannot use certificate \"%.*s\"",
                      SPAN_ARG(tls_pair_shown(certificate)));
    tls_pair_clear(&pair);
    return rc;
}

/* ---- whom to believe ---- */

enum rc tls_files_trust(SSL_CTX *context, struct span file, struct fault *why)
{
    char path[PATH_MAX_HERE];
    enum rc rc = path_of(file, path, why);

    if (rc != RC_OK)
        return rc;
    if (SSL_CTX_load_verify_file(context, path) != 1)
        return tls_fail(why, RC_FORMAT, "SSL_CTX_load_verify_locations(\"%s\") failed", path);
    return RC_OK;
}

enum rc tls_files_revoked(SSL_CTX *context, struct span file, struct fault *why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP *lookup;
    char path[PATH_MAX_HERE];
    enum rc rc = path_of(file, path, why);

    if (rc != RC_OK)
        return rc;
    if (!(lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file())) ||
        X509_LOOKUP_load_file(lookup, path, X509_FILETYPE_PEM) != 1)
        return tls_fail(why, RC_FORMAT, "X509_LOOKUP_load_file(\"%s\") failed", path);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return RC_OK;
}

enum rc tls_files_ask_for(SSL_CTX *context, struct span file, struct fault *why)
{
    STACK_OF(X509_NAME) * names;
    char path[PATH_MAX_HERE];
    enum rc rc = path_of(file, path, why);

    if (rc != RC_OK)
        return rc;
    ERR_clear_error();
    if (!(names = SSL_load_client_CA_file(path)))
        return tls_fail(why, RC_FORMAT, "SSL_load_client_CA_file(\"%s\") failed", path);
    SSL_CTX_set_client_CA_list(context, names);
    return RC_OK;
}

enum rc tls_files_dh(SSL_CTX *context, struct span file, struct fault *why)
{
    char path[PATH_MAX_HERE];
    EVP_PKEY *parameters;
    BIO *bio;
    enum rc rc = path_of(file, path, why);

    if (rc != RC_OK)
        return rc;
    ERR_clear_error();
    bio = BIO_new_file(path, "r");
    parameters = bio ? PEM_read_bio_Parameters(bio, NULL) : NULL;
    BIO_free(bio);
    if (!parameters)
        return tls_fail(why, RC_FORMAT, "PEM_read_bio_DHparams(\"%s\") failed", path);
    if (SSL_CTX_set0_tmp_dh_pkey(context, parameters) == 1)
        return RC_OK;
    EVP_PKEY_free(parameters);
    return tls_fail(why, RC_FORMAT, "the parameters of \"%s\" cannot be used", path);
}

/* ---- settings in the library's own words ---- */

enum rc tls_files_obey(SSL_CTX *context, const struct tls_commands *commands, bool server,
                       struct fault *why)
{
    SSL_CONF_CTX *run;
    enum rc rc = RC_OK;

    if (commands->count == 0)
        return RC_OK;
    if (!(run = SSL_CONF_CTX_new()))
        return tls_fail(why, RC_MEMORY, "SSL_CONF_CTX_new() failed");
    SSL_CONF_CTX_set_flags(run, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CERTIFICATE |
                                    SSL_CONF_FLAG_SHOW_ERRORS |
                                    (server ? SSL_CONF_FLAG_SERVER : SSL_CONF_FLAG_CLIENT));
    SSL_CONF_CTX_set_ssl_ctx(run, context);
    for (size_t i = 0; rc == RC_OK && i < commands->count; i++) {
        const struct tls_command *c = &commands->all[i];

        ERR_clear_error();
        if (SSL_CONF_cmd(run, c->name, c->value) <= 0)
            rc = tls_fail(why, RC_FORMAT, "SSL_CONF_cmd(\"%s\", \"%s\") failed", c->name,
                          c->value);
    }
    if (rc == RC_OK && SSL_CONF_CTX_finish(run) != 1)
        rc = tls_fail(why, RC_FORMAT, "SSL_CONF_finish() failed");
    SSL_CONF_CTX_free(run);
    return rc;
}
