#include "gate/respond/type_list.h"

#include "gate/http/head.h"

static bool names(const struct type_list *list, struct span type)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_equal_nocase(list->types[i], type))
            return true;
    return span_equal_nocase(type, SPAN("text/html"));
}

bool type_list_has(const struct type_list *list, struct span content_type)
{
    struct span type = field_trim(span_cut(&content_type, span_find(content_type, ';')));

    return list->all || (type.len > 0 && names(list, type));
}

enum rc type_list_set(struct conf *conf, const struct directive *d, void *part)
{
    struct type_list *list = (struct type_list *)((uint8_t *)part + d->offset);
    struct span *types = NULL, *type;

    if (conf->again)
        memcpy(&types, &list->types, sizeof types);
    else
        *list = (struct type_list){0};
    for (size_t i = 1; i < conf_words(conf); i++) {
        if (span_equal(conf_word(conf, i), SPAN("*"))) {
            list->all = true;
        } else if (names(list, conf_word(conf, i))) {
            conf_warn(conf, i, NULL, "duplicate MIME type \"%.*s\"",
                      SPAN_ARG(conf_word(conf, i)));
        } else {
            if (!(type = conf_add(conf, (void **)&types, &list->count, sizeof *type)))
                return RC_MEMORY;
            *type = conf_word(conf, i);
            list->types = types;
        }
    }
    return RC_OK;
}
