#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "crypto/cipher.h"
#include "vault/header/metadata.h"
#include "vault/header/reencryption.h"

enum { IV_UNIT = 512 };

static uint32_t greater_sector(const struct reencryption *r)
{
    return r->previous.sector_size > r->final.sector_size ? r->previous.sector_size
                                                          : r->final.sector_size;
}

enum rc reencryption_size(const struct reencryption *r, uint64_t device_size, uint64_t *size,
                          struct fault *why)
{
    uint64_t room = device_size > r->previous.offset ? device_size - r->previous.offset : 0;

    if (r->mode == REENCRYPTION_REENCRYPT)
        room = room > r->shift ? room - r->shift : 0; /* its end is where they move to */
    *size = r->dynamic ? room - room % r->previous.sector_size : r->size;
    if (*size == 0 || *size > room)
        return fail(why, RC_TRUNCATED,
                    "the device was cut off: it ends at %" PRIu64 ", within the data",
                    device_size);
    if (*size % greater_sector(r) != 0)
        return fail(why, RC_UNSUPPORTED,
                    "its %" PRIu64 " bytes of data are no whole number of sectors of %u bytes",
                    *size, greater_sector(r));
    return RC_OK;
}

/* ---- pieces: where everything is, for a place that it has come to ---- */

static struct reencryption_piece make_piece(const struct reencryption *r, uint64_t start,
                                            uint64_t end, bool final, bool hot)
{
    const struct reencryption_side *side = final ? &r->final : &r->previous;
    bool moved = !final && start < r->moved;

    return (struct reencryption_piece){
        .start = start,
        .len = end - start,
        .offset = (moved ? r->moved_at : side->offset) + start,
        .iv_tweak = side->iv_tweak + start / IV_UNIT,
        .final = final,
        .hot = hot,
        .moved = moved,
    };
}

/* The end of the run that begins at `at`. */
static uint64_t run_end(const struct reencryption *r, uint64_t size,
                        const struct reencryption_progress *p, uint64_t at, bool final,
                        bool hot)
{
    uint64_t end = size;

    if (hot)
        return p->hot + p->hot_len;
    if (p->hot_len > 0 && p->hot > at && p->hot < end)
        end = p->hot;
    if (final)
        return p->to < end ? p->to : end;
    if (p->from < p->to && p->from > at && p->from < end)
        end = p->from;
    return at < r->moved && r->moved < end ? r->moved : end;
}

unsigned reencryption_pieces(const struct reencryption *r, uint64_t size,
                             const struct reencryption_progress *p,
                             struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX])
{
    unsigned count = 0;

    for (uint64_t at = 0; at < size && count < REENCRYPTION_PIECES_MAX; count++) {
        bool hot = p->hot_len > 0 && at >= p->hot && at < p->hot + p->hot_len;
        bool final = hot || p->done || (at >= p->from && at < p->to);
        uint64_t end = p->done ? size : run_end(r, size, p, at, final, hot);

        pieces[count] = make_piece(r, at, end, final, hot);
        at = end;
    }
    return count;
}

/* ---- from the segments of a header to a place, and back ---- */

/* Only the last piece may go to the end of the device, and a hot one never does. */
static bool is_dynamic(const struct reencryption *r, const struct reencryption_progress *p,
                       const struct reencryption_piece *piece, bool last)
{
    return p->done || (last && r->dynamic && !piece->hot);
}

static bool is_piece(const struct reencryption *r, const struct reencryption_progress *p,
                     const struct luks2_segment *segment,
                     const struct reencryption_piece *piece, bool last)
{
    const struct reencryption_side *side = piece->final ? &r->final : &r->previous;

    if (segment->offset != piece->offset || (segment->role == LUKS2_HOT) != piece->hot ||
        segment->dynamic != is_dynamic(r, p, piece, last) ||
        (!segment->dynamic && segment->size != piece->len))
        return false;
    if (!side->encrypted)
        return strcmp(segment->type, "linear") == 0;
    return strcmp(segment->type, "crypt") == 0 && !segment->integrity &&
           segment->iv_tweak == piece->iv_tweak && segment->sector_size == side->sector_size &&
           strcmp(segment->encryption, side->encryption) == 0;
}

static unsigned count_data(const struct luks2 *header)
{
    unsigned count = 0;

    while (count < LUKS2_SEGMENTS_MAX && header->segments[count].present &&
           !header->segments[count].backup)
        count++;
    return count;
}

