/* What a client's browser says of its age: $modern_browser, $ancient_browser, $msie. */
#include "gate/variables.h"
#include "gate/variables_room.h"
#include "gate/visitor/browser.h"

static struct span agent_of(const struct request *r)
{
    const struct field *field = head_find(&r->head.head, FIELD_USER_AGENT);

    return field ? field_value(&r->head.head, field) : (struct span){0};
}

bool variables_browser(void *subject, struct span rest, uintptr_t of, struct span *value)
{
    struct request *r = subject;
    const struct browser_settings *s = &request_settings(r)->visitor.browser;
    const bool wants_modern = of == VARIABLES_BROWSER_MODERN;

    (void)rest;
    *value = (struct span){0};
    if (of == VARIABLES_BROWSER_MSIE)
        *value = browser_is_msie(agent_of(r)) ? SPAN("1") : SPAN("");
    else if (browser_is_modern(s, agent_of(r)) == wants_modern)
        *value = wants_modern ? s->modern_value : s->ancient_value;
    return true;
}
