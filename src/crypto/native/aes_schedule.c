#include "crypto/native/aes_schedule.h"

#include <immintrin.h>

#define TARGET __attribute__((target("aes,sse4.1")))

/* Each word becomes the exclusive or of itself and those before it. */
TARGET static __m128i add_up(__m128i words)
{
    words = _mm_xor_si128(words, _mm_slli_si128(words, 4));
    return _mm_xor_si128(words, _mm_slli_si128(words, 8));
}

/*
 * What is added to the words of a round key: SubWord of the word before them, and where a
 * multiple of the key begins, rotated and with the round constant.
 */
TARGET static __m128i addend(__m128i before, bool begins, int constant)
{
    __m128i made = _mm_aeskeygenassist_si128(before, 0);

    if (!begins)
        return _mm_shuffle_epi32(made, 0xaa);
    return _mm_xor_si128(_mm_shuffle_epi32(made, 0xff), _mm_set1_epi32(constant));
}

TARGET int aes_schedule_expand(struct aes_schedule *out, const uint8_t *key, size_t key_len)
{
    __m128i *round = (__m128i *)(void *)out->round;
    int blocks = key_len == 32 ? 2 : 1;
    int rounds = key_len == 32 ? AES_ROUNDS_256 : AES_ROUNDS_128;
    int constant = 1;

    for (int i = 0; i < blocks; i++)
        round[i] = _mm_loadu_si128((const __m128i *)(const void *)(key + AES_BLOCK * i));
    for (int i = blocks; i <= rounds; i++) {
        bool begins = i % blocks == 0;

        round[i] =
            _mm_xor_si128(add_up(round[i - blocks]), addend(round[i - 1], begins, constant));
        if (begins)
            constant = (constant << 1) ^ (constant >> 7) * 0x11b;
    }
    return rounds;
}

TARGET void aes_schedule_invert(struct aes_schedule *out, const struct aes_schedule *from,
                                int rounds)
{
    const __m128i *forward = (const __m128i *)(const void *)from->round;
    __m128i *round = (__m128i *)(void *)out->round;

    round[0] = forward[rounds];
    for (int i = 1; i < rounds; i++)
        round[i] = _mm_aesimc_si128(forward[rounds - i]);
    round[rounds] = forward[0];
}