/* The digests say which key each has; where there is but one key, they say nothing. */
static bool has_digests(const struct luks2 *header, const struct reencryption *r,
                        const struct reencryption_piece *pieces, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int digest = pieces[i].final ? r->final.digest : r->previous.digest;

        if (digest != DIGEST_NONE && !(header->digests[digest].segments >> i & 1))
            return false;
    }
    return true;
}

/* Whole sectors; and what was moved is a zone of its own. */
static bool is_place(const struct reencryption *r, const struct reencryption_progress *p)
{
    if (p->hot_len > 0 && p->hot < r->moved && (p->hot != 0 || p->hot_len != r->moved))
        return false;
    return (p->hot | p->hot_len | p->from | p->to) % greater_sector(r) == 0;
}

static bool is_progress(const struct luks2 *header, const struct reencryption *r,
                        uint64_t size, const struct reencryption_progress *p)
{
    struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX];
    unsigned count = reencryption_pieces(r, size, p, pieces);

    if (!is_place(r, p) || count != count_data(header) ||
        !has_digests(header, r, pieces, count))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!is_piece(r, p, &header->segments[i], &pieces[i], i + 1 == count))
            return false;
    return true;
}

/* A place in the data at which a segment begins: all before it have a size. */
static uint64_t start_of(const struct luks2 *header, unsigned number, uint64_t size)
{
    uint64_t start = 0;

    for (unsigned i = 0; i < number; i++) {
        if (header->segments[i].dynamic || header->segments[i].size > size - start)
            return size;
        start += header->segments[i].size;
    }
    return start;
}

static int find_hot(const struct luks2 *header, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (header->segments[i].role == LUKS2_HOT)
            return (int)i;
    return -1;
}

/* What is done lies before or behind the next zone, as the direction wants it. */
static void set_done(const struct reencryption *r, uint64_t size, uint64_t border,
                     struct reencryption_progress *p)
{
    p->from = r->backward ? border : r->mode == REENCRYPTION_DECRYPT ? r->moved : 0;
    p->to = r->backward ? size : border;
    if (p->from >= p->to)
        p->from = p->to = 0;
}

/* The hot zone at the front of data that were moved is the last one. */
static void guess_hot(const struct luks2 *header, const struct reencryption *r, uint64_t size,
                      unsigned hot, struct reencryption_progress *p)
{
    p->hot = start_of(header, hot, size);
    p->hot_len = header->segments[hot].size;
    if (p->hot_len > size - p->hot)
        p->hot_len = size - p->hot;
    if (r->moved > 0 && p->hot == 0 && p->hot_len == r->moved) {
        p->from = r->moved < size ? r->moved : 0;
        p->to = r->moved < size ? size : 0;
    } else {
        set_done(r, size, r->backward ? p->hot + p->hot_len : p->hot, p);
    }
}

enum rc reencryption_progress_read(const struct luks2 *header, const struct reencryption *r,
                                   uint64_t size, struct reencryption_progress *p,
                                   struct fault *why)
{
    unsigned count = count_data(header);
    int hot = find_hot(header, count);

    *p = (struct reencryption_progress){0};
    if (hot >= 0) {
        guess_hot(header, r, size, (unsigned)hot, p);
        if (is_progress(header, r, size, p))
            return RC_OK;
        return fail(why, RC_FORMAT, "its segments contradict each other");
    }
    if (is_progress(header, r, size, p))
        return RC_OK;
    p->done = true;
    if (is_progress(header, r, size, p))
        return RC_OK;
    p->done = false;
    for (unsigned i = 0; i <= count; i++) {
        set_done(r, size, i < count ? start_of(header, i, size) : size, p);
        if (p->to > 0 && is_progress(header, r, size, p))
            return RC_OK;
    }
    return fail(why, RC_FORMAT, "its segments contradict each other");
}

/* ---- writing ---- */

static bool put_name(struct json *array, unsigned number)
{
    char name[12];

    snprintf(name, sizeof name, "%u", number);
    return json_put_string(array, NULL, name);
}

static bool put_flag(struct json *segment, const char *flag)
{
    struct json *flags = json_new_array();

    return json_put(segment, "flags", flags) && json_put_string(flags, NULL, flag);
}

static bool put_segment(struct json *segments, unsigned number,
                        const struct reencryption_side *side, uint64_t offset, uint64_t size,
                        uint64_t iv_tweak, const char *flag)
{
    struct json *segment = json_new_object();
    char name[12];

    snprintf(name, sizeof name, "%u", number);
    if (!json_put(segments, name, segment) ||
        !json_put_string(segment, "type", side->encrypted ? "crypt" : "linear") ||
        !json_put_decimal(segment, "offset", offset) ||
        !(size > 0 ? json_put_decimal(segment, "size", size)
                   : json_put_string(segment, "size", "dynamic")))
        return false;
    if (side->encrypted && (!json_put_decimal(segment, "iv_tweak", iv_tweak) ||
                            !json_put_string(segment, "encryption", side->encryption) ||
                            !json_put_number(segment, "sector_size", side->sector_size)))
        return false;
    return !flag || put_flag(segment, flag);
}

