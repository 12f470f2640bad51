/* Answers of folders without an index file, and those that need no file. */
#include <unistd.h>

#include "base/scoped.h"
#include "crypto/random.h"
#include "gate/listing/listing_settings.h"
#include "gate/request.h"
#include "gate/respond/file.h"
#include "gate/variables.h"

enum { CALLBACK_MAX = 128 };

static unsigned status_of(enum rc rc)
{
    return rc == RC_NOT_FOUND ? 404 : rc == RC_DENIED ? 403 : 500;
}

static enum rc failed(struct request *r, enum rc rc, const struct fault *why)
{
    if (rc != RC_NOT_FOUND || request_settings(r)->respond.log_not_found)
        request_log(r, rc == RC_IO ? LOG_LEVEL_CRIT : LOG_LEVEL_ERROR, "%s", why->text);
    return request_answer_status(r, status_of(rc));
}

/* The argument "callback" of JSONP: letters, digits, '_' and '.'. False: it is none. */
static bool find_callback(struct request *r, struct span *callback)
{
    *callback = (struct span){0};
    if (!request_argument(r, SPAN("callback"), callback))
        return true;
    if (callback->len > CALLBACK_MAX)
        return false;
    for (size_t i = 0; i < callback->len; i++) {
        const uint8_t c = callback->at[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
              c == '.'))
            return false;
    }
    return true;
}

static struct span type_of(const struct listing_form *form)
{
    switch (form->format) {
    case LISTING_HTML:
        return SPAN("text/html");
    case LISTING_XML:
        return SPAN("text/xml; charset=utf-8");
    case LISTING_JSON:
        break;
    case LISTING_JSONP:
        return form->callback.len > 0 ? SPAN("application/javascript")
                                      : SPAN("application/json");
    }
    return SPAN("application/json");
}

enum rc request_answer_listing(struct request *r, const char *path)
{
    const struct listing_settings *s = &request_settings(r)->listing;
    struct listing_form form = {.format = (enum listing_format)s->format,
                                .exact_size = s->exact_size,
                                .local_time = s->local_time};
    struct listing listing;
    struct fault why = {0};
    SCOPED(text) page = {0};
    struct span copy;
    enum rc rc;

    form.utf8 = span_equal_nocase(template_constant(&request_settings(r)->transform.charset),
                                  SPAN("utf-8"));
    if (form.format == LISTING_JSONP && !find_callback(r, &form.callback)) {
        request_log(r, LOG_LEVEL_INFO, "client sent an invalid callback name");
        return request_answer_status(r, 400);
    }
    if ((rc = listing_read(&listing, path, &why)) != RC_OK)
        return failed(r, rc, &why);
    listing_write(&listing, &form, r->path, &page);
    listing_clear(&listing);
    copy = text_ok(&page) ? arena_copy(&r->arena, text_span(&page)) : (struct span){0};
    return copy.at ? request_answer_open_text(r, type_of(&form), copy) : RC_MEMORY;
}

enum rc request_answer_random(struct request *r, const char *path)
{
    struct listing listing;
    const struct listing_entry *chosen;
    struct fault why = {0};
    uint64_t chance = 0;
    struct buffer to;
    enum rc rc;

    if ((rc = listing_read(&listing, path, &why)) != RC_OK)
        return failed(r, rc, &why);
    (void)random_bytes(&chance, sizeof chance, NULL);
    chosen = listing_choose(&listing, chance);
    if (!chosen) {
        listing_clear(&listing);
        return RC_NOT_FOUND;
    }
    to = buffer_over(request_memory(r, r->path.len + strlen(chosen->name)),
                     r->path.len + strlen(chosen->name));
    if (to.at) {
        buffer_add(&to, r->path);
        buffer_add_text(&to, chosen->name);
    }
    listing_clear(&listing);
    return to.at ? request_redirect(r, buffer_span(&to), r->args) : RC_MEMORY;
}

/* ---- without a file ---- */

/* GIF89a: one pixel of one colour, which is transparent. */
static const uint8_t pixel[] = {'G', 'I', 'F', '8', '9', 'a',  1,    0,    1,   0,    0x80,
                                1,   0,   0,   0,   0,   0xff, 0xff, 0xff, '!', 0xf9, 4,
                                1,   0,   0,   1,   0,   ',',  0,    0,    0,   0,    1,
                                0,   1,   0,   0,   2,   2,    'L',  1,    0,   ';'};

static struct span stub_status(struct request *r)
{
    uint64_t accepted, active, began, requests, busy;
    struct buffer out = buffer_over(request_memory(r, 256), 256);

    service_totals(&accepted, &active, &began);
    service_requests(&requests, &busy);
    if (!out.at)
        return (struct span){0};
    busy = busy < active ? busy : active;
    buffer_add_text(&out, "Active connections: ");
    buffer_add_number(&out, active);
    buffer_add_text(&out, " \nserver accepts handled requests\n ");
    buffer_add_number(&out, accepted);
    buffer_add_byte(&out, ' ');
    buffer_add_number(&out, accepted);
    buffer_add_byte(&out, ' ');
    buffer_add_number(&out, requests);
    buffer_add_text(&out, " \nReading: 0 Writing: ");
    buffer_add_number(&out, busy);
    buffer_add_text(&out, " Waiting: ");
    buffer_add_number(&out, active - busy);
    buffer_add_text(&out, " \n");
    return buffer_span(&out);
}

enum rc request_answer_fixed(struct request *r)
{
    struct span text;

    if (r->head.method != METHOD_GET && !r->is_head)
        return request_answer_status(r, 405);
    if (request_settings(r)->listing.fixed == LISTING_FIXED_GIF)
        return request_answer_gif(r, span_of(pixel, sizeof pixel));
    text = stub_status(r);
    return text.at ? request_answer_text(r, SPAN("text/plain"), text) : RC_MEMORY;
}

/* ---- gzip_static ---- */

unsigned request_open_compressed(struct request *r, struct buffer *path,
                                 const struct file_way *way, struct file *file)
{
    const unsigned wanted = request_settings(r)->listing.gzip;
    const bool varies = request_settings(r)->gzip.vary;
    struct fault why = {0};
    unsigned status;
    bool takes;

    if (wanted == LISTING_GZIP_OFF || r->parent)
        return 404;
    takes = wanted == LISTING_GZIP_ALWAYS || request_takes_gzip(r);
    if (!takes && !varies)
        return 404;
    buffer_add(path, SPAN(".gz\0"));
    if (path->full)
        return 404;
    status = file_open((const char *)path->at, way, file, &why);
    path->len -= 4;
    path->at[path->len] = '\0';
    if (status != 200)
        return 404;
    r->varies = wanted == LISTING_GZIP_ON && varies;
    if (!takes) {
        file_way_close(file->fd, file->held);
        return 404;
    }
    r->precompressed = true;
    return 200;
}
