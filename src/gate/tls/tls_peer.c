#include "gate/tls/tls_peer.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "gate/tls/tls_stream.h"

static SSL *ssl_of(const struct stream *s)
{
    const struct tls *tls = s->state;

    assert(tls_is(s));
    return tls->ssl;
}

static void add_hex(struct span bytes, bool upper, struct buffer *out)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        buffer_add_byte(out, (uint8_t)digits[bytes.at[i] >> 4]);
        buffer_add_byte(out, (uint8_t)digits[bytes.at[i] & 15]);
    }
}

/* What the library wrote into memory. */
static struct span written(BIO *bio)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);

    return span_of(at, len > 0 ? (size_t)len : 0);
}

static void add_escaped(struct span text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            memchr("-._~", c, 4)) {
            buffer_add_byte(out, c);
        } else {
            buffer_add_byte(out, '%');
            add_hex(span_of(&c, 1), true, out);
        }
    }
}

static void add_lines(struct span text, struct buffer *out)
{
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        buffer_add_byte(out, text.at[i]);
        if (text.at[i] == '\n')
            buffer_add_byte(out, '\t');
    }
}

static void add_pem(BIO *bio, X509 *certificate, enum tls_peer what, struct buffer *out)
{
    if (PEM_write_bio_X509(bio, certificate) != 1)
        return;
    if (what == TLS_PEER_PEM)
        buffer_add(out, written(bio));
    else if (what == TLS_PEER_PEM_LINES)
        add_lines(written(bio), out);
    else
        add_escaped(written(bio), out);
}

static void add_name(BIO *bio, const X509_NAME *name, bool legacy, struct buffer *out)
{
    char *line;

    if (!legacy) {
        if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
            buffer_add(out, written(bio));
        return;
    }
    if ((line = X509_NAME_oneline(name, NULL, 0)))
        buffer_add(out, span_text(line));
    OPENSSL_free(line);
}

static void add_time(BIO *bio, const ASN1_TIME *time, struct buffer *out)
{
    if (ASN1_TIME_print(bio, time) == 1)
        buffer_add(out, written(bio));
}

static void add_days_left(const X509 *certificate, struct buffer *out)
{
    int days = 0, seconds = 0;

    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1)
        buffer_add_number(out, days > 0 ? (uint64_t)days : 0);
}

static void add_fingerprint(const X509 *certificate, struct buffer *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (X509_digest(certificate, EVP_sha1(), digest, &len) == 1)
        add_hex(span_of(digest, len), false, out);
}

static void add_of_certificate(X509 *certificate, enum tls_peer what, struct buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        return;
    switch (what) {
    case TLS_PEER_SUBJECT:
    case TLS_PEER_SUBJECT_LEGACY:
        add_name(bio, X509_get_subject_name(certificate), what == TLS_PEER_SUBJECT_LEGACY,
                 out);
        break;
    case TLS_PEER_ISSUER:
    case TLS_PEER_ISSUER_LEGACY:
        add_name(bio, X509_get_issuer_name(certificate), what == TLS_PEER_ISSUER_LEGACY, out);
        break;
    case TLS_PEER_SERIAL:
        if (i2a_ASN1_INTEGER(bio, X509_get0_serialNumber(certificate)) >= 0)
            buffer_add(out, written(bio));
        break;
    case TLS_PEER_FINGERPRINT:
        add_fingerprint(certificate, out);
        break;
    case TLS_PEER_BEGIN:
        add_time(bio, X509_get0_notBefore(certificate), out);
        break;
    case TLS_PEER_END:
        add_time(bio, X509_get0_notAfter(certificate), out);
        break;
    case TLS_PEER_REMAIN:
        add_days_left(certificate, out);
        break;
    default:
        add_pem(bio, certificate, what, out);
    }
    BIO_free(bio);
}

/* ---- what it offered ---- */

static void add_number16(int number, struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";

    buffer_add(out, SPAN("0x"));
    for (int shift = 12; shift >= 0; shift -= 4)
        buffer_add_byte(out, (uint8_t)digits[number >> shift & 15]);
}

