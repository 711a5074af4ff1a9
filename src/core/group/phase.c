/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a generation: members gather, one protocol is chosen, the leader assigns.
 *
 * One deadline serves both phases.  PREPARING: those who have not joined by then are left out; the
 * first generation of a group waits in slices, so that members that start together share it.
 * COMPLETING and STABLE: those who have not asked for their assignment by then are removed.
 */
#include "base/assert.h"
#include "base/mutant.h"
#include "core/group/group_internal.h"

#define EACH_MEMBER(g, m)                                                                          \
    OD_LIST_EACH(&(g)->members_in_order, m##_link)                                                 \
        for (struct od_group_member *m = OD_CONTAINER(m##_link, struct od_group_member, link); m;  \
             m = NULL)

void od_group_to_state(struct od_group *g, enum od_group_state state, int64_t wall_ms)
{
    g->state = state;
    g->state_wall_ms = wall_ms;
}

void od_group_alive(struct od_group_member *m, int64_t now_ms)
{
    od_deadline_set(&m->group->shard->deadlines, &m->session, now_ms + m->session_timeout_ms);
}

bool od_group_all_joined(const struct od_group *g)
{
    return g->joining_count == od_group_size(g) && !g->pending_members.count;
}

static int32_t rebalance_timeout_of(struct od_group *g)
{
    int32_t longest = 0;

    EACH_MEMBER(g, m)
    if (m->rebalance_timeout_ms > longest)
        longest = m->rebalance_timeout_ms;
    return longest;
}

/* --- which protocol ----------------------------------------------------------------------------
 */

static bool all_have(const struct od_group *g, struct od_str protocol)
{
    EACH_MEMBER(g, m)
    if (!od_group_metadata_for(m, protocol).data)
        return false;
    return true;
}

/* How many members prefer the protocol to all others that all members have. */
static int votes_for(const struct od_group *g, const struct od_group_member *candidates, int wanted,
                     const bool *possible)
{
    int votes = 0;

    EACH_MEMBER(g, m)
    {
        int choice = -1;

        for (int i = 0; i < m->protocol_count && choice < 0; i++)
            for (int c = 0; c < candidates->protocol_count; c++)
                if (possible[c] && od_str_eq(candidates->protocols[c].name, m->protocols[i].name)) {
                    choice = c;
                    break;
                }
        votes += choice == wanted;
    }
    return votes;
}

struct od_str od_group_choose(const struct od_group *g)
{
    const struct od_link *first = od_list_first(&g->members_in_order);
    const struct od_group_member *m;
    struct od_arena arena = { 0 };
    bool *possible;
    int best = -1, best_votes = 0;

    if (!first)
        return OD_STR_NULL;
    m = OD_CONTAINER(first, struct od_group_member, link);
    possible = od_arena_alloc(&arena, sizeof(bool) * (size_t)(m->protocol_count + 1));
    for (int i = 0; i < m->protocol_count; i++)
        possible[i] = all_have(g, m->protocols[i].name);
    for (int i = 0; i < m->protocol_count; i++) {
        int votes = possible[i] ? votes_for(g, m, i, possible) : 0;

        if (votes > best_votes) {
            best = i;
            best_votes = votes;
        }
    }
    od_arena_reset(&arena);
    return best < 0 ? OD_STR_NULL : m->protocols[best].name;
}

/* --- joining ------------------------------------------------------------------------------------
 */

static void forget_missing_syncs(struct od_group *g)
{
    EACH_MEMBER(g, m)
    m->sync_missing = false;
    g->sync_missing_count = 0;
}

/* What was being assigned is void. */
static void refuse_syncs(struct od_group *g, struct od_group_out *out)
{
    EACH_MEMBER(g, m)
    {
        struct od_group_call *sync = m->sync;

        od_group_set_assignment(m, (struct od_bytes){ 0 });
        m->sync = NULL;
        if (sync)
            od_group_answer_sync(sync, OD_REBALANCE_IN_PROGRESS, (struct od_bytes){ 0 }, out);
    }
}

static void begin_generation(struct od_group *g, const struct od_group_event *ev,
                             struct od_group_out *out)
{
    od_group_to_state(g, OD_GROUP_COMPLETING, ev->wall_ms);
    od_deadline_set(&g->shard->deadlines, &g->phase, ev->now_ms + rebalance_timeout_of(g));
    EACH_MEMBER(g, m)
    {
        struct od_group_call *join = m->join;

        m->join = NULL;
        m->fresh = false;
        m->sync_missing = true;
        g->sync_missing_count++;
        od_group_alive(m, ev->now_ms);
        if (join)
            od_group_answer_generation(join, m, m == g->leader, out);
    }
    g->joining_count = 0;
}

/* The leader must be among those who joined; false: nobody did. */
static bool elect_leader(struct od_group *g)
{
    if (g->leader && g->leader->join)
        return true;
    EACH_MEMBER(g, m)
    if (m->join) {
        g->leader = m;
        return true;
    }
    return false;
}

static void complete_join(struct od_group *g, const struct od_group_event *ev,
                          struct od_group_out *out)
{
    struct od_str chosen;

    EACH_MEMBER(g, m)
    if (!m->join && !m->instance_id.data)
        od_group_remove(g, m, OD_UNKNOWN_MEMBER_ID, out);
    if (!elect_leader(g) && g->members.count) {
        /* Static members only, none of whom is back: their sessions decide. */
        od_deadline_set(&g->shard->deadlines, &g->phase, ev->now_ms + rebalance_timeout_of(g));
        return;
    }
    od_deadline_clear(&g->shard->deadlines, &g->phase);
    g->initial = false;
    if (!OD_MUTANT(group_generation_kept) || !g->generation)
        g->generation = g->generation == INT32_MAX ? 1 : g->generation + 1;
    chosen = od_group_keep(od_group_choose(g));
    od_group_give_back(&g->protocol);
    g->protocol = chosen;
    if (g->members.count) {
        begin_generation(g, ev, out);
        return;
    }
    od_group_to_state(g, OD_GROUP_EMPTY, ev->wall_ms);
    od_group_record_generation(out, g);
}

void od_group_rebalance(struct od_group *g, const struct od_group_event *ev,
                        struct od_group_out *out)
{
    struct od_deadlines *deadlines = &g->shard->deadlines;
    int32_t timeout = rebalance_timeout_of(g);

    g->initial = g->state == OD_GROUP_EMPTY;
    if (g->state == OD_GROUP_COMPLETING)
        refuse_syncs(g, out);
    forget_missing_syncs(g);
    od_group_to_state(g, OD_GROUP_PREPARING, ev->wall_ms);
    if (g->initial) {
        int32_t delay = ev->rules->initial_rebalance_delay_ms;

        g->joined_meanwhile = false;
        g->wait_ms = delay < timeout ? delay : timeout;
        g->wait_left_ms = timeout - g->wait_ms;
        od_deadline_set(deadlines, &g->phase, ev->now_ms + g->wait_ms);
        return;
    }
    od_deadline_set(deadlines, &g->phase, ev->now_ms + timeout);
    if (od_group_all_joined(g))
        complete_join(g, ev, out);
}

void od_group_changed(struct od_group *g, const struct od_group_event *ev, struct od_group_out *out)
{
    if (g->state != OD_GROUP_PREPARING)
        od_group_rebalance(g, ev, out);
    else if (!g->initial && od_group_all_joined(g))
        complete_join(g, ev, out);
}

/* --- time ----------------------------------------------------------------------------------------
 */

static void wait_on_or_complete(struct od_group *g, const struct od_group_event *ev,
                                struct od_group_out *out)
{
    int32_t delay = ev->rules->initial_rebalance_delay_ms;
    int32_t wait = delay < g->wait_left_ms ? delay : g->wait_left_ms;

    if (!g->joined_meanwhile || wait <= 0) {
        complete_join(g, ev, out);
        return;
    }
    g->joined_meanwhile = false;
    g->wait_ms = wait;
    g->wait_left_ms -= wait;
    od_deadline_set(&g->shard->deadlines, &g->phase, ev->now_ms + wait);
}

static void remove_those_without_sync(struct od_group *g, const struct od_group_event *ev,
                                      struct od_group_out *out)
{
    if (!g->sync_missing_count)
        return;
    EACH_MEMBER(g, m)
    if (m->sync_missing)
        od_group_remove(g, m, OD_UNKNOWN_MEMBER_ID, out);
    od_group_rebalance(g, ev, out);
}

void od_group_phase_due(struct od_group *g, const struct od_group_event *ev,
                        struct od_group_out *out)
{
    switch (g->state) {
    case OD_GROUP_PREPARING:
        if (g->initial)
            wait_on_or_complete(g, ev, out);
        else
            complete_join(g, ev, out);
        return;
    case OD_GROUP_COMPLETING:
    case OD_GROUP_STABLE:
        remove_those_without_sync(g, ev, out);
        return;
    case OD_GROUP_EMPTY:
        return;
    }
}

void od_group_session_due(struct od_group_member *m, const struct od_group_event *ev,
                          struct od_group_out *out)
{
    struct od_group *g = m->group;

    /* Who waits for us is alive; its session begins anew with the answer. */
    if (!m->fresh && (m->join || m->sync))
        return;
    od_group_remove(g, m, OD_UNKNOWN_MEMBER_ID, out);
    od_group_changed(g, ev, out);
}
