/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of connections under a LEAF lock, taken when one comes and when it goes. */
#include "net/admission.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/lock.h"

#include <string.h>

struct host {
    int32_t count;
    char text[sizeof(((struct od_address *)0)->host)];
};

struct od_admission {
    struct od_lock lock;
    struct od_map hosts; /* text -> struct host, those with connections; at most max of them */
    int32_t max, max_per_host;
    _Atomic int32_t count; /* written under the lock */
};

struct od_admission *od_admission_new(int32_t max_connections, int32_t max_connections_per_ip,
                                      uint64_t seed)
{
    struct od_admission *a = OD_NEW(struct od_admission);

    od_lock_init(&a->lock, OD_LOCK_LEAF);
    od_map_init(&a->hosts, seed);
    a->max = max_connections;
    a->max_per_host = max_connections_per_ip;
    return a;
}

void od_admission_free(struct od_admission *a)
{
    OD_ASSERT(od_admission_count(a) == 0);
    od_map_deinit(&a->hosts);
    od_lock_deinit(&a->lock);
    od_free(a);
}

int32_t od_admission_count(const struct od_admission *a)
{
    return atomic_load_explicit(&a->count, memory_order_relaxed);
}

static struct host *new_host(struct od_admission *a, const char *text, size_t len)
{
    struct host *h = OD_NEW(struct host);

    memcpy(h->text, text, len);
    od_map_put(&a->hosts, h->text, len, h);
    return h;
}

static enum od_err enter(struct od_admission *a, const char *text, size_t len)
{
    struct host *h = od_map_get(&a->hosts, text, len);

    if (od_admission_count(a) >= a->max)
        return OD_E_LIMIT;
    if ((h ? h->count : 0) >= a->max_per_host)
        return OD_E_FULL;
    if (!h)
        h = new_host(a, text, len);
    h->count++;
    atomic_fetch_add_explicit(&a->count, 1, memory_order_relaxed);
    return OD_NONE;
}

enum od_err od_admission_enter(struct od_admission *a, const struct od_address *peer)
{
    enum od_err err;

    od_lock_take(&a->lock);
    err = enter(a, peer->host, strlen(peer->host));
    od_lock_drop(&a->lock);
    return err;
}

void od_admission_leave(struct od_admission *a, const struct od_address *peer)
{
    size_t len = strlen(peer->host);
    struct host *h;

    od_lock_take(&a->lock);
    h = od_map_get(&a->hosts, peer->host, len);
    OD_ASSERT(h && h->count > 0);
    atomic_fetch_sub_explicit(&a->count, 1, memory_order_relaxed);
    if (--h->count == 0) {
        od_map_remove(&a->hosts, peer->host, len);
        od_free(h);
    }
    od_lock_drop(&a->lock);
}
