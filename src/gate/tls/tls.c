#include "gate/tls/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gate/tls/socket_bio.h"
#include "gate/tls/tls_stream.h"

enum { RECORD_MAX = 16384 };

enum rc tls_fail(struct fault *why, enum rc rc, const char *format, ...)
{
    char what[160], reason[160] = "no reason given";
    unsigned long error = ERR_peek_error();
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (error)
        ERR_error_string_n(error, reason, sizeof reason);
    ERR_clear_error();
    return fail(why, rc, "%s (SSL: %s)", what, reason);
}

static uint64_t options_of(unsigned protocols)
{
    return (protocols & TLS_1_0 ? 0 : SSL_OP_NO_TLSv1) |
           (protocols & TLS_1_1 ? 0 : SSL_OP_NO_TLSv1_1) |
           (protocols & TLS_1_2 ? 0 : SSL_OP_NO_TLSv1_2) |
           (protocols & TLS_1_3 ? 0 : SSL_OP_NO_TLSv1_3);
}

enum rc tls_prepare(SSL_CTX *context, unsigned protocols, struct span ciphers,
                    struct fault *why)
{
    char list[1024];

    /* The configuration decides, not the system's minimum. */
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_max_proto_version(context, 0);
    SSL_CTX_set_options(context, options_of(protocols) | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    if (ciphers.len == 0)
        return RC_OK;
    if (ciphers.len >= sizeof list)
        return fail(why, RC_FORMAT, "list of ciphers is longer than %zu bytes", sizeof list);
    snprintf(list, sizeof list, "%.*s", SPAN_ARG(ciphers));
    if (SSL_CTX_set_cipher_list(context, list) != 1)
        return tls_fail(why, RC_FORMAT, "SSL_CTX_set_cipher_list(\"%s\") failed", list);
    return RC_OK;
}

enum rc tls_begin(struct stream *s, SSL_CTX *context, struct tls **out, struct fault *why)
{
    struct tls *tls = calloc(1, sizeof *tls);
    BIO *bio = socket_bio_open(s->fd);

    if (tls && bio)
        tls->ssl = SSL_new(context);
    if (!tls || !bio || !tls->ssl) {
        BIO_free(bio);
        free(tls);
        return tls_fail(why, RC_MEMORY, "no memory for a TLS connection");
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    s->kind = &stream_tls;
    s->state = tls;
    *out = tls;
    return RC_OK;
}

/* OpenSSL takes what is left of earlier errors for its own. */
static void forget_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

/* What a call that returned `result` came to. errno is set for RC_IO. */
static enum rc outcome(struct tls *tls, int result)
{
    int reason = errno;

    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return RC_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return RC_END;
    case SSL_ERROR_SYSCALL:
        tls->failed = true;
        errno = reason ? reason : ECONNRESET;
        return RC_IO;
    default:
        tls->failed = true;
        errno = EPROTO;
        return RC_IO;
    }
}

/* Why a certificate was not accepted. */
static enum rc explain_verdict(const struct tls *tls, struct fault *why)
{
    long verdict = SSL_get_verify_result(tls->ssl);

    ERR_clear_error();
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return fail(why, RC_DENIED, "upstream SSL certificate does not match \"%s\"",
                    tls->name);
    return fail(why, RC_DENIED, "upstream SSL certificate verify error: (%ld:%s)", verdict,
                X509_verify_cert_error_string(verdict));
}

static enum rc explain(const struct tls *tls, struct fault *why)
{
    unsigned long error = ERR_peek_error();

    if (!error)
        return fail(why, RC_IO, "peer closed connection in SSL handshake (%d: %s)", errno,
                    strerrordesc_np(errno));
    if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return explain_verdict(tls, why);
    return tls_fail(why, RC_IO, "SSL_do_handshake() failed");
}

/*
 * Looks at a client's first byte, and leaves it: a record of TLS begins with 22, and the hello of
 * SSL 2 that very old clients send has its first bit set. RC_FORMAT: it is neither.
 */
static enum rc greet(struct stream *s, struct tls *tls, struct fault *why)
{
    uint8_t first;
    ssize_t n = recv(s->fd, &first, 1, MSG_PEEK);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return RC_AGAIN;
    tls->greeted = true; /* an end or an error is for the library to meet */
    if (n < 1 || first == 22 || first & 0x80)
        return RC_OK;
    return fail(why, RC_FORMAT, "client sent plain HTTP request to HTTPS port");
}

static enum rc handshake(struct stream *s, struct fault *why)
{
    struct tls *tls = s->state;
    enum rc rc;
    int result;

