#include "gate/auth/secure_link.h"

#include "base/units.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/equal.h"
#include "crypto/hash.h"

enum { MD5_SIZE = 16, MD5_LETTERS = 22, MD5_PADDED = 24 };

bool secure_link_split(struct span text, struct span *hash, uint64_t *expires,
                       struct span *expires_text)
{
    *hash = span_cut(&text, span_find(text, ','));
    *expires = 0;
    *expires_text = (struct span){0};
    if (text.len == 0)
        return true;
    span_cut(&text, 1);
    *expires_text = text;
    return units_parse_number(text, INT64_MAX, expires) == RC_OK && *expires > 0;
}

bool secure_link_fits(struct span hash, struct span text)
{
    uint8_t padded[MD5_PADDED], given[MD5_PADDED], made[MD5_SIZE];
    size_t len;

    if (hash.len > MD5_PADDED)
        return false;
    hash.len = span_find(hash, '=');
    if (hash.len != MD5_LETTERS)
        return false;
    for (size_t i = 0; i < sizeof padded; i++) {
        uint8_t letter = i < hash.len ? hash.at[i] : '=';

        padded[i] = letter == '-' ? '+' : letter == '_' ? '/' : letter;
    }
    return base64_decode(span_of(padded, sizeof padded), given, sizeof given, &len) == RC_OK &&
           len == MD5_SIZE && hash_compute(&hash_md5, &text, 1, made, NULL) == RC_OK &&
           equal_bytes(span_of(given, MD5_SIZE), span_of(made, MD5_SIZE));
}

bool secure_link_path(struct span path, struct span secret, struct span *link)
{
    char text[2 * MD5_SIZE + 1];
    uint8_t made[MD5_SIZE];
    struct span hash;

    span_cut(&path, 1);
    span_cut(&path, span_find(path, '/'));
    span_cut(&path, 1);
    hash = span_cut(&path, span_find(path, '/'));
    if (hash.len != 2 * MD5_SIZE || path.len < 2)
        return false;
    span_cut(&path, 1);
    if (hash_compute(&hash_md5, (struct span[]){path, secret}, 2, made, NULL) != RC_OK)
        return false;
    hex_encode(span_of(made, sizeof made), text);
    *link = path;
    return span_equal_nocase(span_of(text, 2 * MD5_SIZE), hash);
}