/* New segments, and which of them belong to the digest of either side. */
struct segments {
    struct json *object, *previous, *final;
    unsigned count;
};

static bool bind(struct segments *s, const struct reencryption *r, bool previous, bool final)
{
    bool good = true;

    if (previous && r->previous.encrypted)
        good = put_name(s->previous, s->count);
    if (final && r->final.encrypted && good && r->final.digest == r->previous.digest)
        good = previous || put_name(s->previous, s->count);
    else if (final && r->final.encrypted && good)
        good = put_name(s->final, s->count);
    return good;
}

static bool put_data(struct segments *s, const struct reencryption *r, uint64_t size,
                     const struct reencryption_progress *p)
{
    struct reencryption_piece pieces[REENCRYPTION_PIECES_MAX];
    unsigned count = reencryption_pieces(r, size, p, pieces);

    for (; s->count < count; s->count++) {
        const struct reencryption_piece *piece = &pieces[s->count];
        bool dynamic = is_dynamic(r, p, piece, s->count + 1 == count);
        bool both = piece->hot && r->mode == REENCRYPTION_REENCRYPT;

        if (!put_segment(s->object, s->count, piece->final ? &r->final : &r->previous,
                         piece->offset, dynamic ? 0 : piece->len, piece->iv_tweak,
                         piece->hot ? "in-reencryption" : NULL) ||
            !bind(s, r, !piece->final || both, piece->final))
            return false;
    }
    return true;
}

static bool put_backups(struct segments *s, const struct reencryption *r)
{
    if (!put_segment(s->object, s->count, &r->previous, r->previous.offset,
                     r->dynamic ? 0 : r->size, r->previous.iv_tweak, "backup-previous") ||
        !bind(s, r, true, false))
        return false;
    s->count++;
    if (!put_segment(s->object, s->count, &r->final, r->final.offset, 0, r->final.iv_tweak,
                     "backup-final") ||
        !bind(s, r, false, true))
        return false;
    s->count++;
    return r->moved == 0 ||
           (put_segment(s->object, s->count, &r->previous, r->moved_at, r->moved,
                        r->previous.iv_tweak, "backup-moved-segment") &&
            bind(s, r, true, false));
}

/* Every digest gets its list anew; those of neither side an empty one. */
static bool put_digests(struct json *digests, const struct reencryption *r, struct segments *s)
{
    bool good = true;

    for (size_t i = 0; i < json_count(digests); i++) {
        const char *name;
        struct json *digest = json_at(digests, i, &name), *list;
        unsigned number;

        if (!metadata_number(name, LUKS2_DIGESTS_MAX, &number))
            return false;
        if ((int)number == r->previous.digest) {
            list = s->previous;
            s->previous = NULL;
        } else if ((int)number == r->final.digest) {
            list = s->final;
            s->final = NULL;
        } else {
            list = json_new_array();
        }
        good = json_put(digest, "segments", list) && good;
    }
    return good;
}

static enum rc put_all(struct luks2 *header, const struct reencryption *r, uint64_t size,
                       const struct reencryption_progress *p, bool backups, struct fault *why)
{
    struct segments s = {
        .object = json_new_object(), .previous = json_new_array(), .final = json_new_array()};
    bool good = put_data(&s, r, size, p) && (!backups || put_backups(&s, r)) &&
                put_digests(json_get(header->metadata, "digests"), r, &s);

    json_close(s.previous);
    json_close(s.final);
    if (!good)
        json_close(s.object);
    if (!good || !json_put(header->metadata, "segments", s.object))
        return fail(why, RC_MEMORY, "no memory to change the segments of a header");
    return metadata_refresh(header, why);
}

enum rc reencryption_progress_put(struct luks2 *header, const struct reencryption *r,
                                  uint64_t size, const struct reencryption_progress *p,
                                  struct fault *why)
{
    return put_all(header, r, size, p, true, why);
}

enum rc reencryption_last_put(struct luks2 *header, const struct reencryption *r,
                              struct fault *why)
{
    return put_all(header, r, greater_sector(r), &(struct reencryption_progress){.done = true},
                   false, why);
}
