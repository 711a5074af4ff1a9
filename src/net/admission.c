/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of connections under a LEAF lock, taken when one comes and when it goes. */
#include "net/admission.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/lock.h"

#include <string.h>

enum { LOOK_AGAIN_MS = 20 }; /* when as many are there as may be: somebody may leave at any time */

struct host {
    int32_t count;
    char text[sizeof(((struct od_address *)0)->host)];
};

/* A bucket of new connections: one second's worth at most, counted in thousandths. */
struct rate {
    int32_t per_second;
    int64_t level;
    int64_t filled_ms;
};

struct override {
    char host[sizeof(((struct od_address *)0)->host)];
    int32_t max;
};

struct od_entrance {
    struct od_admission *admission;
    struct od_entrance *next;
    int32_t count, total;
    struct rate rate;
};

struct od_admission {
    struct od_lock lock;
    struct od_map hosts; /* text -> struct host, those with connections; at most total of them */
    int32_t total, per_host;
    struct rate rate;
    struct override *overrides;
    int override_count;
    struct od_entrance *gates;
    _Atomic int32_t count; /* written under the lock */
};

/* --- rates ----------------------------------------------------------------------------------- */

static void set_rate(struct rate *r, int32_t per_second)
{
    r->per_second = per_second;
    r->level = (int64_t)per_second * 1000;
}

static int64_t wait_for_rate(struct rate *r, int64_t now_ms)
{
    int64_t top = (int64_t)r->per_second * 1000, passed_ms = now_ms - r->filled_ms;
    int64_t wait_ms;

    if (r->per_second == INT32_MAX)
        return 0;
    if (r->per_second == 0)
        return OD_ADMISSION_WAIT_MS_MAX;
    if (passed_ms > 1000)
        passed_ms = 1000;
    if (passed_ms > 0) {
        r->level += passed_ms * r->per_second;
        r->filled_ms = now_ms;
    }
    if (r->level > top)
        r->level = top;
    if (r->level >= 1000)
        return 0;
    wait_ms = (1000 - r->level + r->per_second - 1) / r->per_second;
    return wait_ms < OD_ADMISSION_WAIT_MS_MAX ? wait_ms : OD_ADMISSION_WAIT_MS_MAX;
}

/* --- limits ---------------------------------------------------------------------------------- */

/* The next "address:number"; false at the end, or at one that is neither. */
static bool next_override(const char **p, struct override *out)
{
    const char *end = strchrnul(*p, ','), *colon = memrchr(*p, ':', (size_t)(end - *p));
    struct od_str host = { *p, colon ? (size_t)(colon - *p) : 0 };
    int64_t max;

    if (!colon)
        return false;
    while (host.len && *host.data == ' ') {
        host.data++;
        host.len--;
    }
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
        host.data++;
        host.len -= 2;
    }
    if (host.len == 0 || host.len >= sizeof(out->host) ||
        !od_str_to_i64((struct od_str){ colon + 1, (size_t)(end - colon - 1) }, 0, INT32_MAX, &max))
        return false;
    memcpy(out->host, host.data, host.len);
    out->host[host.len] = '\0';
    out->max = (int32_t)max;
    *p = *end ? end + 1 : end;
    return true;
}

static void set_overrides(struct od_admission *a, const char *text)
{
    struct override next;

    od_free(a->overrides);
    a->overrides = NULL;
    a->override_count = 0;
    while (text && *text && a->override_count < OD_ADMISSION_OVERRIDES_MAX &&
           next_override(&text, &next)) {
        a->overrides = od_realloc(a->overrides,
                                  sizeof(*a->overrides) * (size_t)(a->override_count + 1));
        a->overrides[a->override_count++] = next;
    }
}

int32_t od_admission_set(struct od_admission *a, const struct od_admission_limits *limits)
{
    int32_t excess;

    od_lock_take(&a->lock);
    a->total = limits->total;
    a->per_host = limits->per_host;
    if (a->rate.per_second != limits->per_second)
        set_rate(&a->rate, limits->per_second);
    set_overrides(a, limits->host_overrides);
    excess = od_admission_count(a) - a->total;
    od_lock_drop(&a->lock);
    return excess > 0 ? excess : 0;
}

