#include "gate/respond/respond_settings.h"

#include <stddef.h>

#include "base/units.h"
#include "gate/conf/slot.h"
#include "gate/conf/value.h"
#include "gate/respond/conditions.h"
#include "gate/respond/mime_types.h"
#include "gate/respond/range.h"

#define AT(member) .offset = offsetof(struct respond_settings, member)
#define DROPPED .offset = CONF_NOWHERE

enum { CODE_MAX = 999 };

static const struct conf_choice since[] = {
    {"off", CONDITIONS_OFF}, {"exact", CONDITIONS_EXACT}, {"before", CONDITIONS_BEFORE}, {0}};

void respond_settings_enter(struct respond_settings *s, size_t prefix_len, bool named)
{
    s->try_files = NULL;
    s->own_types = NULL;
    s->prefix_len = prefix_len;
    s->in_named = named;
}

/* A root that is made of itself has no end. */
static enum rc refuse_itself(struct conf *conf, const struct template *root)
{
    for (uint32_t i = 0; i < root->count; i++) {
        const struct variable *v = root->parts[i].variable;

        if (v && (strcmp(v->name, "document_root") == 0 ||
                  strcmp(v->name, "request_filename") == 0))
            return conf_fail(conf, 1, NULL,
                             "the $%s variable cannot be used in the \"%.*s\" directive",
                             v->name, SPAN_ARG(conf_word(conf, 0)));
    }
    return RC_OK;
}

static enum rc set_path(struct conf *conf, struct respond_settings *s, bool alias)
{
    struct span path = conf_word(conf, 1);
    struct template root;
    enum rc rc;

    if (path.len == 0 || memchr(path.at, 0, path.len))
        return conf_fail_value(conf, 1, "invalid value");
    if (path.at[0] != '$')
        path = conf_path(conf, conf->prefix, path);
    if (!path.at)
        return conf_no_memory(conf);
    if (!alias && path.at[path.len - 1] == '/')
        path.len--;
    if ((rc = conf_template(conf, 1, path, &root)) != RC_OK ||
        (rc = refuse_itself(conf, &root)) != RC_OK)
        return rc;
    s->root = root;
    s->root_is_alias = alias;
    s->alias_len = alias ? s->prefix_len : 0;
    return RC_OK;
}

/* Has the other of the two stood in this context? */
static bool was_said(struct conf *conf, const char *name)
{
    size_t table = 0, row = 0;

    return conf_find(conf->language, span_text(name), conf->level->context, &table, &row) &&
           conf->level->seen[table][row];
}

static enum rc set_root(struct conf *conf, const struct directive *d, void *part)
{
    bool alias = strcmp(d->name, "alias") == 0;
    struct respond_settings *s = part;

    if (conf->level->context == CONF_LOCATION && was_said(conf, alias ? "root" : "alias"))
        return conf_fail(
            conf, 0, "a location has one of them",
            "\"%s\" directive is duplicate, \"%s\" directive was specified earlier", d->name,
            alias ? "root" : "alias");
    if (alias && s->in_named)
        return conf_fail(conf, 0, NULL,
                         "the \"alias\" directive cannot be used inside the named location");
    return set_path(conf, s, alias);
}

static enum rc set_index(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;
    struct template *names = NULL;

    (void)d;
    if (conf->again)
        memcpy(&names, &s->index, sizeof names);
    else
        s->index_count = 0;
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct template *name;

        if (conf_word(conf, i).len == 0)
            return conf_fail(conf, i, NULL, "index \"\" in \"index\" directive is invalid");
        if (i + 1 < conf_words(conf) && conf_word(conf, i).at[0] == '/')
            conf_warn(conf, i, NULL,
                      "only the last index in \"index\" directive should be absolute");
        name = conf_add(conf, (void **)&names, &s->index_count, sizeof *names);
        if (!name || conf_template(conf, i, conf_word(conf, i), name) != RC_OK) {
            s->index_count = 0;
            return RC_FORMAT;
        }
        s->index = names;
    }
    return RC_OK;
}

/* "text/html html htm;" */
static enum rc add_types(struct conf *conf, struct mime_types *types)
{
    struct span type = conf_word(conf, 0);

    if (conf->node->block)
        return conf_fail(conf, 0, NULL, "unexpected \"{\"");
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span extension = conf_word(conf, i);
        struct span before = mime_types_find(types, extension);

