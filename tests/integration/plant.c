/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes transactions into a stopped broker's directory, as one that serves them would leave it:
 * plant DIR TOPIC.  Partition 0 of the topic, which is empty, then holds
 *
 *      0-2 of producer 7001, aborted at 6      3-5 of 7002, committed at 9
 *      7-8 without producer                    10-12 of 7003, undecided      13-14 without producer
 */
#include "base/assert.h"
#include "base/mem.h"
#include "storage/plog.h"
#include "storage/storage.h"
#include "wire/batch.h"

#include <stdio.h>
#include <string.h>

static void append(struct od_plog *p, const uint8_t *data, size_t len)
{
    struct od_batch_header h;
    struct od_plog_batch b = { .data = data, .len = len };
    int done;

    if (od_batch_parse(data, len, &h))
        exit(1);
    b.base_offset = h.base_offset;
    b.last_offset = od_batch_last_offset(&h);
    b.max_timestamp = h.max_timestamp;
    b.leader_epoch = h.leader_epoch;
    if (od_plog_append(p, &b, 1, &done))
        exit(1);
}

static struct od_batch_header header(const struct od_plog *p, int64_t producer_id)
{
    struct od_batch_header h = od_batch_plain(od_plog_end_offset(p), 0);

    if (producer_id < 0)
        return h;
    h.producer_id = producer_id;
    h.producer_epoch = 0;
    h.base_sequence = 0;
    h.attributes = OD_BATCH_TRANSACTIONAL;
    return h;
}

/* Records that say their offset. */
static void write_data(struct od_plog *p, int64_t producer_id, int count)
{
    struct od_batch_header h = header(p, producer_id);
    struct od_batch_builder w;
    uint8_t data[1024];
    char value[32];
    size_t len;

    od_batch_begin(&w, data, sizeof(data), &h);
    for (int i = 0; i < count; i++) {
        int n = snprintf(value, sizeof(value), "record %lld", (long long)h.base_offset + i);

        od_batch_add(&w, 1700000000000, (struct od_bytes){ 0 },
                     (struct od_bytes){ (const uint8_t *)value, (size_t)n }, NULL, 0);
    }
    if (od_batch_end(&w, &len))
        exit(1);
    append(p, data, len);
}

static void end_transaction(struct od_plog *p, int64_t producer_id, bool commit)
{
    uint8_t key[] = { 0, 0, 0, commit }, value[6] = { 0 };
    struct od_batch_header h = header(p, producer_id);
    struct od_batch_builder w;
    uint8_t data[256];
    size_t len;

    h.base_sequence = -1;
    h.attributes |= OD_BATCH_CONTROL;
    od_batch_begin(&w, data, sizeof(data), &h);
    od_batch_add(&w, 1700000000000, (struct od_bytes){ key, sizeof(key) },
                 (struct od_bytes){ value, sizeof(value) }, NULL, 0);
    if (od_batch_end(&w, &len))
        exit(1);
    append(p, data, len);
}

static void plant(struct od_plog *p)
{
    write_data(p, 7001, 3);
    write_data(p, 7002, 3);
    end_transaction(p, 7001, false);
    write_data(p, -1, 2);
    end_transaction(p, 7002, true);
    write_data(p, 7003, 3);
    write_data(p, -1, 2);
    od_plog_set_high_watermark(p, od_plog_end_offset(p));
}

int main(int argc, char **argv)
{
    struct od_storage_options options = { .path = argc > 1 ? argv[1] : "", .node_id = -1 };
    struct od_plog_config config = OD_PLOG_CONFIG_DEFAULT;
    struct od_storage_partition found;
    struct od_storage *s;
    struct od_plog *p = NULL;
    size_t cursor = 0;

    if (argc != 3 || od_storage_open(&options, &s))
        return 1;
    while (!p && od_storage_next(s, &cursor, &found))
        if (od_str_is(found.topic, argv[2]) &&
            od_plog_open(s, found.topic, found.partition, found.topic_id, &config, false, &p))
            return 1;
    if (!p || od_plog_end_offset(p) != 0)
        return 1;
    plant(p);
    od_plog_close(p);
    return od_storage_close(s, od_storage_last_broker_epoch(s)) ? 1 : 0;
}
