#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <argon2.h>

#include "crypto/kdf.h"

/*
 * The working memory is far too large to be locked. It is kept out of core dumps, and wiped
 * when it is given back.
 */
static int memory_take(uint8_t **at, size_t len)
{
    void *area = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        return ARGON2_MEMORY_ALLOCATION_ERROR;
    madvise(area, len, MADV_DONTDUMP);
    madvise(area, len, MADV_HUGEPAGE); /* fewer page faults; where it fails, nothing is lost */
    *at = area;
    return ARGON2_OK;
}

static void memory_give(uint8_t *at, size_t len)
{
    wipe(at, len);
    munmap(at, len);
}

static enum rc derive(argon2_type type, const struct kdf_params *params, struct span phrase,
                      struct span salt, struct secret *key, struct fault *why)
{
    argon2_context context = {
        .out = key->at,
        .outlen = (uint32_t)key->len,
        .pwd = (uint8_t *)(uintptr_t)phrase.at,
        .pwdlen = (uint32_t)phrase.len,
        .salt = (uint8_t *)(uintptr_t)salt.at,
        .saltlen = (uint32_t)salt.len,
        .t_cost = params->passes,
        .m_cost = params->memory_kib,
        .lanes = params->lanes,
        .threads = params->lanes,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = memory_take,
        .free_cbk = memory_give,
        .flags = ARGON2_DEFAULT_FLAGS, /* phrase and salt are left as they are */
    };
    int result = argon2_ctx(&context, type);

    if (result == ARGON2_OK)
        return RC_OK;
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR || result == ARGON2_THREAD_FAIL)
        return fail(why, RC_MEMORY, "cannot get the %u MiB that Argon2 is to use",
                    params->memory_kib >> 10);
    return fail(why, RC_FORMAT, "Argon2: %s", argon2_error_message(result));
}

static enum rc argon2i_derive(const struct kdf_params *params, struct span phrase,
                              struct span salt, struct secret *key, struct fault *why)
{
    return derive(Argon2_i, params, phrase, salt, key, why);
}

static enum rc argon2id_derive(const struct kdf_params *params, struct span phrase,
                               struct span salt, struct secret *key, struct fault *why)
{
    return derive(Argon2_id, params, phrase, salt, key, why);
}

const struct kdf kdf_argon2i = {
    .name = "argon2i", .takes_memory = true, .derive = argon2i_derive};
const struct kdf kdf_argon2id = {
    .name = "argon2id", .takes_memory = true, .derive = argon2id_derive};
