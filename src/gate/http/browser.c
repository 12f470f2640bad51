#include "gate/http/browser.h"

#include <string.h>

static bool contains(struct span text, const char *part)
{
    return text.len > 0 && memmem(text.at, text.len, part, strlen(part));
}

bool browser_is_msie6(struct span agent)
{
    if (contains(agent, "Opera"))
        return false;
    return contains(agent, "MSIE 4.") || contains(agent, "MSIE 5.") ||
           (contains(agent, "MSIE 6.") && !contains(agent, "SV1"));
}

bool browser_is_safari(struct span agent)
{
    static const char *const others[] = {"MSIE ", "Opera", "Gecko/", "Chrome/"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (contains(agent, others[i]))
            return false;
    return contains(agent, "Safari/") && contains(agent, "Mac OS X");
}
