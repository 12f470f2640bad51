#include "gate/tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test/check.h"
#include "gate/tls/tls_client.h"
#include "gate/tls/tls_server.h"

/* Two authorities; a.test (and 127.0.0.1) and b.test of the first, c.test of the second. */
static const char make_certificates[] =
    "exec 2>/dev/null\n"
    "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "authority() { key $1; openssl req -x509 -new -key $1.key -subj /CN=$1 -days 2 -out "
    "$1.pem; }\n"
    "leaf() { key $1; echo subjectAltName=$3 > $1.ext;\n"
    "  openssl req -new -key $1.key -subj /CN=$1 |\n"
    "  openssl x509 -req -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext"
    " -out $1.pem; }\n"
    "authority one; authority two\n"
    "leaf a one DNS:a.test,IP:127.0.0.1; leaf b one DNS:b.test; leaf c two DNS:c.test\n"
    "openssl ec -in a.key -aes128 -passout pass:x -out locked.key\n"
    "test -s locked.key -a -s c.pem\n";

static char folder[] = "/tmp/gate-tls-XXXXXX";

static struct span file(const char *name)
{
    static char paths[8][64];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return span_text(path);
}

static void write_file(struct span path, const char *text)
{
    FILE *f = fopen((const char *)path.at, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static enum rc open_server(struct tls_server **out, const char *certificate, const char *key,
                           unsigned protocols, struct fault *why)
{
    struct span certificates[] = {file(certificate)}, keys[] = {file(key)};
    struct tls_settings settings = {
        .certificates = certificates,
        .keys = keys,
        .count = 1,
        .protocols = protocols,
        .ciphers = SPAN("HIGH:!aNULL:!MD5"),
        .session_timeout_ms = 300000,
        .session_tickets = true,
    };

    return tls_server_open(out, &settings, why);
}

static struct tls_server *server_of(const char *name, unsigned protocols)
{
    struct tls_server *server = NULL;
    struct fault why = {0};
    char certificate[16], key[16];

    snprintf(certificate, sizeof certificate, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    check(why.text, open_server(&server, certificate, key, protocols, &why) == RC_OK);
    return server;
}

static struct tls_client *client_that_trusts(const char *authority, unsigned protocols)
{
    struct tls_client_settings settings = {
        .verify = authority != NULL,
        .verify_depth = 1,
        .protocols = protocols,
        .trusted_certificate = authority ? file(authority) : (struct span){0},
        .session_reuse = true,
        .send_name = true,
    };
    struct tls_client *client = NULL;
    struct fault why = {0};

    check(why.text, tls_client_open(&client, &settings, &why) == RC_OK);
    return client;
}

/* A connection, and what its handshakes came to. */
struct link {
    struct stream client, server;
    enum rc client_rc, server_rc;
    struct fault client_why, server_why;
};

static void shake(struct link *link)
{
    link->client_rc = link->server_rc = RC_AGAIN;
    for (int i = 0; i < 20; i++) {
        if (link->client_rc == RC_AGAIN)
            link->client_rc = stream_handshake(&link->client, &link->client_why);
        if (link->server_rc == RC_AGAIN)
            link->server_rc = stream_handshake(&link->server, &link->server_why);
    }
}

static void sockets(struct link *link)
{
    int fds[2];

    *link = (struct link){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    link->client = (struct stream){&stream_socket, NULL, fds[0]};
    link->server = (struct stream){&stream_socket, NULL, fds[1]};
}

static void join(struct link *link, struct tls_client *client, const char *name,
                 const struct tls_server *server, tls_choose *choose, void *of)
{
    sockets(link);
    assert_int_equal(tls_client_start(&link->client, client, span_text(name), NULL), RC_OK);
    assert_int_equal(tls_server_start(&link->server, server, choose, NULL, of, NULL), RC_OK);
    shake(link);
}

static void part(struct link *link)
{
    stream_close(&link->client);
    stream_close(&link->server);
}

enum { LONG = 1 << 20 };

/* Sends LONG bytes in pieces of many sizes while the other side reads slowly; they arrive as
 * they were. */
static void carry(struct stream *from, struct stream *to)
{
    static uint8_t sent[LONG], got[LONG];
    size_t out = 0, in = 0, n;

    for (size_t i = 0; i < LONG; i++)
        sent[i] = (uint8_t)(i * 7 + i / 4096);
    while (in < LONG) {
        size_t left = LONG - out, first = left < 100 ? left : 100, second = left - first;
        struct iovec pieces[] = {{sent + out, first}, {NULL, 0}, {sent + out + first, second}};

        if (out < LONG && stream_write(from, pieces, 3, &n) == RC_OK)
            out += n;
        for (int i = 0;
             i < 3 && stream_read(to, got + in,
                                  5000 + in % 9000 < LONG - in ? 5000 + in % 9000 : LONG - in,
                                  &n) == RC_OK;
             i++)
            in += n;
    }
    assert_memory_equal(sent, got, LONG);
}

static void bytes_arrive_and_ends_are_told(void **state)
{
    static const unsigned protocols[] = {TLS_1_2, TLS_1_3};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_server *server = server_of("a", protocols[i]);
        struct tls_client *client = client_that_trusts("one.pem", TLS_1_2 | TLS_1_3);
        struct link link;
        uint8_t byte;
        size_t n;

        join(&link, client, "a.test:8443", server, NULL, NULL);
        check(link.client_why.text, link.client_rc == RC_OK);
        check(link.server_why.text, link.server_rc == RC_OK);
        assert_string_equal(tls_protocol(&link.server), i == 0 ? "TLSv1.2" : "TLSv1.3");
        assert_true(span_equal(tls_server_name(&link.server), SPAN("a.test")));
        carry(&link.client, &link.server);
        carry(&link.server, &link.client);
        assert_int_equal(stream_read(&link.client, &byte, 1, &n), RC_AGAIN);
        stream_shut(&link.server);
        assert_int_equal(stream_read(&link.client, &byte, 1, &n), RC_END);
        part(&link);
        tls_client_close(client);
        tls_server_close(server);
    }
}

static void an_end_without_goodbye_is_a_failure(void **state)
{
    struct tls_server *server = server_of("a", TLS_1_2 | TLS_1_3);
    struct tls_client *client = client_that_trusts("one.pem", TLS_1_2 | TLS_1_3);
    struct iovec piece = {(char[]){"x"}, 1};
    struct link link;
    uint8_t byte;
    size_t n;

    (void)state;
    join(&link, client, "a.test", server, NULL, NULL);
    assert_int_equal(stream_write(&link.server, &piece, 1, &n), RC_OK);
    stream_close(&link.server);
    assert_int_equal(stream_read(&link.client, &byte, 1, &n), RC_OK);
    assert_int_equal(stream_read(&link.client, &byte, 1, &n), RC_IO);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(stream_read(&link.client, &byte, 1, &n), RC_IO);
    assert_int_equal(stream_write(&link.client, &piece, 1, &n), RC_IO);
    part(&link);
    tls_client_close(client);
    tls_server_close(server);
}

static const struct {
    const char *what, *trusted, *name, *certificate;
    enum rc rc;
    const char *text;
} verdicts[] = {
    {"right", "one.pem", "a.test", "a", RC_OK, NULL},
    {"right address", "one.pem", "127.0.0.1:443", "a", RC_OK, NULL},
    {"upper case", "one.pem", "A.TEST", "a", RC_OK, NULL},
    {"other name", "one.pem", "b.test", "a", RC_DENIED, "does not match \"b.test\""},
    {"other address", "one.pem", "127.0.0.2", "a", RC_DENIED, "does not match \"127.0.0.2\""},
    {"IPv6 address", "one.pem", "[::1]:443", "a", RC_DENIED, "does not match \"::1\""},
    {"other authority", "two.pem", "a.test", "a", RC_DENIED, "verify error: (20:"},
    {"nothing asked", NULL, "b.test", "a", RC_OK, NULL},
};

static void certificates_are_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        struct tls_server *server = server_of(verdicts[i].certificate, TLS_1_2 | TLS_1_3);
        struct tls_client *client = client_that_trusts(verdicts[i].trusted, TLS_1_2 | TLS_1_3);
        struct link link;

        join(&link, client, verdicts[i].name, server, NULL, NULL);
        check(verdicts[i].what, link.client_rc == verdicts[i].rc);
        if (verdicts[i].text)
            check(link.client_why.text, strstr(link.client_why.text, verdicts[i].text));
        part(&link);
        tls_client_close(client);
        tls_server_close(server);
    }
}

/* By name: of = {a, b}; "c.test" belongs to nobody. */
static const struct tls_server *by_name(void *of, struct span name)
{
    struct tls_server **servers = of;

    if (span_equal(name, SPAN("a.test")))
        return servers[0];
    return span_equal(name, SPAN("b.test")) ? servers[1] : NULL;
}

static void the_name_chooses_the_server(void **state)
{
    struct tls_server *servers[] = {server_of("a", TLS_1_2 | TLS_1_3),
                                    server_of("b", TLS_1_2)};
    struct tls_client *client = client_that_trusts("one.pem", TLS_1_2 | TLS_1_3);
    struct link link;

    (void)state;
    join(&link, client, "B.test", servers[0], by_name, servers);
    check(link.client_why.text, link.client_rc == RC_OK);
    assert_string_equal(tls_protocol(&link.client), "TLSv1.2"); /* b's own rule */
    part(&link);
    join(&link, client, "c.test", servers[0], by_name, servers);
    assert_int_equal(link.client_rc, RC_IO);
    assert_int_equal(link.server_rc, RC_IO);
    part(&link);
    join(&link, client, "127.0.0.1", servers[0], by_name, servers); /* no name is sent */
    assert_int_equal(link.client_rc, RC_OK);
    part(&link);
    tls_client_close(client);
    tls_server_close(servers[0]);
    tls_server_close(servers[1]);
}

/* Is the session resumed that the client made with the same name before? TLS 1.3 sends it
 * after the handshake. */
static bool reused(struct tls_client *client, const struct tls_server *first,
                   struct tls_server **servers)
{
    struct link link;
    uint8_t byte;
    size_t n;
    bool is_reused;

    join(&link, client, "a.test", first, by_name, servers);
    check(link.client_why.text, link.client_rc == RC_OK && link.server_rc == RC_OK);
    assert_int_equal(stream_read(&link.client, &byte, 1, &n), RC_AGAIN);
    is_reused = tls_is_reused(&link.client);
    assert_int_equal(is_reused, tls_is_reused(&link.server));
    part(&link);
    return is_reused;
}

static void sessions_are_resumed_by_their_server_alone(void **state)
{
    static const unsigned protocols[] = {TLS_1_2, TLS_1_3};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_server *a = server_of("a", protocols[i]), *b = server_of("b", protocols[i]);
        struct tls_server *second = server_of("a", protocols[i]);
        struct tls_server *usual[] = {a, b}, *changed[] = {second, b};
        struct tls_client *client = client_that_trusts("one.pem", TLS_1_2 | TLS_1_3);

        assert_false(reused(client, b, usual));
        assert_true(reused(client, b, usual));
        assert_false(reused(client, b, changed)); /* the same keys, another server */
        assert_true(reused(client, b, changed));
        tls_client_close(client);
        tls_server_close(a);
        tls_server_close(b);
        tls_server_close(second);
    }
}

static void without_a_common_protocol_there_is_none(void **state)
{
    struct tls_server *server = server_of("a", TLS_1_2);
    struct tls_client *client = client_that_trusts("one.pem", TLS_1_3);
    struct link link;

    (void)state;
    join(&link, client, "a.test", server, NULL, NULL);
    assert_int_equal(link.server_rc, RC_IO);
    assert_non_null(strstr(link.server_why.text, "SSL_do_handshake() failed (SSL: error:"));
    assert_int_equal(link.client_rc, RC_IO);
    part(&link);
    tls_client_close(client);
    tls_server_close(server);
}

static void plain_http_is_known(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    struct tls_server *server = server_of("a", TLS_1_2 | TLS_1_3);
    struct iovec answer = {(char[]){"HTTP/1.1 400 "}, 13};
    struct link link;
    char got[64];
    size_t n;

    (void)state;
    sockets(&link);
    assert_int_equal(tls_server_start(&link.server, server, NULL, NULL, NULL, NULL), RC_OK);
    assert_int_equal(write(link.client.fd, request, sizeof request - 1), sizeof request - 1);
    assert_int_equal(stream_handshake(&link.server, &link.server_why), RC_FORMAT);
    tls_make_plain(&link.server);
    assert_false(tls_is(&link.server));
    assert_int_equal(stream_read(&link.server, got, sizeof got, &n), RC_OK);
    assert_int_equal(n, sizeof request - 1);
    assert_memory_equal(got, request, n);
    assert_int_equal(stream_write(&link.server, &answer, 1, &n), RC_OK);
    assert_int_equal(stream_read(&link.client, got, sizeof got, &n), RC_OK);
    assert_memory_equal(got, "HTTP/1.1 400 ", 13);
    part(&link);
    tls_server_close(server);
}

static void a_peer_that_leaves_is_said_to_have_left(void **state)
{
    struct tls_server *server = server_of("a", TLS_1_2 | TLS_1_3);
    struct link link;

    (void)state;
    sockets(&link);
    assert_int_equal(tls_server_start(&link.server, server, NULL, NULL, NULL, NULL), RC_OK);
    assert_int_equal(stream_handshake(&link.server, &link.server_why), RC_AGAIN);
    stream_close(&link.client);
    assert_int_equal(stream_handshake(&link.server, &link.server_why), RC_IO);
    assert_non_null(strstr(link.server_why.text, "peer closed connection in SSL handshake"));
    part(&link);
    tls_server_close(server);
}

static const struct {
    const char *certificate, *key, *text;
} bad_files[] = {
    {"none.pem", "a.key", "cannot load certificate \""},
    {"a.key", "a.key", "cannot load certificate \""},
    {"a.pem", "none.key", "cannot load certificate key \""},
    {"a.pem", "b.key", "cannot load certificate key \""},
    {"a.pem", "locked.key", "cannot load certificate key \""},
};

/* The right one among several opens the key. */
static void phrases_open_a_key(void **state)
{
    struct span certificate = file("a.pem"), key = file("locked.key"), phrases;
    struct tls_settings settings = {
        .certificates = &certificate, .keys = &key, .count = 1, .protocols = TLS_1_3};
    struct tls_server *server = NULL;
    struct fault why = {0};
    static const struct {
        const char *text;
        enum rc rc;
    } cases[] = {
        {"x\n", RC_OK}, {"wrong\r\n\nx", RC_OK}, {"wrong\n", RC_FORMAT}, {"", RC_FORMAT}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        phrases = file("phrases");
        write_file(phrases, cases[i].text);
        settings.password_file = phrases;
        check(cases[i].text, tls_server_open(&server, &settings, &why) == cases[i].rc);
        if (cases[i].rc == RC_OK)
            tls_server_close(server);
    }
    settings.password_file = file("nosuch");
    assert_int_equal(tls_server_open(&server, &settings, &why), RC_IO);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        struct tls_server *server = NULL;
        struct fault why = {0};

        check(bad_files[i].text, open_server(&server, bad_files[i].certificate,
                                             bad_files[i].key, TLS_1_3, &why) != RC_OK);
        check(why.text, strstr(why.text, bad_files[i].text));
        assert_null(server);
    }
}

static int begin(void **state)
{
    char command[sizeof make_certificates + 64];

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(command, sizeof command, "cd %s && {\n%s}", folder, make_certificates);
    return system(command) == 0 ? 0 : -1;
}

static int end(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_and_ends_are_told),
        cmocka_unit_test(an_end_without_goodbye_is_a_failure),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(the_name_chooses_the_server),
        cmocka_unit_test(sessions_are_resumed_by_their_server_alone),
        cmocka_unit_test(without_a_common_protocol_there_is_none),
        cmocka_unit_test(plain_http_is_known),
        cmocka_unit_test(a_peer_that_leaves_is_said_to_have_left),
        cmocka_unit_test(phrases_open_a_key),
        cmocka_unit_test(bad_files_are_named),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