        if (before.len > 0)
            conf_warn(conf, i, NULL,
                      "duplicate extension \"%.*s\", content type: \"%.*s\", previous content "
                      "type: \"%.*s\"",
                      SPAN_ARG(extension), SPAN_ARG(type), SPAN_ARG(before));
        if (mime_types_add(types, extension, type) != RC_OK)
            return conf_no_memory(conf);
    }
    return RC_OK;
}

static enum rc set_types(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;
    const struct conf_node *block = conf->node;

    (void)d;
    if (!s->own_types && !(s->own_types = mime_types_open(conf->arena)))
        return conf_no_memory(conf);
    s->types = s->own_types;
    for (conf->node = block->children; conf->node; conf->node = conf->node->next)
        (void)add_types(conf, s->own_types);
    conf->node = block;
    return RC_OK;
}

static enum rc set_error_page(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;

    (void)d;
    if (!conf->again)
        s->error_pages_count = 0;
    return error_page_parse(conf, &s->error_pages, &s->error_pages_count);
}

/* "=404", "/path?args" or "@named". */
static enum rc parse_fallback(struct conf *conf, struct try_files *t)
{
    size_t last = conf_words(conf) - 1;
    struct span word = conf_word(conf, last);
    uint64_t code;

    if (!span_starts(word, SPAN("=")))
        return conf_template(conf, last, word, &t->fallback);
    span_cut(&word, 1);
    if (units_parse_number(word, CODE_MAX, &code) != RC_OK)
        return conf_fail(conf, last, NULL, "invalid code \"%.*s\"",
                         SPAN_ARG(conf_word(conf, last)));
    if (code < 200) {
        conf_warn(conf, last, NULL, "no answer ends with status %d, it is 404", (int)code);
        code = 404;
    }
    t->code = (unsigned)code;
    return RC_OK;
}

static enum rc set_try_files(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;
    size_t count = conf_words(conf) - 2;
    struct try_files *t = arena_take(conf->arena, sizeof *t);
    struct try_files_name *names = arena_take_array(conf->arena, count, sizeof *names);
    enum rc rc;

    (void)d;
    if (!t || !names)
        return conf_no_memory(conf);
    for (size_t i = 0; i < count; i++) {
        struct span word = conf_word(conf, i + 1);

        names[i].is_directory = word.len > 0 && word.at[word.len - 1] == '/';
        word.len -= names[i].is_directory ? 1 : 0;
        if ((rc = conf_template(conf, i + 1, word, &names[i].text)) != RC_OK)
            return rc;
    }
    if ((rc = parse_fallback(conf, t)) != RC_OK)
        return rc;
    t->node = conf->node;
    t->names = names;
    t->count = count;
    s->try_files = t;
    return RC_OK;
}

static enum rc set_server_tokens(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;

    if (!span_equal_nocase(conf_word(conf, 1), SPAN("build")))
        return conf_set_flag(conf, d, part);
    s->server_tokens = true;
    return RC_OK;
}

static enum rc set_max_ranges(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;
    enum rc rc = conf_set_number(conf, d, part);

    if (rc == RC_OK && s->max_ranges > RANGE_MAX)
        s->max_ranges = RANGE_MAX;
    return rc;
}

static enum rc set_symlinks(struct conf *conf, const struct directive *d, void *part)
{
    static const struct conf_choice rules[] = {{"off", SYMLINKS_FOLLOWED},
                                               {"on", SYMLINKS_REFUSED},
                                               {"if_not_owner", SYMLINKS_OF_OWNER},
                                               {0}};
    struct respond_settings *s = part;
    bool has_rule = false, has_from = false;

