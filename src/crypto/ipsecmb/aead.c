/*
 * AES-256-GCM by Intel's multi-buffer library: several times as fast as others where the
 * processor has VAES with AVX-512, a quarter faster with AVX2 alone. Only its functions for a
 * single message are used: they keep all state in what they are given, and so one manager serves
 * every thread.
 */
#include <pthread.h>

#include <intel-ipsec-mb.h>

#include "base/secret_heap.h"
#include "crypto/aead.h"
#include "crypto/cpu.h"
#include "crypto/equal.h"

extern const struct aead_kind aead_aes_gcm_ipsecmb, aead_aes_gcm_ipsecmb_avx512;

struct gcm {
    struct aead aead;
    _Alignas(64) struct gcm_key_data key; /* the library's header does not say so to gcc */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static IMB_MGR *manager; /* for as long as the program runs */

static void make_manager(void)
{
    IMB_ARCH arch;

    manager = alloc_mb_mgr(0);
    if (!manager)
        return;
    init_mb_mgr_auto(manager, &arch);
    if (arch < IMB_ARCH_AVX2 || imb_get_errno(manager) != 0) {
        free_mb_mgr(manager);
        manager = NULL;
    }
}

static bool is_usable(void)
{
    unsigned wanted = CPU_AES | CPU_AVX2;

    if ((cpu_features() & wanted) != wanted)
        return false;
    pthread_once(&once, make_manager);
    return manager;
}

static bool is_usable_avx512(void)
{
    unsigned wanted = CPU_AVX512 | CPU_VAES;

    return (cpu_features() & wanted) == wanted && is_usable();
}

static struct gcm *gcm_of(struct aead *aead)
{
    return (struct gcm *)(void *)aead;
}

static struct aead *gcm_open(const struct aead_kind *kind, const uint8_t key[AEAD_KEY])
{
    struct gcm *gcm = is_usable() ? secret_heap_take(sizeof *gcm) : NULL;

    if (!gcm)
        return NULL;
    gcm->aead.kind = kind;
    IMB_AES256_GCM_PRE(manager, key, &gcm->key);
    return &gcm->aead;
}

static bool gcm_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                     const uint8_t *in, uint8_t *out, size_t len, uint8_t tag[AEAD_TAG])
{
    _Alignas(64) struct gcm_context_data context;

    IMB_AES256_GCM_ENC(manager, &gcm_of(aead)->key, &context, out, in, len, nonce, bound.at,
                       bound.len, tag, AEAD_TAG);
    return true;
}

static bool gcm_unseal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], struct span bound,
                       const uint8_t *in, uint8_t *out, size_t len,
                       const uint8_t tag[AEAD_TAG])
{
    _Alignas(64) struct gcm_context_data context;
    uint8_t right[AEAD_TAG];

    IMB_AES256_GCM_DEC(manager, &gcm_of(aead)->key, &context, out, in, len, nonce, bound.at,
                       bound.len, right, AEAD_TAG);
    return equal_bytes(span_of(right, AEAD_TAG), span_of(tag, AEAD_TAG));
}

static void gcm_close(struct aead *aead)
{
    secret_heap_give(gcm_of(aead));
}

#define KIND(USABLE)                                                                          \
    {                                                                                         \
        .name = "aes-256-gcm", .provider = "ipsec-mb", .is_usable = (USABLE),                 \
        .open = gcm_open, .seal = gcm_seal, .unseal = gcm_unseal, .close = gcm_close,         \
    }

/* The same twice: what crypto/native has comes between them. */
const struct aead_kind aead_aes_gcm_ipsecmb_avx512 = KIND(is_usable_avx512);
const struct aead_kind aead_aes_gcm_ipsecmb = KIND(is_usable);
