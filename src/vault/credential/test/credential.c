#include "vault/credential/credential.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test/check.h"

static char path[] = "/tmp/keepgate-credential-XXXXXX";

static void put(const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static const struct {
    const char *what, *file;
    uint64_t offset, size;
    const char *passphrase, *key; /* NULL: refused with rc */
    enum rc rc;
} files[] = {
    {"plain", "secret", 0, 0, "secret", "secret", RC_OK},
    {"newline", "secret\n", 0, 0, "secret", "secret\n", RC_OK},
    {"two newlines", "secret\n\n", 0, 0, "secret\n", "secret\n\n", RC_OK},
    {"newline within", "a\nb", 0, 0, "a\nb", "a\nb", RC_OK},
    {"empty", "", 0, 0, "", "", RC_OK},
    {"newline alone", "\n", 0, 0, "", "\n", RC_OK},
    {"a part", "0123456789", 2, 5, NULL, "23456", RC_OK},
    {"from an offset", "0123456789", 7, 0, NULL, "789", RC_OK},
    {"too short", "0123456789", 7, 4, NULL, NULL, RC_TRUNCATED},
    {"offset behind the end", "0123456789", 11, 1, NULL, NULL, RC_TRUNCATED},
    {"size that nobody has", "0123456789", 0, CREDENTIAL_MAX + 1, NULL, NULL, RC_LIMIT},
    {"offset that wraps", "0123456789", UINT64_MAX, 1, NULL, NULL, RC_LIMIT},
};

static void files_and_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        SCOPED(secret) secret = {0};
        struct credential from = {
            .key_file = path, .key_offset = files[i].offset, .key_size = files[i].size};

        put(files[i].file, strlen(files[i].file));
        check(files[i].what, credential_get(&from, "", false, &secret, NULL) == files[i].rc);
        if (files[i].key)
            check(files[i].what, span_equal(secret_span(&secret), span_text(files[i].key)));
        else
            check(files[i].what, !secret.at);
        from = (struct credential){.passphrase_file = path};
        if (!files[i].passphrase)
            continue;
        check(files[i].what, credential_get(&from, "", true, &secret, NULL) == RC_OK);
        check(files[i].what, span_equal(secret_span(&secret), span_text(files[i].passphrase)));
    }
}

/* Longer than a page, so that the secret has to grow; and longer than the limit. */
static void long_keys(void **state)
{
    char *bytes = malloc(CREDENTIAL_MAX + 1);
    SCOPED(secret) secret = {0};

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i <= CREDENTIAL_MAX; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    put(bytes, 100001);
    assert_int_equal(credential_key_file(path, 0, 0, &secret, NULL), RC_OK);
    assert_true(span_equal(secret_span(&secret), span_of(bytes, 100001)));
    put(bytes, CREDENTIAL_MAX + 1);
    assert_int_not_equal(credential_key_file(path, 0, 0, &secret, NULL), RC_OK);
    assert_null(secret.at);
    free(bytes);
}

/* A pipe cannot seek: what comes before the key is read and dropped. */
static void pipes(void **state)
{
    SCOPED(secret) secret = {0};
    char name[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "0123456789", 10), 10);
    close(ends[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(credential_key_file(name, 3, 4, &secret, NULL), RC_OK);
    assert_true(span_equal(secret_span(&secret), SPAN("3456")));
    close(ends[0]);
}

static void misuse(void **state)
{
    SCOPED(secret) secret = {0};
    struct credential both = {.passphrase_file = path, .key_file = path};
    struct credential alone = {.key_size = 5};

    (void)state;
    assert_int_equal(credential_get(&both, "", false, &secret, NULL), RC_USAGE);
    assert_int_equal(credential_get(&alone, "", false, &secret, NULL), RC_USAGE);
    assert_int_equal(credential_key_file("/nowhere/key", 0, 0, &secret, NULL), RC_NOT_FOUND);
    assert_int_equal(credential_key_file("/tmp", 0, 0, &secret, NULL), RC_IO);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(files_and_parts),
                                     cmocka_unit_test(long_keys), cmocka_unit_test(pipes),
                                     cmocka_unit_test(misuse)};

    return cmocka_run_group_tests(all, make_file, remove_file);
}
