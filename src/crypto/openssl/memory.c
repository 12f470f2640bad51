#include "crypto/memory.h"

#include <openssl/crypto.h>

#include "base/secret_heap.h"

static void *take(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return secret_heap_take(len);
}

static void *resize(void *at, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return secret_heap_resize(at, len);
}

static void give(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    secret_heap_give(at);
}

enum rc memory_of_libraries(struct fault *why)
{
    if (CRYPTO_set_mem_functions(take, resize, give) == 1)
        return RC_OK;
    return fail(why, RC_UNSUPPORTED,
                "OpenSSL was in use before the program began, and so its keys would not be in "
                "locked memory (what does LD_PRELOAD say?)");
}
