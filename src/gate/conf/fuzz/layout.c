/* Any bytes, laid out: the same words and signs as before, and a second time nothing changes. */
#include <stdlib.h>

#include "gate/conf/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* The next word or sign of both is the same one; false at the end. */
static bool step(struct lexer *a, struct lexer *b, struct arena *arena)
{
    struct lexer_token left = {0}, right = {0};
    enum rc rc = lexer_next(a, arena, &left, NULL);

    if (lexer_next(b, arena, &right, NULL) != rc)
        abort();
    if (rc == RC_OK && (left.kind != right.kind || !span_equal(left.text, right.text)))
        abort();
    return rc == RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct text once = {0}, twice = {0};
    struct lexer_token token = {0};
    struct fault why = {0};

    if (layout_write(span_of(at, len), &once, &token, &why) == RC_OK) {
        struct lexer before = {.in = span_of(at, len), .line = 1};
        struct lexer after = {.in = text_span(&once), .line = 1};
        struct arena arena = {0};

        while (step(&before, &after, &arena))
            ;
        arena_clear(&arena);
        if (layout_write(text_span(&once), &twice, &token, &why) != RC_OK ||
            !span_equal(text_span(&once), text_span(&twice)))
            abort();
    }
    text_clear(&once);
    text_clear(&twice);
    return 0;
}
