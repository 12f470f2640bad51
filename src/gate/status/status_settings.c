#include "gate/status/status_settings.h"

static enum rc set_status(struct conf *conf, const struct directive *d, void *part)
{
    struct status_settings *s = part;

    (void)conf, (void)d;
    s->tells = true;
    return RC_OK;
}

const struct directive status_directives[] = {
    {"status", CONF_LOCATION, 0, 0, .set = set_status,
     .doc =
         "Tells how upstreams, their servers and zones do, as JSON; as Prometheus's text with "
         "?format=prometheus, or for whoever accepts that. Let those in alone who may know: "
         "allow, deny."},
    {0},
};
