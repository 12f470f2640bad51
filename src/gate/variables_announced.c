/* $proxy_protocol_addr, _port, _server_addr, _server_port and tlv_NAME: what the PROXY protocol said. */
#include "gate/variables.h"
#include "gate/variables_room.h"

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

bool variables_announced_more(void *subject, struct span rest, uintptr_t of,
                              struct span *value)
{
    struct request *r = subject;
    const struct proxy_protocol *said = r->client->announced;
    struct buffer number;

    (void)of;
    if (!said || !proxy_protocol_find(said->more, rest, value))
        return false;
    if (!span_equal(rest, SPAN("ssl_verify")))
        return true;
    number = room(r, 11);
    if (number.at)
        buffer_add_number(&number, (uint64_t)value->at[0] << 24 |
                                       (uint64_t)value->at[1] << 16 |
                                       (uint64_t)value->at[2] << 8 | value->at[3]);
    return give(&number, value);
}
