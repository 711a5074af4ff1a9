/* SPDX-License-Identifier: Apache-2.0 */
/* The checker's own test: each anomaly is found, and a sound history passes. */
#include "batches.h"
#include "history.h"
#include "os/sim/sim.h"
#include "self.h"

#include <string.h>

static char verdict[256];

static void remember(const char *text)
{
    if (!verdict[0])
        snprintf(verdict, sizeof(verdict), "%s", text);
}

static struct history *fresh(void)
{
    verdict[0] = '\0';
    return history_new(2, 2, remember);
}

static void expect(struct history *h, const char *rule)
{
    if (strncmp(verdict, rule, strlen(rule)) != 0 || (!*rule && verdict[0]))
        od_sim_fail("the checker says \"%s\", expected \"%s\"", verdict, rule);
    history_free(h);
}

static uint64_t acked(struct history *h, int64_t offset, int acks)
{
    uint64_t number = history_sent(h, 0, 1, 0, acks);

    history_ended(h, number, HISTORY_ACKED, offset);
    return number;
}

static void finish(struct history *h, const uint64_t *numbers, int n)
{
    history_final_begin(h);
    for (int i = 0; i < n; i++)
        history_read(h, 0, i, numbers[i], -1);
    history_final_end(h);
}

static void sound_histories_pass(void)
{
    struct history *h = fresh();
    uint64_t numbers[2];

    numbers[0] = acked(h, 0, -1);
    (void)acked(h, 1, 1); /* taken by the power cut; its offset is given again */
    (void)history_sent(h, 0, 1, 0, -1);
    history_crashed(h, HISTORY_CRASH_POWER);
    numbers[1] = acked(h, 1, -1);
    history_read(h, 0, 0, numbers[0], 2);
    history_marked(h, 1, 0, HISTORY_LATEST, 2);
    history_marked(h, 1, 0, HISTORY_LATEST, 2);
    history_polled(h, 0, 1, 1);
    finish(h, numbers, 2);
    expect(h, "");
}

static void losses_are_found(void)
{
    struct history *h = fresh();
    uint64_t numbers[2];

    numbers[0] = acked(h, 0, -1);
    (void)acked(h, 1, -1);
    finish(h, numbers, 1);
    expect(h, "lost-write");

    h = fresh();
    numbers[0] = acked(h, 0, 1);
    history_crashed(h, HISTORY_CRASH_KILL);
    finish(h, numbers, 0);
    expect(h, "lost-write");

    h = fresh();
    numbers[0] = history_sent(h, 0, 1, 0, 0);
    history_read(h, 0, 0, numbers[0], 1);
    history_crashed(h, HISTORY_CRASH_POWER);
    finish(h, numbers, 0);
    expect(h, "lost-write");
}

static void contradictions_are_found(void)
{
    struct history *h = fresh();
    uint64_t number;

    (void)acked(h, 0, -1);
    (void)acked(h, 0, -1);
    expect(h, "inconsistent-offsets");

    h = fresh();
    number = acked(h, 0, -1);
    history_read(h, 0, 1, number, 9);
    expect(h, "inconsistent-offsets");

    h = fresh();
    number = history_sent(h, 0, 1, 0, 1);
    history_read(h, 0, 0, number, 9);
    history_read(h, 0, 1, number, 9);
    expect(h, "duplicate");

    h = fresh();
    number = history_sent(h, 0, 1, 0, 1);
    history_ended(h, number, HISTORY_REFUSED, -1);
    history_read(h, 0, 0, number, 9);
    expect(h, "aborted-read");

    h = fresh();
    history_read(h, 0, 0, 12345, 9);
    expect(h, "invented");

    h = fresh();
    history_read(h, 1, 0, history_sent(h, 0, 1, 0, 1), 9);
    expect(h, "invented");
}

static void disorder_is_found(void)
{
    struct history *h = fresh();
    uint64_t numbers[2];

    numbers[1] = history_sent(h, 0, 1, 0, 1);
    numbers[0] = history_sent(h, 0, 1, 0, 1);
    finish(h, numbers, 2);
    expect(h, "nonmonotonic-send");

    h = fresh();
    history_polled(h, 0, 3, 4);
    expect(h, "poll-skip");

    h = fresh();
    history_marked(h, 0, 1, HISTORY_HIGH_WATERMARK, 5);
    history_marked(h, 1, 1, HISTORY_HIGH_WATERMARK, 4);
    history_marked(h, 0, 1, HISTORY_HIGH_WATERMARK, 4);
    expect(h, "unstable-mark");

    h = fresh();
    history_read(h, 0, 5, history_sent(h, 0, 1, 0, 1), 5);
    expect(h, "beyond-watermark");
}

static void count_up(void *arg, int64_t offset, uint64_t number)
{
    int64_t *next = arg;

    OD_SIM_CHECK(offset == *next && number == 500 + (uint64_t)*next);
    (*next)++;
}

static void batches_notice_a_changed_bit(void)
{
    uint8_t data[4096];
    size_t len = batch_build(data, 500, 7, 30, 1763640000000), pos;
    const char *why;
    int64_t next = 0;

    OD_SIM_CHECK(len <= batch_bytes_max(7, 30));
    OD_SIM_CHECK(batch_walk(data, len, count_up, &next, &why) && next == 7);
    next = 0;
    OD_SIM_CHECK(batch_walk(data, len - 1, count_up, &next, &why) && next == 0);
    pos = 17 + (size_t)od_sim_random(len - 17); /* what the checksum covers, and itself */
    data[pos] ^= (uint8_t)(1 << od_sim_random(8));
    OD_SIM_CHECK(!batch_walk(data, len, count_up, &next, &why));
}

void sim_self_history(void)
{
    sound_histories_pass();
    losses_are_found();
    contradictions_are_found();
    disorder_is_found();
    batches_notice_a_changed_bit();
}
