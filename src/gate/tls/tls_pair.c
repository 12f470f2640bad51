#include "gate/tls/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "gate/tls/tls_stream.h"

enum { PATH_MAX_HERE = 4096, PHRASES_MAX = 64 << 10, TEXT_LEN = 5 };

static bool is_text(struct span source)
{
    return span_starts(source, SPAN("data:"));
}

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
    enum rc rc = RC_OK;
    int fd;

    if (file.len >= sizeof path)
        return fail(why, RC_FORMAT, "the path of a file of pass phrases is too long");
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(file));
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

/* Of a file, or of the text behind "data:". NULL: it cannot be opened. */
static BIO *open_source(struct span source)
{
    char path[PATH_MAX_HERE];

    ERR_clear_error();
    if (is_text(source))
        return BIO_new_mem_buf(source.at + TEXT_LEN, (int)(source.len - TEXT_LEN));
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(source));
    return BIO_new_file(path, "r");
}

/* With each phrase in turn, which a key that is not encrypted does not ask for. */
static EVP_PKEY *read_key(struct span source, struct span phrases)
{
    EVP_PKEY *key;

    do {
        struct span phrase = next_phrase(&phrases);
        BIO *bio = open_source(source);

        key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_phrase, &phrase) : NULL;
        BIO_free(bio);
    } while (!key && phrases.len > 0);
    return key;
}

/* The server's own, and behind it those between it and the root. */
static bool read_certificates(struct tls_pair *pair, struct span source)
{
    BIO *bio = open_source(source);
    X509 *next;

    pair->leaf = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
    pair->chain = sk_X509_new_null();
    while (pair->leaf && pair->chain && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        if (!sk_X509_push(pair->chain, next)) {
            X509_free(next);
            break;
        }
    BIO_free(bio);
    if (!pair->leaf || !pair->chain ||
        ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return false; /* something other than the end of it */
    ERR_clear_error();
    return true;
}

struct span tls_pair_shown(struct span source)
{
    return is_text(source) ? SPAN("data:") : source;
}

enum rc tls_pair_read(struct tls_pair *pair, struct span certificate, struct span key,
                      struct span phrases, struct fault *why)
{
    SCOPED(secret) all = {0};
    enum rc rc = RC_OK;

    if (!is_text(certificate) && certificate.len >= PATH_MAX_HERE)
        return fail(why, RC_FORMAT, "the path of a certificate is too long");
    if (!is_text(key) && key.len >= PATH_MAX_HERE)
        return fail(why, RC_FORMAT, "the path of a certificate key is too long");
    if (!read_certificates(pair, certificate))
        rc = tls_fail(why, RC_FORMAT, "cannot load certificate \"%.*s\": reading it failed",
                      SPAN_ARG(tls_pair_shown(certificate)));
    else if (phrases.len > 0)
        rc = read_phrases(phrases, &all, why);
    if (rc == RC_OK && !(pair->key = read_key(key, secret_span(&all))))
        rc =
            tls_fail(why, RC_FORMAT, "cannot load certificate key \"%.*s\": reading it failed",
                     SPAN_ARG(tls_pair_shown(key)));
    if (rc == RC_OK && X509_check_private_key(pair->leaf, pair->key) != 1)
        rc = tls_fail(why, RC_FORMAT,
                      "cannot load certificate key \"%.*s\": it is not that of \"%.*s\"",
                      SPAN_ARG(tls_pair_shown(key)), SPAN_ARG(tls_pair_shown(certificate)));
    if (rc != RC_OK)
        tls_pair_clear(pair);
    return rc;
}

void tls_pair_clear(struct tls_pair *pair)
{
    X509_free(pair->leaf);
    sk_X509_pop_free(pair->chain, X509_free);
    EVP_PKEY_free(pair->key);
    *pair = (struct tls_pair){0};
}
