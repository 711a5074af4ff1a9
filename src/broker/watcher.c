/* SPDX-License-Identifier: Apache-2.0 */
/* Watchers: woken by a post, freed only when no post of theirs is on its way. */
#include "broker/partition.h"

#include "base/mem.h"

static void run_watcher(struct od_post *post)
{
    struct od_watcher *w = OD_CONTAINER(post, struct od_watcher, post);

    atomic_store_explicit(&w->posted, false, memory_order_release);
    if (w->dead) {
        od_partition_unref(w->partition);
        od_free(w);
    } else {
        w->wake(w);
    }
}

void od_watcher_add(struct od_watcher *w, struct od_partition *p)
{
    struct od_effects fx;

    w->partition = od_partition_ref(p);
    w->post.run = run_watcher;
    atomic_init(&w->posted, false);
    od_partition_enter(p, &fx);
    od_list_push(&p->watchers, &w->link);
    od_partition_leave(p, &fx, w->home);
}

void od_watcher_free(struct od_watcher *w)
{
    struct od_effects fx;

    od_partition_enter(w->partition, &fx);
    od_link_remove(&w->link);
    od_partition_leave(w->partition, &fx, w->home);
    w->dead = true;
    if (!atomic_load_explicit(&w->posted, memory_order_acquire)) {
        od_partition_unref(w->partition);
        od_free(w);
    }
}
