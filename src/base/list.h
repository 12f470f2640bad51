/* A doubly linked ring, embedded in its members. A link that is on no list points at itself or is {0}. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/* The struct of type T whose member M is at `link`. */
#define LIST_OWNER(link, T, M) ((T *)(void *)((char *)(link)-offsetof(T, M)))

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head || !head->next;
}

/* Puts `link` behind `place`: at the front where that is the head. */
static inline void list_add(struct list *place, struct list *link)
{
    link->prev = place;
    link->next = place->next;
    place->next->prev = link;
    place->next = link;
}

static inline void list_add_last(struct list *head, struct list *link)
{
    list_add(head->prev, link);
}

/* Harmless on a link that is on no list. */
static inline void list_remove(struct list *link)
{
    if (!link->next)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = link;
}

#endif
