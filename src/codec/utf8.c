#include "codec/utf8.h"

/* The next character, cut off the front; false where the bytes are none. */
static bool next(struct span *text, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = *text->at;
    size_t len = first < 0x80             ? 1
                 : (first & 0xe0) == 0xc0 ? 2
                 : (first & 0xf0) == 0xe0 ? 3
                 : (first & 0xf8) == 0xf0 ? 4
                                          : 0;

    if (len == 0 || len > text->len)
        return false;
    *character = len == 1 ? first : first & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text->at[i] & 0xc0) != 0x80)
            return false;
        *character = *character << 6 | (text->at[i] & 0x3f);
    }
    (void)span_cut(text, len);
    return *character >= least[len] && *character <= 0x10ffff &&
           (*character < 0xd800 || *character > 0xdfff);
}

bool utf8_is_plain(struct span text)
{
    while (text.len > 0) {
        uint32_t character;

        if (!next(&text, &character) || character < 0x20 ||
            (character >= 0x7f && character < 0xa0))
            return false;
    }
    return true;
}
