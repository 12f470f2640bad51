#include "crypto/cpu.h"

#include "base/test/check.h"

/* Words as real processors give them: leaf 1 ECX, leaf 7 EBX and ECX, XCR0. */
static const struct {
    const char *what;
    struct cpu_leaves leaves;
    unsigned features;
} cases[] = {
    {"nothing", {0, 0, 0, 0}, 0},
    {"all, and all saved",
     {0x7ffafbbf, 0xf1bf07ab, 0x00405f4e, 0xe7},
     CPU_AES | CPU_AVX2 | CPU_AVX512 | CPU_VAES | CPU_VPCLMULQDQ},
    {"AVX2 without AVX-512",
     {0x7ffafbff, 0x219c97a9, 0x0040069c, 0x7},
     CPU_AES | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ},
    {"the system saves no ZMM",
     {0x7ffafbbf, 0xf1bf07ab, 0x00405f4e, 0x7},
     CPU_AES | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ},
    {"the system saves a part of ZMM",
     {0x7ffafbbf, 0xf1bf07ab, 0x00405f4e, 0x67},
     CPU_AES | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ},
    {"the system saves no YMM", {0x7ffafbbf, 0xf1bf07ab, 0x00405f4e, 0x3}, CPU_AES},
    {"the system does not use XSAVE", {0x77fafbbf, 0xf1bf07ab, 0x00405f4e, 0xe7}, CPU_AES},
    {"AVX-512 F without VL",
     {0x7ffafbbf, 0x71bf07ab, 0x00405f4e, 0xe7},
     CPU_AES | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ},
    {"AVX-512 F without BW",
     {0x7ffafbbf, 0xb1bf07ab, 0x00405f4e, 0xe7},
     CPU_AES | CPU_AVX2 | CPU_VAES | CPU_VPCLMULQDQ},
    {"AVX2 without VAES", {0x7ffafbbf, 0x000027ab, 0, 0x7}, CPU_AES | CPU_AVX2},
    {"AES-NI alone", {0x02982203, 0, 0, 0}, CPU_AES},
    {"AES-NI switched off", {0x7dfafbbf, 0x000027ab, 0, 0x7}, CPU_AVX2},
};

static void features_of_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].what, cpu_features_of(&cases[i].leaves) == cases[i].features);
}

/* The compiler's own way to ask; it, too, looks at what the system saves. */
static void as_the_compiler_sees_it(void **state)
{
    (void)state;
#if defined(__x86_64__)
    unsigned features = cpu_features();

    assert_int_equal(cpu_features(), features);
    assert_int_equal(features & CPU_AVX2 ? 1 : 0, __builtin_cpu_supports("avx2") ? 1 : 0);
    assert_int_equal(features & CPU_AVX512 ? 1 : 0,
                     __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512vl")
                         ? 1
                         : 0);
#else
    assert_int_equal(cpu_features(), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(features_of_words),
                                     cmocka_unit_test(as_the_compiler_sees_it)};

    return cmocka_run_group_tests(all, NULL, NULL);
}
