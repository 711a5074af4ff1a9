/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind the verdict: one row per record sent, one per offset seen. */
#include "history.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BASE = 1000 };

struct sent {
    int client, connection, partition, acks;
    bool acked, refused;
    bool firm;       /* may never be lost from now on */
    int64_t offset;  /* -1: not known */
    bool in_final;
    uint32_t power_cuts; /* before it was sent */
};

struct offset_table {
    uint64_t *numbers; /* by offset; 0: not seen */
    int64_t count, capacity;
};

struct history {
    struct sent *sent;
    uint64_t sent_count, sent_capacity;
    struct offset_table *seen, *final; /* by partition */
    int64_t *marks;                    /* client, partition, mark; -1: none yet */
    int partitions, clients;
    void (*broken)(const char *text);
    bool finishing;
    uint32_t power_cuts;
    uint64_t reads, ended, acked;
};

static void OD_PRINTF(2, 3) tell(const struct history *h, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    h->broken(text);
}

struct history *history_new(int partitions, int clients, void (*broken)(const char *text))
{
    struct history *h = OD_NEW(struct history);
    size_t marks = (size_t)partitions * (size_t)clients * HISTORY_MARKS;

    h->partitions = partitions;
    h->clients = clients;
    h->broken = broken;
    h->seen = od_zalloc(sizeof(*h->seen) * (size_t)partitions);
    h->final = od_zalloc(sizeof(*h->final) * (size_t)partitions);
    h->marks = od_alloc(sizeof(*h->marks) * marks);
    memset(h->marks, 0xff, sizeof(*h->marks) * marks);
    return h;
}

void history_free(struct history *h)
{
    for (int p = 0; p < h->partitions; p++) {
        od_free(h->seen[p].numbers);
        od_free(h->final[p].numbers);
    }
    od_free(h->seen);
    od_free(h->final);
    od_free(h->marks);
    od_free(h->sent);
    od_free(h);
}

/* NULL, and the rule is broken, when nobody sent it. */
static struct sent *row(struct history *h, uint64_t number)
{
    if (number < NUMBER_BASE || number - NUMBER_BASE >= h->sent_count) {
        tell(h, "invented: %llu was never sent", (unsigned long long)number);
        return NULL;
    }
    return &h->sent[number - NUMBER_BASE];
}

static uint64_t *cell(struct offset_table *t, int64_t offset)
{
    if (offset >= t->capacity) {
        int64_t capacity = (offset + 1) * 2;

        t->numbers = od_realloc(t->numbers, sizeof(uint64_t) * (size_t)capacity);
        memset(t->numbers + t->capacity, 0, sizeof(uint64_t) * (size_t)(capacity - t->capacity));
        t->capacity = capacity;
    }
    if (offset >= t->count)
        t->count = offset + 1;
    return &t->numbers[offset];
}

uint64_t history_sent(struct history *h, int client, int connection, int partition, int acks)
{
    if (h->sent_count == h->sent_capacity) {
        h->sent_capacity = h->sent_capacity ? h->sent_capacity * 2 : 1024;
        h->sent = od_realloc(h->sent, sizeof(*h->sent) * h->sent_capacity);
    }
    h->sent[h->sent_count++] = (struct sent){ .client = client, .connection = connection,
                                              .partition = partition, .acks = acks,
                                              .offset = -1, .power_cuts = h->power_cuts };
    return NUMBER_BASE + h->sent_count - 1;
}

static void place(const struct history *h, struct sent *s, uint64_t number, int64_t offset,
                  const char *how)
{
    if (s->offset >= 0 && s->offset != offset)
        tell(h, "%s: %llu of partition %d is at %lld and at %lld", how,
                    (unsigned long long)number, s->partition, (long long)s->offset,
                    (long long)offset);
    s->offset = offset;
}

/* Only what will stay is entered by offset: another value there is then a contradiction. */
static void settle(struct history *h, int partition, uint64_t number, int64_t offset)
{
    uint64_t *at = cell(&h->seen[partition], offset);

    if (*at != 0 && *at != number)
        tell(h, "inconsistent-offsets: partition %d offset %lld held %llu and %llu",
                    partition, (long long)offset, (unsigned long long)*at,
                    (unsigned long long)number);
    *at = number;
}

void history_ended(struct history *h, uint64_t number, enum history_end end, int64_t offset)
{
    struct sent *s = row(h, number);

    if (!s)
        return;
    h->ended++;
    if (end == HISTORY_REFUSED) {
        if (s->offset >= 0)
            tell(h, "aborted-read: %llu was read at %lld and then refused",
                        (unsigned long long)number, (long long)s->offset);
        s->refused = true;
        return;
    }
    h->acked++;
    s->acked = s->power_cuts == h->power_cuts; /* the answer may come after the cut */
    place(h, s, number, offset, "inconsistent-offsets");
    if (s->acks == -1) {
        s->firm = true;
        settle(h, s->partition, number, offset);
    }
}

