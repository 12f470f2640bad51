#include "gate/tls/tls_tickets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "gate/tls/tls_stream.h"

enum {
    NAME_SIZE = 16, /* sent along, so that the key is found again */
    SMALL = 48,     /* a name, 16 bytes for AES, 16 for HMAC */
    LARGE = 80,     /* a name, 32 bytes for HMAC, 32 for AES */
    NO_KEY = 0,     /* what the library wants to hear */
    KEY_IS_CURRENT = 1,
    KEY_IS_OLD = 2, /* or another ticket is due anyhow */
};

struct ticket_key {
    uint8_t name[NAME_SIZE];
    uint8_t mac[32], cipher[32];
    uint8_t size; /* bytes of each of these */
};

/* RC_FORMAT: it has another length than such a file has. */
static enum rc read_whole(int fd, uint8_t bytes[LARGE + 1], size_t *got)
{
    *got = 0;
    while (*got <= LARGE) {
        ssize_t n = read(fd, bytes + *got, LARGE + 1 - *got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return RC_IO;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return *got == SMALL || *got == LARGE ? RC_OK : RC_FORMAT;
}

static void understand(struct ticket_key *key, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes + NAME_SIZE;

    memcpy(key->name, bytes, NAME_SIZE);
    key->size = (uint8_t)((len - NAME_SIZE) / 2);
    memcpy(len == SMALL ? key->cipher : key->mac, at, key->size);
    memcpy(len == SMALL ? key->mac : key->cipher, at + key->size, key->size);
}

static enum rc read_key(struct span file, struct ticket_key *key, struct fault *why)
{
    SCOPED(secret) bytes = {0};
    char path[4096];
    size_t got;
    enum rc rc;
    int fd;

    if (file.len >= sizeof path)
        return fail(why, RC_FORMAT, "the path of a ticket key is too long");
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(file));
    if ((rc = secret_alloc(&bytes, LARGE + 1, why)) != RC_OK)
        return rc;
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return fail(why, RC_IO, "open() \"%s\" failed (%d: %s)", path, errno,
                    strerrordesc_np(errno));
    rc = read_whole(fd, bytes.at, &got);
    if (rc == RC_IO)
        (void)fail(why, rc, "read() \"%s\" failed (%d: %s)", path, errno,
                   strerrordesc_np(errno));
    else if (rc != RC_OK)
        (void)fail(why, rc, "\"%s\" must be 48 or 80 bytes", path);
    else
        understand(key, bytes.at, got);
    close(fd);
    return rc;
}

enum rc tls_tickets_open(struct tls_tickets *tickets, const struct span *files, size_t count,
                         struct fault *why)
{
    struct ticket_key *keys;
    enum rc rc = RC_OK;

    tickets->count = count ? count : 1;
    tickets->keys = keys = OPENSSL_zalloc(tickets->count * sizeof *keys);
    if (!keys)
        return fail(why, RC_MEMORY, "no memory for TLS tickets");
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = read_key(files[i], &keys[i], why);
    if (count > 0)
        return rc;
    keys->size = sizeof keys->mac;
    if (RAND_bytes(keys->name, NAME_SIZE) != 1 ||
        RAND_priv_bytes(keys->mac, sizeof keys->mac) != 1 ||
        RAND_priv_bytes(keys->cipher, sizeof keys->cipher) != 1)
        return tls_fail(why, RC_IO, "no key for TLS tickets");
    return RC_OK;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac,
                                          key->size),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int tls_tickets_use(const struct tls_tickets *tickets, SSL *ssl, unsigned char name[16],
                    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
    const struct ticket_key *keys = tickets->keys, *key = keys;
    const EVP_CIPHER *way;

    while (!encrypts && key < keys + tickets->count && memcmp(key->name, name, NAME_SIZE) != 0)
        key++;
    if (key == keys + tickets->count)
        return NO_KEY;
    way = key->size == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
    if (!set_mac(mac, key))
        return -1;
    if (!encrypts)
        return EVP_DecryptInit_ex(cipher, way, NULL, key->cipher, iv) != 1 ? -1
               : key == keys && SSL_version(ssl) != TLS1_3_VERSION         ? KEY_IS_CURRENT
                                                                           : KEY_IS_OLD;
    memcpy(name, key->name, NAME_SIZE);
    return RAND_bytes(iv, EVP_CIPHER_get_iv_length(way)) == 1 &&
                   EVP_EncryptInit_ex(cipher, way, NULL, key->cipher, iv) == 1
               ? KEY_IS_CURRENT
               : -1;
}

void tls_tickets_clear(struct tls_tickets *tickets)
{
    OPENSSL_clear_free(tickets->keys, tickets->count * sizeof *tickets->keys);
    *tickets = (struct tls_tickets){0};
}
