#include "gate/listing/listing_settings.h"

#include <stddef.h>

#include "gate/conf/slot.h"

#define AT(member) .offset = offsetof(struct listing_settings, member)
#define PLACE CONF_ALL_HTTP

static const struct conf_choice formats[] = {{"html", LISTING_HTML},
                                             {"json", LISTING_JSON},
                                             {"jsonp", LISTING_JSONP},
                                             {"xml", LISTING_XML},
                                             {0}};
static const struct conf_choice compressed[] = {
    {"off", LISTING_GZIP_OFF}, {"on", LISTING_GZIP_ON}, {"always", LISTING_GZIP_ALWAYS}, {0}};

void listing_settings_enter(struct listing_settings *s)
{
    s->fixed = LISTING_FIXED_NONE;
    s->random = false;
}

static enum rc set_fixed(struct conf *conf, const struct directive *d, void *part)
{
    (void)conf;
    ((struct listing_settings *)part)->fixed =
        strcmp(d->name, "empty_gif") == 0 ? LISTING_FIXED_GIF : LISTING_FIXED_STUB_STATUS;
    return RC_OK;
}

const struct directive listing_directives[] = {
    {"autoindex", PLACE, 1, 1, .set = conf_set_flag, AT(on), .standard = "off",
     .doc = "Shows what is in a folder that has no index file."},
    {"autoindex_format", PLACE, 1, 1, .set = conf_set_choice, AT(format), .of = formats,
     .standard = "html", .doc = "Shows it as html, xml, json or jsonp."},
    {"autoindex_exact_size", PLACE, 1, 1, .set = conf_set_flag, AT(exact_size),
     .standard = "on", .doc = "Sizes in html are in bytes; off rounds them."},
    {"autoindex_localtime", PLACE, 1, 1, .set = conf_set_flag, AT(local_time),
     .standard = "off", .doc = "Times in html are those of the machine's place."},
    {"random_index", CONF_LOCATION, 1, 1, .set = conf_set_flag, AT(random),
     .doc = "Answers for a folder with one of its files, by chance."},
    {"empty_gif", CONF_LOCATION, 0, 0, .set = set_fixed,
     .doc = "Answers with a GIF of one transparent pixel."},
    {"stub_status", CONF_SERVER | CONF_LOCATION, 0, 1, .set = set_fixed,
     .doc = "Answers with counts of connections and requests, as nginx writes them; a client "
            "whose "
            "request is on its way counts as Writing."},
    {"gzip_static", PLACE, 1, 1, .set = conf_set_choice, AT(gzip), .of = compressed,
     .standard = "off",
     .doc =
         "Sends NAME.gz in place of NAME to clients that take gzip; always sends it to all."},
    {0},
};
