/*
 * How far a run of harmless bytes reaches. Sixteen at a time where the compiler has SSE2
 * (every x86-64), else by a comparison each; a test compares the two. Nothing at or behind
 * `end` is read.
 */
#ifndef GATE_HTTP_SCAN_H
#define GATE_HTTP_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* May not stand in a field's value: a control byte other than a tab. */
static inline bool scan_is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* The first byte that is blank or a control byte, or `end`. */
static inline const uint8_t *scan_visible_portable(const uint8_t *at, const uint8_t *end)
{
    while (at<end && * at> 0x20 && *at != 0x7f)
        at++;
    return at;
}

/* The first control byte other than a tab, or `end`. */
static inline const uint8_t *scan_text_portable(const uint8_t *at, const uint8_t *end)
{
    while (at < end && !scan_is_control(*at))
        at++;
    return at;
}

#ifdef __SSE2__

static inline const uint8_t *scan_visible(const uint8_t *at, const uint8_t *end)
{
    const __m128i blank = _mm_set1_epi8(0x20), delete = _mm_set1_epi8(0x7f);

    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, blank), bytes);
        int hits = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, delete)));

        if (hits)
            return at + __builtin_ctz((unsigned)hits);
    }
    return scan_visible_portable(at, end);
}

static inline const uint8_t *scan_text(const uint8_t *at, const uint8_t *end)
{
    const __m128i control = _mm_set1_epi8(0x1f), delete = _mm_set1_epi8(0x7f);
    const __m128i tab = _mm_set1_epi8('\t');

    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);
        __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low),
                                   _mm_cmpeq_epi8(bytes, delete));
        int hits = _mm_movemask_epi8(bad);

        if (hits)
            return at + __builtin_ctz((unsigned)hits);
    }
    return scan_text_portable(at, end);
}

#else

static inline const uint8_t *scan_visible(const uint8_t *at, const uint8_t *end)
{
    return scan_visible_portable(at, end);
}

static inline const uint8_t *scan_text(const uint8_t *at, const uint8_t *end)
{
    return scan_text_portable(at, end);
}

#endif
#endif
