#include "crypto/openssl/legacy.h"

#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

static OSSL_LIB_CTX *context;

static void load(void)
{
    context = OSSL_LIB_CTX_new();
    if (context) {
        OSSL_PROVIDER_load(context, "default");
        OSSL_PROVIDER_load(context, "legacy");
    }
}

OSSL_LIB_CTX *legacy_context(const struct hash *hash)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (!hash->legacy)
        return NULL;
    pthread_once(&once, load);
    return context;
}
