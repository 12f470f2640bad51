#include "gate/transform/transform.h"

enum rc transform_push(struct transform *t, struct span in, bool last)
{
    enum rc rc;

    text_reset(&t->out);
    rc = t->kind->push(t, in, last, &t->out);
    return rc == RC_OK && !text_ok(&t->out) ? RC_MEMORY : rc;
}

void transform_close(struct transform *t)
{
    while (t) {
        struct transform *next = t->next;

        text_clear(&t->out);
        t->kind->close(t);
        t = next;
    }
}
