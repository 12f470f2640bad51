#include "gate/tls/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "gate/tls/tls_stream.h"

enum { PATH_MAX_HERE = 4096, PHRASES_MAX = 64 << 10 };

static enum rc path_of(struct span file, char path[PATH_MAX_HERE], struct fault *why)
{
    if (file.len >= PATH_MAX_HERE)
        return fail(why, RC_FORMAT, "the path of a certificate or key is too long");
    snprintf(path, PATH_MAX_HERE, "%.*s", SPAN_ARG(file));
    return RC_OK;
}

/* ---- keys ---- */

static enum rc fill(int fd, struct secret *s)
{
    size_t got = 0;

    while (got < s->len) {
        ssize_t n = read(fd, s->at + got, s->len - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_IO;
        got += (size_t)n;
    }
    return RC_OK;
}

static enum rc read_phrases(struct span file, struct secret *phrases, struct fault *why)
{
    char path[PATH_MAX_HERE];
    struct stat about;
    enum rc rc = path_of(file, path, why);
    int fd;

    if (rc != RC_OK)
        return rc;
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &about) != 0)
        rc = fail(why, RC_IO, "open() \"%s\" failed (%d: %s)", path, errno,
                  strerrordesc_np(errno));
    else if (!S_ISREG(about.st_mode) || about.st_size > PHRASES_MAX)
        rc = fail(why, RC_FORMAT, "\"%s\" is no file of pass phrases", path);
    else if (about.st_size > 0 &&
             (rc = secret_alloc(phrases, (size_t)about.st_size, why)) == RC_OK &&
             fill(fd, phrases) != RC_OK)
        rc = fail(why, RC_IO, "read() \"%s\" failed", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* One line; empty behind the last. */
static struct span next_phrase(struct span *left)
{
    struct span line;

    do {
        line = span_cut(left, span_find(*left, '\n'));
        span_cut(left, 1);
        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
    } while (line.len == 0 && left->len > 0);
    return line;
}

static int give_phrase(char *into, int size, int writing, void *of)
{
    const struct span *phrase = of;

    (void)writing;
    if (phrase->len == 0 || phrase->len > (size_t)size)
        return -1; /* nobody is there to be asked */
    memcpy(into, phrase->at, phrase->len);
    return (int)phrase->len;
}

/* With each phrase in turn, which a key that is not encrypted does not ask for. */
static EVP_PKEY *read_key(const char *path, struct span phrases)
{
    EVP_PKEY *key;

    do {
        struct span phrase = next_phrase(&phrases);
        BIO *file;

        ERR_clear_error();
        file = BIO_new_file(path, "r");
        key = file ? PEM_read_bio_PrivateKey(file, NULL, give_phrase, &phrase) : NULL;
        BIO_free(file);
    } while (!key && phrases.len > 0);
    return key;
}

enum rc tls_files_pair(SSL_CTX *context, struct span certificate, struct span key,
                       struct span phrases, struct fault *why)
{
    SCOPED(secret) all = {0};
    char path[PATH_MAX_HERE];
    EVP_PKEY *read;
    int fits;
    enum rc rc;

    if ((rc = path_of(certificate, path, why)) != RC_OK)
        return rc;
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1)
        return tls_fail(why, RC_FORMAT, "cannot load certificate \"%s\": reading it failed",
                        path);
    if ((rc = path_of(key, path, why)) != RC_OK ||
        (phrases.len > 0 && (rc = read_phrases(phrases, &all, why)) != RC_OK))
        return rc;
    if (!(read = read_key(path, secret_span(&all))))
        return tls_fail(why, RC_FORMAT,
                        "cannot load certificate key \"%s\": reading it failed", path);
    fits =
        SSL_CTX_use_PrivateKey(context, read) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(read);
    if (!fits)
        return tls_fail(why, RC_FORMAT,
                        "cannot load certificate key \"%s\": it is not that of \"%.*s\"", path,
                        SPAN_ARG(certificate));
    return RC_OK;
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
