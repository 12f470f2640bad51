/* Integers in bytes of a fixed order. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES_GET(name, type, order)                                                          \
    static inline type name(const void *at)                                                   \
    {                                                                                         \
        type value;                                                                           \
                                                                                              \
        memcpy(&value, at, sizeof value);                                                     \
        return order(value);                                                                  \
    }
#define BYTES_PUT(name, type, order)                                                          \
    static inline void name(void *at, type value)                                             \
    {                                                                                         \
        value = order(value);                                                                 \
        memcpy(at, &value, sizeof value);                                                     \
    }

BYTES_GET(be16_get, uint16_t, be16toh)
BYTES_GET(be32_get, uint32_t, be32toh)
BYTES_GET(be64_get, uint64_t, be64toh)
BYTES_GET(le16_get, uint16_t, le16toh)
BYTES_GET(le32_get, uint32_t, le32toh)
BYTES_GET(le64_get, uint64_t, le64toh)
BYTES_PUT(be16_put, uint16_t, htobe16)
BYTES_PUT(be32_put, uint32_t, htobe32)
BYTES_PUT(be64_put, uint64_t, htobe64)
BYTES_PUT(le16_put, uint16_t, htole16)
BYTES_PUT(le32_put, uint32_t, htole32)
BYTES_PUT(le64_put, uint64_t, htole64)

#undef BYTES_GET
#undef BYTES_PUT

#endif
