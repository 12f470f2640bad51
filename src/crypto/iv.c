#include "crypto/iv.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"

static const char *const names[] = {
    [IV_NONE] = "",           [IV_NULL] = "null",           [IV_PLAIN] = "plain",
    [IV_PLAIN64] = "plain64", [IV_PLAIN64BE] = "plain64be", [IV_BENBI] = "benbi",
    [IV_EBOIV] = "eboiv",     [IV_ESSIV] = "essiv:sha256",
};

enum iv_kind iv_find(const char *name)
{
    size_t i = 0;

    while (strcmp(names[i], name) != 0) {
        i++;
        assert(i < sizeof names / sizeof *names);
    }
    return (enum iv_kind)i;
}

bool iv_is_encrypted(enum iv_kind kind)
{
    return kind == IV_EBOIV || kind == IV_ESSIV;
}

void iv_put(enum iv_kind kind, uint64_t sector, uint32_t sector_size, uint8_t *iv, size_t size)
{
    memset(iv, 0, size);
    switch (kind) {
    case IV_NONE:
    case IV_NULL:
        break;
    case IV_PLAIN:
        le64_put(iv, (uint32_t)sector);
        break;
    case IV_PLAIN64:
    case IV_ESSIV:
        le64_put(iv, sector);
        break;
    case IV_PLAIN64BE:
        be64_put(iv + size - 8, sector);
        break;
    case IV_BENBI:
        be64_put(iv + size - 8, sector * (512 / size) + 1);
        break;
    case IV_EBOIV:
        le64_put(iv, sector * sector_size);
        break;
    }
}
