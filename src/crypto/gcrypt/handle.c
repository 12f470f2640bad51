#include "crypto/gcrypt/handle.h"

#include <pthread.h>
#include <string.h>

#include "base/secret_heap.h"

static const struct {
    const char *name;
    size_t key_size; /* bytes */
    int algorithm;
} algorithms[] = {
    {"aes", 16, GCRY_CIPHER_AES128},           {"aes", 24, GCRY_CIPHER_AES192},
    {"aes", 32, GCRY_CIPHER_AES256},           {"serpent", 16, GCRY_CIPHER_SERPENT128},
    {"serpent", 24, GCRY_CIPHER_SERPENT192},   {"serpent", 32, GCRY_CIPHER_SERPENT256},
    {"twofish", 16, GCRY_CIPHER_TWOFISH128},   {"twofish", 32, GCRY_CIPHER_TWOFISH},
    {"camellia", 16, GCRY_CIPHER_CAMELLIA128}, {"camellia", 24, GCRY_CIPHER_CAMELLIA192},
    {"camellia", 32, GCRY_CIPHER_CAMELLIA256}, {"sm4", 16, GCRY_CIPHER_SM4},
    {"cast5", 16, GCRY_CIPHER_CAST5},          {"blowfish", 16, GCRY_CIPHER_BLOWFISH},
    {"blowfish", 32, GCRY_CIPHER_BLOWFISH},    {"blowfish", 56, GCRY_CIPHER_BLOWFISH},
    {"des3_ede", 24, GCRY_CIPHER_3DES},
};

int handle_algorithm(const char *name, size_t key_size)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (strcmp(algorithms[i].name, name) == 0 && algorithms[i].key_size == key_size)
            return algorithms[i].algorithm;
    }
    return GCRY_CIPHER_NONE;
}

static int is_secure(const void *at)
{
    (void)at;
    return 1;
}

/* All its memory is from the heap of secrets. */
static void library_start(void)
{
    gcry_set_allocation_handler(secret_heap_take, secret_heap_take, is_secure,
                                secret_heap_resize, secret_heap_give);
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

void handle_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, library_start);
}

gcry_cipher_hd_t handle_open(int algorithm, int mode, const struct secret *key)
{
    gcry_cipher_hd_t handle;

    if (gcry_cipher_open(&handle, algorithm, mode, 0) != 0)
        return NULL;
    if (gcry_cipher_setkey(handle, key->at, key->len) == 0)
        return handle;
    gcry_cipher_close(handle);
    return NULL;
}
