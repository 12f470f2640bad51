#include "gate/auth/password.h"

#include <crypt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "crypto/equal.h"
#include "crypto/hash.h"

enum { SHA1_SIZE = 20, MD5_SIZE = 16, SALTED_MAX = 256, APR1_SALT = 8, APR1_ROUNDS = 1000 };

/* {SHA} and {SSHA}: what was hashed is the password and the salt behind the hash, which may be none. */
static bool sha_fits(struct span kept, struct span password)
{
    uint8_t bytes[SALTED_MAX], made[HASH_SIZE_MAX];
    size_t len = 0;

    if (base64_decode(kept, bytes, sizeof bytes, &len) != RC_OK || len < SHA1_SIZE)
        return false;
    return hash_compute(hash_find("sha1"),
                        (struct span[]){password, span_of(bytes + SHA1_SIZE, len - SHA1_SIZE)},
                        2, made, NULL) == RC_OK &&
           equal_bytes(span_of(made, SHA1_SIZE), span_of(bytes, SHA1_SIZE));
}

/* Three bytes as four letters, least first; two letters where `count` is 2. */
static char *add_letters(char *out, uint32_t bits, unsigned count)
{
    static const char letters[] =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (; count > 0; count--, bits >>= 6)
        *out++ = letters[bits & 63];
    return out;
}

static bool md5(const struct span *pieces, size_t count, uint8_t out[MD5_SIZE])
{
    return hash_compute(&hash_md5, pieces, count, out, NULL) == RC_OK;
}

/* The first hash: password, magic, salt, then some of another hash for each byte of the password. */
static bool apr1_begin(struct span password, struct span salt, uint8_t out[MD5_SIZE])
{
    struct span pieces[3 + PASSWORD_MAX / MD5_SIZE + 1 + 16];
    size_t count = 0, left = password.len;
    uint8_t mixed[MD5_SIZE];

    if (!md5((struct span[]){password, salt, password}, 3, mixed))
        return false;
    pieces[count++] = password;
    pieces[count++] = SPAN("$apr1$");
    pieces[count++] = salt;
    for (; left > 0; left -= left < MD5_SIZE ? left : MD5_SIZE)
        pieces[count++] = span_of(mixed, left < MD5_SIZE ? left : MD5_SIZE);
    for (left = password.len; left > 0; left >>= 1)
        pieces[count++] = left & 1 ? SPAN("\0") : span_of(password.at, 1);
    return md5(pieces, count, out);
}

static bool apr1_round(struct span password, struct span salt, unsigned round,
                       uint8_t hash[MD5_SIZE])
{
    const struct span so_far = span_of(hash, MD5_SIZE), none = {0};
    uint8_t out[MD5_SIZE];
    const bool done =
        md5((struct span[]){round & 1 ? password : so_far, round % 3 ? salt : none,
                            round % 7 ? password : none, round & 1 ? so_far : password},
            4, out);

    memcpy(hash, out, MD5_SIZE);
    return done;
}

bool password_apr1(struct span password, struct span salt, char text[PASSWORD_APR1_SIZE])
{
    uint8_t h[MD5_SIZE];
    char *out;

    salt.len = salt.len < APR1_SALT ? salt.len : APR1_SALT;
    if (password.len > PASSWORD_MAX || !apr1_begin(password, salt, h))
        return false;
    for (unsigned i = 0; i < APR1_ROUNDS; i++)
        if (!apr1_round(password, salt, i, h))
            return false;
    out = text + sprintf(text, "$apr1$%.*s$", SPAN_ARG(salt));
    for (unsigned i = 0; i < 5; i++)
        out = add_letters(
            out, (uint32_t)h[i] << 16 | (uint32_t)h[i + 6] << 8 | h[i == 4 ? 5 : i + 12], 4);
    *add_letters(out, h[11], 2) = '\0';
    explicit_bzero(h, sizeof h);
    return true;
}

static bool apr1_fits(struct span kept, struct span password)
{
    char text[PASSWORD_APR1_SIZE];
    struct span salt = kept;

    span_cut(&salt, strlen("$apr1$"));
    return password_apr1(password, span_cut(&salt, span_find(salt, '$')), text) &&
           equal_bytes(span_text(text), kept);
}

static bool crypt_fits(struct span kept, struct span password)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    char *setting = strndup((const char *)kept.at, kept.len);
    char *phrase = strndup((const char *)password.at, password.len);
    const char *made = data && setting && phrase ? crypt_r(phrase, setting, data) : NULL;
    /* what crypt cannot do begins with '*' */
    const bool fits = made && made[0] != '*' && equal_bytes(span_text(made), kept);

    if (phrase)
        explicit_bzero(phrase, strlen(phrase));
    if (data)
        explicit_bzero(data, sizeof *data);
    free(phrase);
    free(setting);
    free(data);
    return fits;
}

bool password_fits(struct span kept, struct span password)
{
    static const struct {
        const char *sign;
        bool keeps; /* the sign is part of what is compared */
        bool (*fits)(struct span kept, struct span password);
    } forms[] = {{"$apr1$", true, apr1_fits},
                 {"{PLAIN}", false, equal_bytes},
                 {"{SSHA}", false, sha_fits},
                 {"{SHA}", false, sha_fits}};

    if (password.len > PASSWORD_MAX ||
        memchr(password.at ? password.at : (const uint8_t *)"x", 0, password.len))
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!span_starts(kept, span_text(forms[i].sign)))
            continue;
        if (!forms[i].keeps)
            span_cut(&kept, strlen(forms[i].sign));
        return forms[i].fits(kept, password);
    }
    return crypt_fits(kept, password);
}