static void add_ciphers(SSL *ssl, struct buffer *out)
{
    unsigned char *at = NULL;
    size_t len = SSL_get0_raw_cipherlist(ssl, &at);

    for (size_t i = 0; at && i + 1 < len; i += 2) {
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, at + i);

        if (i > 0)
            buffer_add_byte(out, ':');
        if (cipher)
            buffer_add(out, span_text(SSL_CIPHER_get_name(cipher)));
        else
            add_number16(at[i] << 8 | at[i + 1], out);
    }
}

static void add_curve(int id, struct buffer *out)
{
    if (id & TLSEXT_nid_unknown)
        add_number16(id & 0xffff, out);
    else
        buffer_add(out, span_text(OBJ_nid2sn(id)));
}

static void add_curves(SSL *ssl, struct buffer *out)
{
    int ids[64];
    long count = SSL_get1_curves(ssl, NULL);

    if (count <= 0 || (size_t)count > sizeof ids / sizeof *ids)
        return;
    SSL_get1_curves(ssl, ids);
    for (long i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_byte(out, ':');
        add_curve(ids[i], out);
    }
}

static void add_verdict(SSL *ssl, const X509 *certificate, struct buffer *out)
{
    long verdict = SSL_get_verify_result(ssl);

    if (!certificate) {
        buffer_add(out, SPAN("NONE"));
    } else if (verdict == X509_V_OK) {
        buffer_add(out, SPAN("SUCCESS"));
    } else {
        buffer_add(out, SPAN("FAILED:"));
        buffer_add(out, span_text(X509_verify_cert_error_string(verdict)));
    }
}

static void add_of_session(SSL *ssl, enum tls_peer what, struct buffer *out)
{
    const unsigned char *at = NULL;
    unsigned len = 0;

    if (what == TLS_PEER_SESSION) {
        const SSL_SESSION *session = SSL_get0_session(ssl);

        at = session ? SSL_SESSION_get_id(session, &len) : NULL;
        add_hex(span_of(at, len), false, out);
    } else if (what == TLS_PEER_ALPN) {
        SSL_get0_alpn_selected(ssl, &at, &len);
        buffer_add(out, span_of(at, len));
    } else if (what == TLS_PEER_CIPHERS) {
        add_ciphers(ssl, out);
    } else if (what == TLS_PEER_CURVES) {
        add_curves(ssl, out);
    } else {
        int id = (int)SSL_get_negotiated_group(ssl);

        if (id != NID_undef)
            add_curve(id, out);
    }
}

bool tls_peer_write(const struct stream *s, enum tls_peer what, struct buffer *out)
{
    SSL *ssl = ssl_of(s);
    X509 *certificate;

    if (what >= TLS_PEER_SESSION) {
        add_of_session(ssl, what, out);
        return out->len > 0;
    }
    certificate = SSL_get0_peer_certificate(ssl);
    if (what == TLS_PEER_VERIFY)
        add_verdict(ssl, certificate, out);
    else if (certificate)
        add_of_certificate(certificate, what, out);
    return out->len > 0;
}

/* ---- the verdict ---- */

/* Nobody known has signed it: what optional_no_ca lets pass. */
static bool lacks_authority(long verdict)
{
    return verdict == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           verdict == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           verdict == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           verdict == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
           verdict == X509_V_ERR_CERT_UNTRUSTED ||
           verdict == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

unsigned tls_peer_refusal(const struct stream *s, enum tls_verify rules, struct fault *why)
{
    SSL *ssl = ssl_of(s);
    long verdict = SSL_get_verify_result(ssl);

    if (rules == TLS_VERIFY_OFF)
        return 0;
    if (verdict != X509_V_OK &&
        (rules != TLS_VERIFY_OPTIONAL_NO_CA || !lacks_authority(verdict))) {
        (void)fail(why, RC_DENIED, "client SSL certificate verify error: (%ld:%s)", verdict,
                   X509_verify_cert_error_string(verdict));
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), SSL_get0_session(ssl));
        return 495;
    }
    if (rules == TLS_VERIFY_ON && !SSL_get0_peer_certificate(ssl)) {
        (void)fail(why, RC_DENIED, "client sent no required SSL certificate");
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), SSL_get0_session(ssl));
        return 496;
    }
    return 0;
}
