/* What this processor can do beyond the baseline of its architecture. */
#ifndef CRYPTO_CPU_H
#define CRYPTO_CPU_H

#include <stdint.h>

/* A set of these is an `unsigned`. Each is there only where the system saves its registers. */
enum cpu_feature {
    CPU_AES = 1 << 0, /* AES-NI, with SSE4.1 */
    CPU_AVX2 = 1 << 1,
    CPU_AVX512 = 1 << 2, /* F, BW and VL */
    CPU_VAES = 1 << 3,
    CPU_VPCLMULQDQ = 1 << 4,
};

/* What cpuid and xgetbv answer; 0 for what a processor does not have. */
struct cpu_leaves {
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx, leaf7_ecx;
    uint32_t xcr0;
};

unsigned cpu_features_of(const struct cpu_leaves *leaves);

/* Asked of the processor once; none on an architecture that crypto/native does not know. */
unsigned cpu_features(void);

#endif
