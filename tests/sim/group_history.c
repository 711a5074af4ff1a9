/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of groups. */
#include "group_history.h"

#include "base/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void OD_PRINTF(2, 3) broken(struct group_history *h, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    h->broken(text);
}

void group_history_init(struct group_history *h, void (*told)(const char *text))
{
    memset(h, 0, sizeof(*h));
    h->broken = told;
    for (int i = 0; i < GROUP_REGISTERS; i++)
        h->registers[i].known = -1;
}

/* --- generations ------------------------------------------------------------------------- */

static bool counted(int32_t generation)
{
    return generation > 0 && generation < GROUP_GENERATIONS_MAX;
}

void group_history_joined(struct group_history *h, int32_t asked_at, int32_t generation,
                          uint64_t leader, int life)
{
    if (generation < asked_at)
        broken(h, "generation-back: %d was given out after %d", generation, asked_at);
    if (!counted(generation) || life < 0)
        return;
    if (h->generations[generation].leader && h->generations[generation].life == life &&
        h->generations[generation].leader != leader)
        broken(h, "two-leaders: of generation %d", generation);
    h->generations[generation].leader = leader;
    h->generations[generation].life = life;
}

void group_history_assigned(struct group_history *h, int32_t generation, uint64_t hand)
{
    if (!counted(generation))
        return;
    if (h->generations[generation].hand && h->generations[generation].hand != hand)
        broken(h, "two-assignments: in generation %d", generation);
    h->generations[generation].hand = hand;
    if (generation > h->generation)
        h->generation = generation;
}

void group_history_accepted(struct group_history *h, int32_t asked_at, int32_t generation)
{
    if (generation < asked_at)
        broken(h, "generation-back: a member of %d was accepted after %d", generation, asked_at);
}

/* --- owners ------------------------------------------------------------------------------ */

void group_history_owns(struct group_history *h, int member, uint32_t partitions, int64_t now_ms,
                        int64_t until_ms)
{
    for (int i = 0; i < GROUP_OWNERS_MAX; i++)
        if (i != member && h->owners[i].until_ms > now_ms && (h->owners[i].partitions & partitions))
            broken(h, "two-owners: members %d and %d of partitions %#x", member, i,
                   h->owners[i].partitions & partitions);
    h->owners[member].partitions = partitions;
    h->owners[member].until_ms = until_ms;
}

/* --- committed offsets ------------------------------------------------------------------- */

static int place_of(const struct group_register *r, int64_t value)
{
    for (int i = 0; i < r->attempt_count; i++)
        if (r->attempts[i].value == value)
            return i;
    return -1;
}

static void forget(struct group_register *r, int place)
{
    r->attempts[place] = r->attempts[--r->attempt_count];
}

bool group_history_commits(struct group_history *h, int reg, int64_t value, int life)
{
    struct group_register *r = &h->registers[reg];

    if (r->attempt_count == GROUP_ATTEMPTS_MAX)
        return false;
    r->attempts[r->attempt_count].value = value;
    r->attempts[r->attempt_count++].life = life;
    return true;
}

void group_history_refused(struct group_history *h, int reg, int64_t value)
{
    int place = place_of(&h->registers[reg], value);

    if (place >= 0)
        forget(&h->registers[reg], place);
}

/* An attempt of this life may still come after it, on another connection; none of earlier ones. */
void group_history_committed(struct group_history *h, int reg, int64_t value, int life)
{
    struct group_register *r = &h->registers[reg];

    r->known = value;
    group_history_refused(h, reg, value);
    for (int i = r->attempt_count - 1; i >= 0; i--)
        if (r->attempts[i].life < life)
            forget(r, i);
}

void group_history_read(struct group_history *h, int reg, int64_t value)
{
    struct group_register *r = &h->registers[reg];
    int place = place_of(r, value);

    if (place < 0 && value != r->known)
        broken(h, "lost-commit: %lld is read, known was %lld", (long long)value,
               (long long)r->known);
    r->known = value;
    if (place >= 0)
        forget(r, place);
}
