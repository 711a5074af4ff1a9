/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list: the link lies in the element, nothing is allocated. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct od_link {
    struct od_link *prev, *next; /* both NULL while in no list */
};

struct od_list {
    struct od_link head;
};

static inline void od_list_init(struct od_list *l)
{
    l->head.prev = l->head.next = &l->head;
}

static inline bool od_list_empty(const struct od_list *l)
{
    return l->head.next == &l->head;
}

static inline bool od_link_used(const struct od_link *n)
{
    return n->next != NULL;
}

static inline void od_list_push(struct od_list *l, struct od_link *n) /* at the end */
{
    n->prev = l->head.prev;
    n->next = &l->head;
    l->head.prev->next = n;
    l->head.prev = n;
}

static inline void od_link_remove(struct od_link *n) /* a link in no list is left alone */
{
    if (!n->next)
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}

static inline struct od_link *od_list_first(const struct od_list *l) /* NULL when empty */
{
    return od_list_empty(l) ? NULL : l->head.next;
}

static inline struct od_link *od_list_pop(struct od_list *l) /* from the front; NULL when empty */
{
    struct od_link *n = od_list_first(l);

    if (n)
        od_link_remove(n);
    return n;
}

/* Moves all of from to the end of to. */
static inline void od_list_append(struct od_list *to, struct od_list *from)
{
    if (od_list_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    od_list_init(from);
}

/* Walks the list; the current element may be removed inside the loop. */
#define OD_LIST_EACH(list, link)                                                                   \
    for (struct od_link *link = (list)->head.next, *link##_next = link->next;                      \
         link != &(list)->head; link = link##_next, link##_next = link->next)
