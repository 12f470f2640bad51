#include "crypto/openssl/aes_block.h"

#include <openssl/evp.h>

static EVP_CIPHER_CTX *context_of(struct aes_block *block)
{
    return (EVP_CIPHER_CTX *)(void *)block;
}

struct aes_block *aes_block_open(const uint8_t key[32], bool encrypt)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (context &&
        (EVP_CipherInit_ex2(context, EVP_aes_256_ecb(), key, NULL, encrypt, NULL) != 1 ||
         EVP_CIPHER_CTX_set_padding(context, 0) != 1)) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return (struct aes_block *)(void *)context;
}

bool aes_block_crypt(struct aes_block *block, const uint8_t in[16], uint8_t out[16])
{
    int len;

    return EVP_CipherUpdate(context_of(block), out, &len, in, 16) == 1;
}

void aes_block_close(struct aes_block *block)
{
    EVP_CIPHER_CTX_free(context_of(block));
}
