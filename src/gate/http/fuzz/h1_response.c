/* Heads of responses. The first byte says to what; what is accepted lies inside its bytes and
 * has one end. */
#include <assert.h>
#include <stdlib.h>

#include "gate/http/h1_response.h"

enum { FIELDS = 64, HEAD = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void check_within(const struct h1_response *r)
{
    uint32_t end = r->status_at + r->status_len;

    assert(r->code >= 100 && r->code <= 999 && end < r->head.len);
    for (uint32_t i = 0; i < r->head.count; i++) {
        const struct field *field = &r->head.fields[i];

        assert(field->name > end && field->name_len > 0);
        assert(field->value > field->name + field->name_len - 1);
        assert(field->value + field->value_len < r->head.len);
        end = field->value + field->value_len;
    }
}

static void check_framing(const struct h1_response *r, bool to_head)
{
    bool coded = head_has(&r->head, FIELD_TRANSFER_ENCODING);

    assert(!(r->has_length && coded));
    assert(r->has_length == head_has(&r->head, FIELD_CONTENT_LENGTH));
    switch ((enum framing)r->framing) {
    case FRAMING_LENGTH:
        assert(r->has_length);
        break;
    case FRAMING_CHUNKED:
        assert(coded && r->version == 11);
        break;
    case FRAMING_CLOSE:
        assert(!r->keep_alive && !coded && !r->has_length);
        break;
    case FRAMING_NONE:
        break;
    }
    assert(r->framing == FRAMING_NONE || (!to_head && r->code >= 200));
    assert(r->code != 101 || !r->keep_alive);
}

static void check_cuts(const struct h1_response *r, const uint8_t *at, bool to_head,
                       bool to_connect)
{
    for (size_t cut = 0; cut < r->head.len; cut += 1 + r->head.len / 16) {
        struct field fields[FIELDS];
        struct h1_response part = {.head = {.fields = fields, .capacity = FIELDS}};
        uint8_t *piece = malloc(cut + 1);
        enum rc rc;

        assert(piece);
        memcpy(piece, at, cut);
        rc = h1_response_parse(&part, piece, cut, to_head, to_connect, HEAD, FIELDS, NULL);
        assert(rc == RC_AGAIN);
        free(piece);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct field fields[FIELDS];
    struct h1_response r = {.head = {.fields = fields, .capacity = FIELDS}};
    struct fault why = {0};
    bool to_head, to_connect;
    enum rc rc;

    if (len < 1)
        return 0;
    to_head = at[0] & 1;
    to_connect = at[0] & 2;
    at++;
    rc = h1_response_parse(&r, at, len - 1, to_head, to_connect, HEAD, FIELDS, &why);
    assert(rc == RC_OK || rc == RC_AGAIN || why.rc == rc);
    if (rc != RC_OK)
        return 0;
    assert(r.head.len <= len - 1 && r.head.len <= HEAD);
    check_within(&r);
    check_framing(&r, to_head);
    check_cuts(&r, at, to_head, to_connect);
    return 0;
}
