/* Sources: Intel SDM, volume 2 (CPUID), volume 1, chapter 13 (state that XSAVE manages). */
#include "crypto/cpu.h"

#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { ASKED = 1 << 30 }; /* beside the features: the processor has been asked */

/* Bits of leaf 1, ECX. */
#define SSE41 (UINT32_C(1) << 19)
#define AESNI (UINT32_C(1) << 25)
#define OSXSAVE (UINT32_C(1) << 27)
#define AVX (UINT32_C(1) << 28)

/* Bits of leaf 7, EBX. */
#define AVX2 (UINT32_C(1) << 5)
#define AVX512F (UINT32_C(1) << 16)
#define AVX512BW (UINT32_C(1) << 30)
#define AVX512VL (UINT32_C(1) << 31)

/* Bits of leaf 7, ECX. */
#define VAES (UINT32_C(1) << 9)
#define VPCLMULQDQ (UINT32_C(1) << 10)

/* Bits of XCR0: registers that the system saves. */
#define STATE_YMM UINT32_C(0x06)
#define STATE_ZMM UINT32_C(0xe6)

static bool all_of(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

unsigned cpu_features_of(const struct cpu_leaves *leaves)
{
    bool saves = all_of(leaves->leaf1_ecx, OSXSAVE | AVX);
    bool ymm = saves && all_of(leaves->xcr0, STATE_YMM);
    bool zmm = saves && all_of(leaves->xcr0, STATE_ZMM);
    unsigned features = 0;

    if (all_of(leaves->leaf1_ecx, AESNI | SSE41))
        features |= CPU_AES;
    if (ymm && all_of(leaves->leaf7_ebx, AVX2))
        features |= CPU_AVX2;
    if (zmm && all_of(leaves->leaf7_ebx, AVX512F | AVX512BW | AVX512VL))
        features |= CPU_AVX512;
    if (ymm && all_of(leaves->leaf7_ecx, VAES))
        features |= CPU_VAES;
    if (ymm && all_of(leaves->leaf7_ecx, VPCLMULQDQ))
        features |= CPU_VPCLMULQDQ;
    return features;
}

#if defined(__x86_64__)
static struct cpu_leaves ask(void)
{
    struct cpu_leaves leaves = {0};
    uint32_t eax, ebx, ecx, edx;

    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        leaves.leaf1_ecx = ecx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        leaves.leaf7_ebx = ebx;
        leaves.leaf7_ecx = ecx;
    }
    if (leaves.leaf1_ecx & OSXSAVE) {
        __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
        leaves.xcr0 = eax;
    }
    return leaves;
}
#else
static struct cpu_leaves ask(void)
{
    return (struct cpu_leaves){0};
}
#endif

unsigned cpu_features(void)
{
    static atomic_uint known;
    unsigned features = atomic_load_explicit(&known, memory_order_relaxed);

    if (!features) {
        struct cpu_leaves leaves = ask();

        features = cpu_features_of(&leaves) | ASKED;
        atomic_store_explicit(&known, features, memory_order_relaxed);
    }
    return features & ~(unsigned)ASKED;
}
