/*
 * What runs on no processor at hand: the rows of crypto for AVX-512, beside the ones that other tests prove on
 * this one. The emulator starts this program, and nothing else is in its machine: the few functions that these
 * files ask of a system are here.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/secret_heap.h"
#include "crypto/aead.h"
#include "crypto/cpu.h"
#include "crypto/equal.h"
#include "crypto/native/xts.h"

enum { SCREEN = 0xe9, HEAP = 4 << 20, ROOM = 70 * 512, LONG = 3 * 4096 + 16 };

extern const struct xts_engine xts_vaes512, xts_vaes256, xts_aesni;
extern const struct aead_kind aead_aes_gcm_ipsecmb_avx512, aead_aes_gcm_vaes256;

/* The table's last rows, which are not for this. */
extern const struct aead_kind aead_aes_gcm_openssl, aead_chacha20_poly1305;
const struct aead_kind aead_aes_gcm_openssl = {.name = "-"},
                       aead_chacha20_poly1305 = {.name = "-"};

static alignas(64) uint8_t heap[HEAP], from[ROOM], one[ROOM], other[ROOM];
static size_t taken;

/* ---- what a system would have ---- */

static void say(const char *text)
{
    for (; *text; text++)
        __asm__ volatile("outb %0, %1" : : "a"(*text), "d"((uint16_t)SCREEN));
}

static void say_number(unsigned long number)
{
    char digits[24], *at = digits + sizeof digits - 1;

    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    say(at);
}

void *memset(void *at, int byte, size_t len)
{
    void *to = at;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(byte) : "memory");
    return at;
}

void *memcpy(void *to, const void *at, size_t len)
{
    void *end = to;

    __asm__ volatile("rep movsb" : "+D"(end), "+S"(at), "+c"(len) : : "memory");
    return to;
}

