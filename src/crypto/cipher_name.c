#include "crypto/cipher_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WORD = 16 };

/* "capi:MODE(ALGORITHM)-IV", and what looks a little different. */
static bool from_kernel_words(const char *e, char room[CIPHER_NAME_SIZE])
{
    char a[WORD], b[WORD], c[WORD];
    int len = 0;

    if (sscanf(e, "capi:essiv(cbc(%15[^()]),%15[^()])-%15s", a, b, c) == 3)
        len = snprintf(room, CIPHER_NAME_SIZE, "%s-cbc-essiv:%s", a, b);
    else if (sscanf(e, "capi:adiantum(%15[^(),],%15[^(),])-%15s", a, b, c) == 3)
        len = snprintf(room, CIPHER_NAME_SIZE, "%s,%s-adiantum-%s", a, b, c);
    else if (sscanf(e, "capi:ecb(%15[^()])-%15s", a, b) == 2)
        len = snprintf(room, CIPHER_NAME_SIZE, "%s-ecb", a);
    else if (sscanf(e, "capi:%15[^()](ecb(%15[^()]))-%15s", a, b, c) == 3 ||
             sscanf(e, "capi:%15[^()](%15[^()])-%15s", a, b, c) == 3)
        len = snprintf(room, CIPHER_NAME_SIZE, "%s-%s-%s", b, a, c);
    return len > 0 && len < CIPHER_NAME_SIZE;
}

const char *cipher_name(const char *encryption, char room[CIPHER_NAME_SIZE])
{
    size_t word = strcspn(encryption, "-:");

    if (from_kernel_words(encryption, room))
        return room;
    if (word > 0 && word < WORD &&
        (encryption[word] == '\0' || strcmp(encryption + word, "-plain") == 0)) {
        snprintf(room, CIPHER_NAME_SIZE, "%.*s-cbc-plain", (int)word, encryption);
        return room;
    }
    return encryption;
}
