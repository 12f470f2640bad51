/* Where libraries keep the keys that they expand. */
#ifndef CRYPTO_MEMORY_H
#define CRYPTO_MEMORY_H

#include "base/fault.h"

/*
 * From here on OpenSSL takes all its memory from the heap of secrets (base/secret_heap.h). For a
 * program's first line. libgcrypt does so always.
 *
 * RC_UNSUPPORTED  something has used OpenSSL before
 */
enum rc memory_of_libraries(struct fault *why);

#endif