    if (tls->failed)
        return fail(why, RC_IO, "SSL_do_handshake() failed before");
    if (!tls->greeted && SSL_is_server(tls->ssl) && (rc = greet(s, tls, why)) != RC_OK)
        return rc;
    forget_errors();
    errno = 0;
    if ((result = SSL_do_handshake(tls->ssl)) == 1)
        return RC_OK;
    if ((rc = outcome(tls, result)) == RC_AGAIN)
        return RC_AGAIN;
    tls->failed = true;
    if (tls->lacks.rc != RC_OK) {
        ERR_clear_error();
        return fail(why, RC_NOT_FOUND, "%s", tls->lacks.text);
    }
    return explain(tls, why);
}

static enum rc tls_read(struct stream *s, void *at, size_t size, size_t *got)
{
    struct tls *tls = s->state;
    int result;
    enum rc rc;

    if (tls->failed) {
        errno = EPROTO;
        return RC_IO;
    }
    forget_errors();
    errno = 0;
    if ((result = SSL_read_ex(tls->ssl, at, size, got)) == 1)
        return RC_OK;
    if ((rc = outcome(tls, result)) == RC_IO)
        ERR_clear_error();
    return rc;
}

/* Bytes of pieces that come behind one another, from the first `skip` on, up to a record's
 * worth. */
static struct span gather(const struct iovec *pieces, int count, size_t skip)
{
    static _Thread_local uint8_t record[RECORD_MAX];
    size_t len = 0;

    for (; count > 0 && len < RECORD_MAX; pieces++, count--) {
        struct span piece = span_of(pieces->iov_base, pieces->iov_len), part;

        skip -= span_cut(&piece, skip).len;
        part = span_cut(&piece, RECORD_MAX - len);
        if (len == 0 && (part.len == RECORD_MAX || count == 1))
            return part; /* no need to copy */
        if (part.len > 0)
            memcpy(record + len, part.at, part.len);
        len += part.len;
    }
    return span_of(record, len);
}

static enum rc tls_write(struct stream *s, const struct iovec *pieces, int count, size_t *sent)
{
    struct tls *tls = s->state;
    size_t total = 0, n;
    enum rc rc = RC_OK;

    errno = EPROTO;
    for (; rc == RC_OK && !tls->failed; total += n) {
        struct span record = gather(pieces, count, total);
        int result;

        n = 0;
        if (record.len == 0)
            break;
        forget_errors();
        errno = 0;
        if ((result = SSL_write_ex(tls->ssl, record.at, record.len, &n)) != 1)
            rc = outcome(tls, result);
    }
    *sent = total;
    if (tls->failed)
        ERR_clear_error();
    if (total > 0)
        return RC_OK;
    return rc == RC_AGAIN ? RC_AGAIN : RC_IO;
}

static void tls_shut(struct stream *s)
{
    struct tls *tls = s->state;

    if (tls->failed || !SSL_is_init_finished(tls->ssl))
        return;
    forget_errors();
    if (SSL_shutdown(tls->ssl) < 0)
        ERR_clear_error();
}

/* Without an error the session may be resumed, whether or not anybody said goodbye. */
static void tls_free(struct stream *s)
{
    struct tls *tls = s->state;

    if (!tls->failed)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    free(tls);
}

void tls_make_plain(struct stream *s)
{
    tls_free(s);
    s->kind = &stream_socket;
    s->state = NULL;
}

static SSL *ssl_of(const struct stream *s)
{
    const struct tls *tls = s->state;

    assert(tls_is(s));
    return tls->ssl;
}

const char *tls_protocol(const struct stream *s)
{
    return SSL_get_version(ssl_of(s));
}

const char *tls_cipher(const struct stream *s)
{
    return SSL_get_cipher_name(ssl_of(s));
}

bool tls_is_reused(const struct stream *s)
{
    return SSL_session_reused(ssl_of(s));
}

struct span tls_server_name(const struct stream *s)
{
    return span_text(SSL_get_servername(ssl_of(s), TLSEXT_NAMETYPE_host_name));
}

const char *tls_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

const struct stream_kind stream_tls = {
    .name = "tls",
    .handshake = handshake,
    .read = tls_read,
    .write = tls_write,
    .shut = tls_shut,
    .free = tls_free,
};