    (void)d;
    s->links_from = (struct template){0};
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i);
        const struct conf_choice *rule = rules;
        const bool is_from = span_starts(word, SPAN("from="));

        while (rule->name && !span_equal(word, span_text(rule->name)))
            rule++;
        if (!is_from && !rule->name)
            return conf_fail(conf, i, "one of: on, if_not_owner, off, from=PATH",
                             "invalid parameter \"%.*s\"", SPAN_ARG(word));
        if (is_from ? has_from : has_rule)
            return conf_fail(conf, i, NULL, "duplicate parameters \"%.*s %.*s\"",
                             SPAN_ARG(conf_word(conf, 1)), SPAN_ARG(conf_word(conf, 2)));
        if (is_from) {
            span_cut(&word, strlen("from="));
            if (conf_template(conf, i, word, &s->links_from) != RC_OK)
                return RC_FORMAT;
        } else {
            s->way.links.rule = (enum symlinks_rule)rule->value;
        }
        *(is_from ? &has_from : &has_rule) = true;
    }
    if (has_rule && has_from && s->way.links.rule == SYMLINKS_FOLLOWED)
        return conf_fail(conf, 1, NULL, "\"from=\" cannot be used with \"off\" parameter");
    if (!has_rule)
        return conf_fail(conf, 0, NULL,
                         "\"disable_symlinks\" must have \"off\", \"on\" or "
                         "\"if_not_owner\" parameter");
    return RC_OK;
}

static enum rc set_file_cache(struct conf *conf, const struct directive *d, void *part)
{
    struct respond_settings *s = part;
    uint64_t max = 0, inactive_s = 60;

    (void)d;
    s->way.cache = NULL;
    for (size_t i = 1; i < conf_words(conf); i++) {
        struct span word = conf_word(conf, i), name = span_cut(&word, span_find(word, '='));
        enum rc rc = RC_FORMAT;

        span_cut(&word, 1);
        if (span_equal(name, SPAN("off")) && word.len == 0)
            return RC_OK;
        if (span_equal(name, SPAN("max")))
            rc = units_parse_number(word, FILE_CACHE_MAX, &max);
        else if (span_equal(name, SPAN("inactive")))
            rc = value_parse_seconds(word, &inactive_s);
        if (rc != RC_OK || (span_equal(name, SPAN("max")) && max == 0))
            return conf_fail(conf, i, "max=NUMBER, inactive=TIME",
                             "invalid \"open_file_cache\" parameter \"%.*s\"",
                             SPAN_ARG(conf_word(conf, i)));
    }
    if (max == 0)
        return conf_fail(conf, 0, "max=NUMBER",
                         "\"open_file_cache\" must have the \"max\" parameter");
    s->way.cache = file_caches_add(s->caches, max, inactive_s * 1000, conf->arena);
    return s->way.cache ? RC_OK : conf_no_memory(conf);
}

/* "directio off" or a size. */
static enum rc set_size_or_off(struct conf *conf, const struct directive *d, void *part)
{
    return span_equal(conf_word(conf, 1), SPAN("off")) ? RC_OK
                                                       : conf_set_offset(conf, d, part);
}

#define PLACE CONF_ALL_HTTP