void *memmove(void *to, const void *at, size_t len)
{
    uint8_t *bytes = to;
    const uint8_t *source = at;

    if (bytes <= source)
        return memcpy(to, at, len);
    while (len-- > 0)
        bytes[len] = source[len];
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *left = a, *right = b;

    for (size_t i = 0; i < len; i++)
        if (left[i] != right[i])
            return left[i] - right[i];
    return 0;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

void wipe(void *at, size_t len)
{
    memset(at, 0, len);
}

bool equal_bytes(struct span a, struct span b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

void *secret_heap_take(size_t len)
{
    uint8_t *at = heap + taken;

    taken += (len + 63) / 64 * 64;
    return taken <= sizeof heap ? at : NULL;
}

void secret_heap_give(void *at)
{
    (void)at;
}

int posix_memalign(void **at, size_t unit, size_t len)
{
    return unit <= 64 && (*at = secret_heap_take(len)) ? 0 : 12;
}

void free(void *at)
{
    (void)at;
}

int pthread_once(pthread_once_t *once, void (*first)(void))
{
    if ((*once)++ == 0)
        first();
    return 0;
}

int __printf_chk(int flag, const char *format, ...)
{
    (void)flag;
    (void)format;
    return 0;
}

char *strerror(int number)
{
    (void)number;
    return "";
}

_Noreturn void __stack_chk_fail(void)
{
    say("WRONG: the stack was written over\n");
    for (;;)
        __asm__ volatile("hlt");
}

/* ---- the trial ---- */

static unsigned long tried, wrong;

static void expect(bool right, const char *what, unsigned long number)
{
    tried++;
    if (right || wrong++ > 10)
        return;
    say("WRONG: ");
    say(what);
    say(" ");
    say_number(number);
    say("\n");
}

/* Any bytes: xorshift. */
static void fill(uint8_t *at, size_t len)
{
    static uint64_t state = 88172645463325252u;

    for (size_t i = 0; i < len; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        at[i] = (uint8_t)(state >> 24);
    }
}

/* IEEE 1619-2007, annex B, vector 4: the first and the last block of 512 bytes. */
static void try_vector(const struct xts_engine *engine)
{
    static const uint8_t key[32] = {0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45,
                                    0x23, 0x53, 0x60, 0x28, 0x74, 0x71, 0x35, 0x26,
                                    0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97, 0x93,
                                    0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95};
    static const uint8_t first[16] = {0x27, 0xa7, 0x47, 0x9b, 0xef, 0xa1, 0xd4, 0x76,
                                      0x48, 0x9f, 0x30, 0x8c, 0xd4, 0xcf, 0xa6, 0xe2};
    static const uint8_t last[16] = {0x0a, 0x28, 0x2d, 0xf9, 0x20, 0x14, 0x7b, 0xea,
                                     0xbe, 0x42, 0x1e, 0xe5, 0x31, 0x9d, 0x05, 0x68};
    static struct xts_keys keys;
    struct xts_sectors sectors = {.in = from, .out = one, .size = 512, .count = 1};

    for (size_t i = 0; i < 512; i++)
        from[i] = (uint8_t)i;
    xts_keys_expand(&keys, key, sizeof key);
    xts_crypt(engine, &keys, true, 0, 1, &sectors);
    expect(memcmp(one, first, 16) == 0 && memcmp(one + 496, last, 16) == 0, "vector 4", 0);
}

static void try_run(const struct xts_engine *engine, const struct xts_keys *keys, size_t size,
                    size_t count, uint64_t first, uint64_t step)
{
    struct xts_sectors sectors = {.in = from, .out = one, .size = size, .count = count};
    struct xts_sectors again = {.in = from, .out = other, .size = size, .count = count};
    size_t len = size * count,
           all = len + 64 < ROOM ? len + 64 : ROOM; /* and nothing behind it is touched */

    for (int encrypt = 0; encrypt < 2; encrypt++) {
        memset(one, 0, all);
        memset(other, 0, all);
        xts_crypt(engine, keys, encrypt, first, step, &sectors);
        xts_crypt(&xts_aesni, keys, encrypt, first, step, &again);
        expect(memcmp(one, other, all) == 0, engine->name, size);
        memcpy(one, from, len);
        xts_crypt(engine, keys, encrypt, first, step,
                  &(struct xts_sectors){.in = one, .out = one, .size = size, .count = count});
        expect(memcmp(one, other, len) == 0, "in place", size);
    }
}

/* Every length of a sector around the groups of an engine, and numbers around which a carry or an end is. */
static void try_engine(const struct xts_engine *engine)
{
    static const uint64_t firsts[] = {0, 1, UINT32_MAX - 9, INT64_MAX - 20, UINT64_MAX - 30};
    static struct xts_keys keys;
    uint8_t key[64];

    expect(xts_engine_is_usable(engine), engine->name, 0);
    try_vector(engine);
    for (size_t len = 32; len <= 64; len += 32)
        for (size_t turn = 0; turn < 5; turn++) {
            uint64_t first = firsts[turn];

            fill(key, len);
            fill(from, sizeof from);
            xts_keys_expand(&keys, key, len);
            for (size_t size = 16; size <= 1200; size += 16)
                try_run(engine, &keys, size, 1 + size % 5, first, 1);
            for (size_t count = 1; count <= 70; count += 3)
                try_run(engine, &keys, 512, count, first, 1 + count % 2);
            try_run(engine, &keys, 4096, 8, first, 8);
            try_run(engine, &keys, 2048, 17, first, 4);
        }
}

static void try_seal(struct aead *a, struct aead *b, size_t len, size_t bound_len)
{
    uint8_t nonce[AEAD_NONCE], tag[AEAD_TAG], other_tag[AEAD_TAG];
    struct span bound = span_of(from + LONG, bound_len);

    fill(nonce, sizeof nonce);
    expect(aead_seal(a, nonce, bound, from, one, len, tag) &&
               aead_seal(b, nonce, bound, from, other, len, other_tag) &&
               memcmp(one, other, len) == 0 && memcmp(tag, other_tag, AEAD_TAG) == 0,
           "sealed", len);
    expect(aead_unseal(a, nonce, bound, other, one, len, other_tag) &&
               memcmp(one, from, len) == 0,
           "unsealed", len);
    tag[len % AEAD_TAG] ^= 1;
    expect(!aead_unseal(a, nonce, bound, other, one, len, tag), "refused", len);
}

static void try_aead(void)
{
    expect(aead_find("aes-256-gcm") == &aead_aes_gcm_ipsecmb_avx512, "the row of ipsec-mb", 0);
    for (int turn = 0; turn < 3; turn++) {
        uint8_t key[AEAD_KEY];
        struct aead *a, *b;

        fill(key, sizeof key);
        fill(from, sizeof from);
        a = aead_open(&aead_aes_gcm_ipsecmb_avx512, key);
        b = aead_open(&aead_aes_gcm_vaes256, key);
        expect(a && b, "opened", 0);
        for (size_t len = 0; a && b && len <= LONG; len += len < 1100 ? 1 : 509)
            try_seal(a, b, len, len % 97);
    }
}

void main(void)
{
    say("features ");
    say_number(cpu_features());
    say("\nfirst engine ");
    say(xts_engine_is_usable(xts_engine_at(0)) ? xts_engine_at(0)->name : "none of AVX-512");
    say("\n");
    try_engine(&xts_vaes512);
    try_engine(&xts_vaes256);
    try_aead();
    say("tried ");
    say_number(tried);
    say(", wrong ");
    say_number(wrong);
    say("\nEND\n");
}
