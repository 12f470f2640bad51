/* UNROLL before a loop of a fixed count: what it counts through stays in registers. */
#ifndef CRYPTO_NATIVE_UNROLL_H
#define CRYPTO_NATIVE_UNROLL_H

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