const struct directive respond_directives[] = {
    {"root", PLACE | CONF_IF, 1, 1, .set = set_root, .standard = "html",
     .doc = "The folder that paths are looked up in."},
    {"alias", CONF_LOCATION, 1, 1, .set = set_root,
     .doc = "What stands in for the location's prefix when a path is looked up."},
    {"index", PLACE, 1, CONF_MANY, true, .set = set_index, .standard = "index.html",
     .doc = "The files that answer for a folder; the first one that exists does."},
    {"types", PLACE, 0, 0, true, CONF_VALUES, set_types,
     .doc = "Content types by file name extension."},
    {"default_type", PLACE, 1, 1, .set = conf_set_text, AT(default_type),
     .standard = "text/plain", .doc = "The content type of files whose extension has none."},
    {"error_page", PLACE | CONF_IF, 2, CONF_MANY, true, .set = set_error_page,
     .doc =
         "What stands in for the page of the statuses it names: a path, a named location or "
         "the URL of a redirect; =200 answers with that status, and = alone with the one it "
         "gets."},
    {"recursive_error_pages", PLACE, 1, 1, .set = conf_set_flag, AT(recursive_error_pages),
     .standard = "off", .doc = "Errors of error pages have error pages themselves."},
    {"try_files", CONF_SERVER | CONF_LOCATION, 2, CONF_MANY, .set = set_try_files,
     .doc =
         "Goes on with the first of its files and directories (NAME/) that exists; where none "
         "does, the last word says what happens: another path, a named location, or =404."},
    {"sendfile", PLACE | CONF_IF, 1, 1, .set = conf_set_flag, AT(sendfile), .standard = "off",
     .doc = "Lets the kernel send files without a copy through gate."},
    {"etag", PLACE, 1, 1, .set = conf_set_flag, AT(etag), .standard = "on",
     .doc = "Gives files an ETag."},
    {"server_tokens", PLACE, 1, 1, .set = set_server_tokens, AT(server_tokens),
     .standard = "on", .doc = "Shows the version in the Server field and on error pages."},
    {"absolute_redirect", PLACE, 1, 1, .set = conf_set_flag, AT(absolute_redirect),
     .standard = "on", .doc = "Redirects of gate's own name scheme and host."},
    {"port_in_redirect", PLACE, 1, 1, .set = conf_set_flag, AT(port_in_redirect),
     .standard = "on",
     .doc = "Absolute redirects name the port where it is not the usual one."},
    {"server_name_in_redirect", PLACE, 1, 1, .set = conf_set_flag, AT(server_name_in_redirect),
     .standard = "off",
     .doc = "Absolute redirects name the first server_name and not the request's host."},
    {"if_modified_since", PLACE, 1, 1, .set = conf_set_choice, AT(if_modified_since),
     .of = since, .standard = "exact",
     .doc = "How a date that a client has of a file is compared: exact, before for a later "
            "one too, "
            "off for never."},
    {"max_ranges", PLACE, 1, 1, .set = set_max_ranges, AT(max_ranges), .standard = "64",
     .doc = "How many parts of a file one request may ask for, 64 at most; with more, or with "
            "0, it "
            "gets all of it."},
    {"log_not_found", PLACE, 1, 1, .set = conf_set_flag, AT(log_not_found), .standard = "on",
     .doc = "Writes files that are not found to the error log."},

    {"disable_symlinks", PLACE, 1, 2, .set = set_symlinks, .standard = "off",
     .doc =
         "Refuses files whose path leads over a symbolic link (on), or over one of another "
         "owner than what it leads to (if_not_owner); from=PATH trusts that much of the path "
         "in front, and is often $document_root."},
    {"open_file_cache", PLACE, 1, 2, .set = set_file_cache, .standard = "off",
     .doc = "Keeps max=NUMBER files open, and what is known of them and of folders, until "
            "nobody has asked for one for inactive=60s."},
    {"open_file_cache_valid", PLACE, 1, 1, .set = conf_set_seconds_ms, AT(way.valid_ms),
     .standard = "60s", .doc = "How long what is kept of a file is not looked at again."},
    {"open_file_cache_min_uses", PLACE, 1, 1, .set = conf_set_number, AT(way.min_uses),
     .standard = "1", .doc = "How often a file must be asked for to stay open."},
    {"open_file_cache_errors", PLACE, 1, 1, .set = conf_set_flag, AT(way.errors),
     .standard = "off", .doc = "Keeps in mind what was not found, too."},
    {"open_file_cache_events", PLACE, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: entries are looked at anew after open_file_cache_valid."},
    {"sendfile_max_chunk", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: no file keeps others waiting."},
    {"directio", PLACE, 1, 1, .set = set_size_or_off, DROPPED,
     .doc = "Accepted, of no effect: files are read through the cache of the system."},
    {"directio_alignment", PLACE, 1, 1, .set = conf_set_offset, DROPPED,
     .doc = "Accepted, of no effect: files are read through the cache of the system."},
    {"read_ahead", PLACE, 1, 1, .set = conf_set_size, DROPPED,
     .doc = "Accepted, of no effect: the system reads ahead by itself."},
    {"aio", PLACE, 1, 1, .set = conf_accept,
     .doc =
         "Accepted, of no effect: files are read by the loop, which sends them by sendfile."},
    {"aio_write", PLACE, 1, 1, .set = conf_set_flag, DROPPED,
     .doc = "Accepted, of no effect: temporary files are written by the loop."},
    {"log_subrequest", PLACE, 1, 1, .set = conf_set_flag, AT(log_subrequest),
     .standard = "off",
     .doc = "Gives requests inside of requests (auth_request, mirror, add_before_body) a line "
            "of the "
            "access log."},
    {"types_hash_max_size", PLACE, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {"types_hash_bucket_size", PLACE, 1, 1, .set = conf_set_number, DROPPED,
     .doc = "Accepted, of no effect: tables grow by themselves."},
    {0},
};
