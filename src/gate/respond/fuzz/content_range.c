/* What an origin says of a slice, the value of Content-Range: what is taken is well within its whole, and is written as it was read. */
#include <assert.h>

#include "gate/respond/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    char text[RANGE_PART_MAX];
    struct buffer out = buffer_over(text, sizeof text);
    struct range range, again;
    uint64_t whole, whole_again;

    if (range_parse_content(span_of(at, len), &range, &whole) != RC_OK)
        return 0;
    assert(range.first < range.end && range.end <= whole);
    range_write(&range, whole, &out);
    assert(!out.full);
    assert(range_parse_content(buffer_span(&out), &again, &whole_again) == RC_OK);
    assert(again.first == range.first && again.end == range.end && whole_again == whole);
    return 0;
}
