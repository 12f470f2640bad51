#include "gate/site_load.h"

#include <stdio.h>

#include "base/log.h"
#include "base/scoped.h"
#include "gate/conf/faults.h"
#include "gate/diagnostics.h"

/* One line, as nginx has it. */
static void tell(const struct fault_entry *entry)
{
    SCOPED(text) line = {0};
    const char *after;

    fault_entry_line(entry, &line);
    if (!text_ok(&line) || !line.at)
        return;
    after = strstr(line.at, "] "); /* the log names the level itself */
    log_line(entry->warning ? LOG_LEVEL_WARN : LOG_LEVEL_EMERG, "%s",
             after ? after + 2 : line.at);
}

static void tell_all(const struct faults *faults, bool as_nginx)
{
    const struct fault_entry *first = faults_first_error(faults);
    SCOPED(text) shown = {0};

    for (const struct fault_entry *entry = faults->first; entry; entry = entry->next)
        if (entry->warning || entry == first || !diagnostics_on_terminal())
            tell(entry);
    if (!diagnostics_on_terminal() || (as_nginx && faults->errors == 0))
        return;
    faults_show(faults, &shown);
    if (text_ok(&shown) && shown.at)
        fputs(shown.at, stderr);
}

enum rc site_load(struct site **out, const struct site_context *context)
{
    SCOPED(faults) faults = {0};
    enum rc rc = site_read(out, context, &faults);

    tell_all(&faults, context->as_nginx);
    return rc;
}
