/*
 * The rounds of AES alone, in the widest registers that there are: eight of them go through the 14 rounds of
 * a 256-bit key again and again, with nothing loaded or stored. No cipher made of AES can be faster.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/cpu.h"

#ifdef __x86_64__

#define ROUNDS_ALONE(size)                                                                    \
    __asm__ volatile(".rept 14\n"                                                             \
                     ".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"                                       \
                     "vaesenc %%" size "mm8, %%" size "mm\\n, %%" size "mm\\n\n"              \
                     ".endr\n"                                                                \
                     ".endr"                                                                  \
                     :                                                                        \
                     :                                                                        \
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7")

/* As many as `len` bytes take; rounds_are_known() must have said yes. */
static inline void rounds_alone(size_t len)
{
    if (cpu_features() & CPU_AVX512)
        for (size_t done = 0; done < len; done += 8 * 64)
            ROUNDS_ALONE("z");
    else
        for (size_t done = 0; done < len; done += 8 * 32)
            ROUNDS_ALONE("y");
    __asm__ volatile("vzeroupper");
}

static inline bool rounds_are_known(void)
{
    return cpu_features() & CPU_VAES;
}

#else

static inline void rounds_alone(size_t len)
{
    (void)len;
}

static inline bool rounds_are_known(void)
{
    return false;
}

#endif

#endif
