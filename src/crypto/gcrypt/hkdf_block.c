/* The one block of HKDF that each file of a folder takes: one call, for which nothing is looked up by its name. */
#include "crypto/gcrypt/handle.h"
#include "crypto/hkdf.h"

enum rc hkdf_expand_block(const uint8_t key[HKDF_BLOCK], struct span info,
                          uint8_t out[HKDF_BLOCK], struct fault *why)
{
    uint8_t first = 1;
    const gcry_buffer_t parts[] = {
        {.data = (void *)(uintptr_t)key, .len = HKDF_BLOCK},
        {.data = (void *)(uintptr_t)info.at, .len = info.len},
        {.data = &first, .len = 1},
    };

    handle_start();
    if (gcry_md_hash_buffers(GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC, out, parts, 3) == 0)
        return RC_OK;
    return fail(why, RC_UNSUPPORTED, "HMAC with sha256 is not to be had");
}
