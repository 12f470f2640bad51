/*
 * One encryption has several names: "aes-xts-plain64" is also "capi:xts(aes)-plain64", in the
 * words of the kernel's crypto API, and "aes" alone is "aes-cbc-plain".
 *
 * Source: the kernel's documentation of dm-crypt.
 */
#ifndef CRYPTO_CIPHER_NAME_H
#define CRYPTO_CIPHER_NAME_H

enum { CIPHER_NAME_SIZE = 64 };

/* The name that the tables have; `encryption` itself where it is no other form of one. */
const char *cipher_name(const char *encryption, char room[CIPHER_NAME_SIZE]);

#endif