void history_crashed(struct history *h, enum history_crash how)
{
    if (how == HISTORY_CRASH_KILL)
        return;
    h->power_cuts++;
    /* What only the leader's memory promised is unknown from now on. */
    for (uint64_t i = 0; i < h->sent_count; i++)
        if (!h->sent[i].firm)
            h->sent[i].acked = false;
}

void history_read(struct history *h, int partition, int64_t offset, uint64_t number,
                  int64_t high_watermark)
{
    struct sent *s = row(h, number);
    uint64_t *final;

    if (!s)
        return;
    h->reads++;
    if (s->partition != partition)
        tell(h, "invented: %llu was sent to partition %d and read from %d",
                    (unsigned long long)number, s->partition, partition);
    if (s->refused)
        tell(h, "aborted-read: %llu was refused and is at offset %lld of partition %d",
                    (unsigned long long)number, (long long)offset, partition);
    if (high_watermark >= 0 && offset >= high_watermark)
        tell(h, "beyond-watermark: offset %lld of partition %d, high watermark %lld",
                    (long long)offset, partition, (long long)high_watermark);
    place(h, s, number, offset, s->acked ? "inconsistent-offsets" : "duplicate");
    s->firm = true; /* once seen, for ever */
    settle(h, s->partition, number, offset);
    if (!h->finishing)
        return;
    final = cell(&h->final[partition], offset);
    if (*final != 0)
        tell(h, "duplicate: offset %lld of partition %d came twice in the final read",
                    (long long)offset, partition);
    *final = number;
    s->in_final = true;
}

void history_marked(struct history *h, int client, int partition, enum history_mark mark,
                    int64_t value)
{
    static const char *const names[] = { "high watermark", "latest offset", "earliest offset" };
    int64_t *last = &h->marks[(client * h->partitions + partition) * HISTORY_MARKS + (int)mark];

    if (value < *last)
        tell(h, "unstable-mark: %s of partition %d went from %lld to %lld for client %d",
                    names[mark], partition, (long long)*last, (long long)value, client);
    *last = value;
}

void history_polled(struct history *h, int partition, int64_t expected, int64_t got)
{
    if (expected != got)
        tell(h, "poll-skip: partition %d, expected offset %lld, got %lld", partition,
                    (long long)expected, (long long)got);
}

void history_final_begin(struct history *h)
{
    h->finishing = true;
}

/* Sends of one connection to one partition lie in the order in which they were sent. */
static void check_order(struct history *h)
{
    int64_t *last = od_alloc(sizeof(*last) * (size_t)(h->clients * h->partitions));
    int *connection = od_zalloc(sizeof(*connection) * (size_t)(h->clients * h->partitions));

    for (uint64_t i = 0; i < h->sent_count; i++) {
        const struct sent *s = &h->sent[i];
        int at = s->client * h->partitions + s->partition;

        if (!s->in_final)
            continue;
        if (connection[at] == s->connection && s->offset < last[at])
            tell(h, "nonmonotonic-send: %llu of client %d lies at %lld, before %lld",
                        (unsigned long long)(NUMBER_BASE + i), s->client, (long long)s->offset,
                        (long long)last[at]);
        connection[at] = s->connection;
        last[at] = s->offset;
    }
    od_free(last);
    od_free(connection);
}

void history_final_end(struct history *h)
{
    for (int p = 0; p < h->partitions; p++) {
        for (int64_t o = 0; o < h->final[p].count; o++)
            if (h->final[p].numbers[o] == 0)
                tell(h, "poll-skip: the final read of partition %d has no offset %lld", p,
                            (long long)o);
        for (int64_t o = h->final[p].count; o < h->seen[p].count; o++)
            if (h->seen[p].numbers[o] != 0)
                tell(h, "lost-write: %llu at offset %lld of partition %d, which ends at %lld",
                            (unsigned long long)h->seen[p].numbers[o], (long long)o, p,
                            (long long)h->final[p].count);
    }
    for (uint64_t i = 0; i < h->sent_count; i++) {
        const struct sent *s = &h->sent[i];

        if ((s->acked || s->firm) && s->acks != 0 && !s->in_final)
            tell(h, "lost-write: %llu, acks %d, offset %lld of partition %d",
                        (unsigned long long)(NUMBER_BASE + i), s->acks, (long long)s->offset,
                        s->partition);
    }
    check_order(h);
}

int64_t history_settled(const struct history *h, int partition)
{
    return h->seen[partition].count;
}

uint64_t history_operations(const struct history *h)
{
    return h->ended + h->reads;
}

uint64_t history_acked(const struct history *h)
{
    return h->acked;
}
