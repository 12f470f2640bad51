/* Headers of the PROXY protocol: what is taken of the whole is taken at no cut before its end, and is written as it was read. */
#include <assert.h>

#include "gate/proxy_protocol/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static const char *const names[] = {"alpn", "ssl_cn", "ssl_verify", "0x04", "0xf", "none"};
    struct proxy_protocol said, again;
    size_t used = 0, again_used = 0;
    struct span value;

    if (proxy_protocol_parse(span_of(at, len), &said, &used) != RC_OK)
        return 0;
    assert(used > 0 && used <= len && used <= PROXY_PROTOCOL_MAX);
    for (size_t cut = 0; cut < used; cut++)
        assert(proxy_protocol_parse(span_of(at, cut), &again, &again_used) != RC_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (proxy_protocol_find(said.more, span_text(names[i]), &value))
            assert(value.at >= said.more.at &&
                   value.at + value.len <= said.more.at + said.more.len);
    for (int version = 1; version <= 2; version++) {
        uint8_t bytes[PROXY_PROTOCOL_WRITTEN];
        struct buffer out = buffer_over(bytes, sizeof bytes);

        proxy_protocol_write(version, &said, &out);
        assert(!out.full);
        assert(proxy_protocol_parse(buffer_span(&out), &again, &again_used) == RC_OK);
        assert(said.from.len == 0 || said.to.len == 0 ||
               address_equal(&said.from, &again.from));
    }
    return 0;
}
