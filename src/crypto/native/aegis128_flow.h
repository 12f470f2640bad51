/*
 * The steps of AEGIS-128 over the blocks of one technique, which includes this file after it has
 * defined: FLOW, the attributes of its functions; the type `block`; and block_load, block_store, block_xor, block_and and block_round
 * (one round of AES: SubBytes, ShiftRows, MixColumns, then the round key by XOR).
 */
#ifndef CRYPTO_NATIVE_AEGIS128_FLOW_H
#define CRYPTO_NATIVE_AEGIS128_FLOW_H

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/native/aegis128.h"

enum { BLOCK = 16, STATE = 5, FIRST_STEPS = 5, LAST_STEPS = 7 };

FLOW void update(block s[STATE], block message)
{
    block last = s[4];

    s[4] = block_round(s[3], s[4]);
    s[3] = block_round(s[2], s[3]);
    s[2] = block_round(s[1], s[2]);
    s[1] = block_round(s[0], s[1]);
    s[0] = block_round(last, block_xor(s[0], message));
}

FLOW void begin(block s[STATE], const struct aegis128_message *m)
{
    static const uint8_t constants[2][BLOCK] = {
        {0x00, 0x01, 0x01, 0x02, 0x03, 0x05, 0x08, 0x0d, 0x15, 0x22, 0x37, 0x59, 0x90, 0xe9,
         0x79, 0x62},
        {0xdb, 0x3d, 0x18, 0x55, 0x6d, 0xc2, 0x2f, 0xf1, 0x20, 0x11, 0x31, 0x42, 0x73, 0xb5,
         0x28, 0xdd},
    };
    block key = block_load(m->key), both = block_xor(key, block_load(m->nonce));

    s[0] = both;
    s[1] = block_load(constants[1]);
    s[2] = block_load(constants[0]);
    s[3] = block_xor(key, s[2]);
    s[4] = block_xor(key, s[1]);
    for (int i = 0; i < FIRST_STEPS; i++) {
        update(s, key);
        update(s, both);
    }
}

/* What is XORed onto the next block. */
FLOW block stream(const block s[STATE])
{
    return block_xor(block_xor(s[1], s[4]), block_and(s[2], s[3]));
}

FLOW void absorb(block s[STATE], const uint8_t *at, size_t len)
{
    for (; len >= BLOCK; at += BLOCK, len -= BLOCK)
        update(s, block_load(at));
    if (len > 0) {
        uint8_t last[BLOCK] = {0};

        memcpy(last, at, len);
        update(s, block_load(last));
    }
}

/* Less than a block, padded with zeros in the plain text. */
FLOW void crypt_rest(block s[STATE], const uint8_t *in, uint8_t *out, size_t len, bool encrypt)
{
    uint8_t text[BLOCK] = {0}, key[BLOCK];

    block_store(key, stream(s));
    memcpy(text, in, len);
    for (size_t i = 0; i < len; i++) {
        out[i] = text[i] ^ key[i];
        if (!encrypt)
            text[i] = out[i];
    }
    update(s, block_load(text));
    wipe(text, sizeof text);
    wipe(key, sizeof key);
}

FLOW void crypt_text(block s[STATE], const struct aegis128_message *m, bool encrypt)
{
    size_t at = 0;

    for (; at + BLOCK <= m->len; at += BLOCK) {
        block in = block_load(m->in + at), out = block_xor(in, stream(s));

        update(s, encrypt ? in : out);
        block_store(m->out + at, out);
    }
    if (at < m->len)
        crypt_rest(s, m->in + at, m->out + at, m->len - at, encrypt);
}

FLOW void end(block s[STATE], const struct aegis128_message *m, uint8_t *tag)
{
    uint8_t lengths[BLOCK];
    block last;

    le64_put(lengths, (uint64_t)m->associated_len * 8);
    le64_put(lengths + 8, (uint64_t)m->len * 8);
    last = block_xor(s[3], block_load(lengths));
    for (int i = 0; i < LAST_STEPS; i++)
        update(s, last);
    last = block_xor(block_xor(s[0], s[1]), block_xor(s[2], s[3]));
    block_store(tag, block_xor(last, s[4]));
}

FLOW void crypt_message(const struct aegis128_message *m, bool encrypt, uint8_t *tag)
{
    block s[STATE];

    begin(s, m);
    absorb(s, m->associated, m->associated_len);
    crypt_text(s, m, encrypt);
    end(s, m, tag);
    wipe(s, sizeof s);
}

#endif
