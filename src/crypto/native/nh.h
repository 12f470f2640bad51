/*
 * NH, the first and fast half of Adiantum's hash: an almost universal hash of up to 1024 bytes
 * to 32.
 *
 * Source: Crowley and Biggers, "Adiantum: length-preserving encryption for entry-level
 * processors", section 6.
 */
#ifndef CRYPTO_NATIVE_NH_H
#define CRYPTO_NATIVE_NH_H

#include <stddef.h>
#include <stdint.h>

enum { NH_UNIT = 16, NH_MESSAGE = 1024, NH_HASH = 32, NH_KEY = NH_MESSAGE + 3 * NH_UNIT };

/* `len` is a multiple of NH_UNIT, at most NH_MESSAGE; `key` has NH_KEY / 4 words. */
void nh_hash(const uint32_t *key, const uint8_t *message, size_t len, uint8_t out[NH_HASH]);

#endif