struct od_admission *od_admission_new(const struct od_admission_limits *limits, uint64_t seed)
{
    struct od_admission *a = OD_NEW(struct od_admission);

    od_lock_init(&a->lock, OD_LOCK_LEAF);
    od_map_init(&a->hosts, seed);
    a->rate.per_second = -1;
    od_admission_set(a, limits);
    return a;
}

void od_admission_free(struct od_admission *a)
{
    struct od_entrance *g;

    OD_ASSERT(od_admission_count(a) == 0);
    while ((g = a->gates)) {
        a->gates = g->next;
        od_free(g);
    }
    od_map_deinit(&a->hosts);
    od_lock_deinit(&a->lock);
    od_free(a->overrides);
    od_free(a);
}

int32_t od_admission_count(const struct od_admission *a)
{
    return atomic_load_explicit(&a->count, memory_order_relaxed);
}

static int32_t limit_of(const struct od_admission *a, const char *host)
{
    for (int i = 0; i < a->override_count; i++)
        if (!strcmp(a->overrides[i].host, host))
            return a->overrides[i].max;
    return a->per_host;
}

/* --- gates ----------------------------------------------------------------------------------- */

struct od_entrance *od_entrance_new(struct od_admission *a, int32_t total, int32_t per_second)
{
    struct od_entrance *g = OD_NEW(struct od_entrance);

    g->admission = a;
    g->total = total ? total : INT32_MAX;
    set_rate(&g->rate, per_second ? per_second : INT32_MAX);
    od_lock_take(&a->lock);
    g->next = a->gates;
    a->gates = g;
    od_lock_drop(&a->lock);
    return g;
}

int64_t od_entrance_wait_ms(struct od_entrance *g, int64_t now_ms)
{
    struct od_admission *a = g->admission;
    int64_t all_ms, own_ms;

    od_lock_take(&a->lock);
    all_ms = wait_for_rate(&a->rate, now_ms);
    own_ms = wait_for_rate(&g->rate, now_ms);
    if (all_ms < own_ms)
        all_ms = own_ms;
    if (all_ms == 0 && (od_admission_count(a) >= a->total || g->count >= g->total))
        all_ms = LOOK_AGAIN_MS;
    od_lock_drop(&a->lock);
    return all_ms;
}

static struct host *new_host(struct od_admission *a, const char *text, size_t len)
{
    struct host *h = OD_NEW(struct host);

    memcpy(h->text, text, len);
    od_map_put(&a->hosts, h->text, len, h);
    return h;
}

static enum od_err enter(struct od_entrance *g, const char *text, size_t len)
{
    struct od_admission *a = g->admission;
    struct host *h = od_map_get(&a->hosts, text, len);

    g->rate.level -= 1000;
    a->rate.level -= 1000;
    if ((h ? h->count : 0) >= limit_of(a, text))
        return OD_E_FULL;
    if (!h)
        h = new_host(a, text, len);
    h->count++;
    g->count++;
    atomic_fetch_add_explicit(&a->count, 1, memory_order_relaxed);
    return OD_NONE;
}

enum od_err od_entrance_enter(struct od_entrance *g, const struct od_address *peer)
{
    enum od_err err;

    od_lock_take(&g->admission->lock);
    err = enter(g, peer->host, strlen(peer->host));
    od_lock_drop(&g->admission->lock);
    return err;
}

void od_entrance_leave(struct od_entrance *g, const struct od_address *peer)
{
    struct od_admission *a = g->admission;
    size_t len = strlen(peer->host);
    struct host *h;

    od_lock_take(&a->lock);
    h = od_map_get(&a->hosts, peer->host, len);
    OD_ASSERT(h && h->count > 0 && g->count > 0);
    atomic_fetch_sub_explicit(&a->count, 1, memory_order_relaxed);
    g->count--;
    if (--h->count == 0) {
        od_map_remove(&a->hosts, peer->host, len);
        od_free(h);
    }
    od_lock_drop(&a->lock);
}
