/* $proxy_protocol_addr, _port, _server_addr and _server_port: what the PROXY protocol said. */
#include "gate/request.h"
#include "gate/variables.h"

bool variables_announced(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct proxy_protocol *said = r->client->announced;
    const struct address *address;
    struct buffer port = buffer_over(request_memory(r, 8), 8);
    char text[ADDRESS_TEXT];

    (void)rest;
    if (!said)
        return false;
    address = of < 2 ? &said->from : &said->to;
    if (address->len == 0 || !port.at)
        return false;
    if (of % 2 == 0) {
        *value = arena_copy(&r->arena, address_text(address, text, true));
        return value->at != NULL;
    }
    buffer_add_number(&port, address_port(address));
    *value = buffer_span(&port);
    return true;
}
