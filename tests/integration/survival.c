/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was acknowledged before a broker went away is there when it comes back.  The claims run in
 * separate processes (TEST_FILTER) and remember through the file that SURVIVAL names: one line per
 * topic with its name, its id and the number of batches acknowledged in each of its partitions.
 */
#include "ask.h"

enum { TOPICS = 3, PARTITIONS = 2, BATCHES = 40, RECORDS = 5 };

struct memory {
    struct topic topic;
    int batches; /* acknowledged in each partition */
};

/* The i-th batch of every partition; its content follows from i. */
static struct batch nth(int i)
{
    struct batch plain = batch_planned(&(struct batch_plan){
        .count = RECORDS, .timestamp = 1000000 + i * 100, .step = 7, .value_bytes = 50 + i * 5 });
    int codec = i % 5;

    return codec ? batch_packed(&plain, (enum od_compress)codec) : plain;
}

static void remember(const struct memory *all)
{
    FILE *f = fopen(getenv("SURVIVAL"), "w");
    char id[OD_UUID_TEXT_LEN + 1];

    CHECK(f);
    for (int i = 0; i < TOPICS; i++) {
        od_uuid_print(all[i].topic.id, id);
        fprintf(f, "%s %s %d\n", all[i].topic.name, id, all[i].batches);
    }
    CHECK_EQ(fclose(f), 0);
}

static void recall(struct memory *all)
{
    FILE *f = fopen(getenv("SURVIVAL"), "r");
    char id[OD_UUID_TEXT_LEN + 1];

    CHECK(f);
    for (int i = 0; i < TOPICS; i++) {
        CHECK_EQ(fscanf(f, "%63s %22s %d", all[i].topic.name, id, &all[i].batches), 3);
        CHECK(od_uuid_parse(od_str_of(id), &all[i].topic.id));
    }
    fclose(f);
}

/* Appends BATCHES more to each partition of each topic. */
static void append_more(struct raw *c, struct memory *all)
{
    for (int i = 0; i < TOPICS; i++) {
        for (int n = all[i].batches; n < all[i].batches + BATCHES; n++) {
            struct batch b = nth(n);

            for (int32_t p = 0; p < PARTITIONS; p++) {
                struct od_produce_rsp_partition out = ask_produce(c, &all[i].topic, p, &b);

                CHECK_EQ(out.error_code, OD_NONE);
                CHECK_EQ(out.base_offset, n * RECORDS);
            }
        }
        all[i].batches += BATCHES;
    }
}

/* Every batch is there, byte for byte but for the epoch it was appended under. */
static void compare(struct raw *c, const struct topic *t, int32_t partition, int batches)
{
    struct fetch_plan plan = fetch_at(0);
    int n = 0;

    plan.partition = partition;
    while (n < batches) {
        struct od_records records;
        const uint8_t *p;

        plan.offset = n * RECORDS;
        records = ask_fetch(c, t, &plan).records;
        CHECK(records.len > 0);
        for (p = records.data; p < records.data + records.len; n++) {
            struct od_records one = { .data = p, .len = records.data + records.len - p };
            struct batch b = nth(n);
            struct od_batch_header h;

            CHECK_OK(od_batch_parse(p, (size_t)one.len, &h));
            one.len = (int64_t)od_batch_bytes(&h);
            CHECK(batch_is(one, &b, n * RECORDS, h.leader_epoch));
            p += one.len;
        }
    }
    CHECK_EQ(n, batches);
}

/* Everything remembered is there under the same ids; *epoch is the leaders'. */
static void all_there(struct raw *c, const struct memory *all, int32_t *epoch)
{
    for (int i = 0; i < TOPICS; i++) {
        struct od_metadata_rsp_topic known;

        CHECK(ask_topic(c, all[i].topic.name, &known));
        CHECK(od_uuid_eq(known.topic_id, all[i].topic.id));
        CHECK_EQ(known.partitions.n, PARTITIONS);
        *epoch = known.partitions.v[0].leader_epoch;
        for (int32_t p = 0; p < PARTITIONS; p++) {
            CHECK_EQ(ask_offset(c, 0, &all[i].topic, p, -1).offset, all[i].batches * RECORDS);
            CHECK_EQ(ask_offset(c, 0, &all[i].topic, p, -2).offset, 0);
            compare(c, &all[i].topic, p, all[i].batches);
        }
    }
}

TEST(before_batches_are_acknowledged)
{
    struct raw *c = raw_open();
    struct memory all[TOPICS];

    for (int i = 0; i < TOPICS; i++)
        all[i] = (struct memory){ .topic = ask_create(c, "survivor", PARTITIONS, NULL) };
    append_more(c, all);
    remember(all);
    raw_close(c);
}

TEST(stopped_topics_ends_and_epochs_are_as_they_were)
{
    struct raw *c = raw_open();
    struct memory all[TOPICS];
    int32_t epoch;

    recall(all);
    all_there(c, all, &epoch);
    CHECK_EQ(epoch, 0);
    append_more(c, all);
    remember(all);
    raw_close(c);
}

TEST(killed_everything_acknowledged_is_there_under_a_new_epoch)
{
    struct raw *c = raw_open();
    struct memory all[TOPICS];
    struct fetch_plan plan = fetch_at(1000000);
    int32_t epoch;

    recall(all);
    all_there(c, all, &epoch);
    CHECK(epoch > 0);
    plan.epoch = epoch - 1; /* judged before the offset */
    CHECK_EQ(ask_fetch(c, &all[0].topic, &plan).error_code, OD_FENCED_LEADER_EPOCH);
    plan.epoch = epoch + 1;
    CHECK_EQ(ask_fetch(c, &all[0].topic, &plan).error_code, OD_UNKNOWN_LEADER_EPOCH);
    plan.epoch = epoch;
    CHECK_EQ(ask_fetch(c, &all[0].topic, &plan).error_code, OD_OFFSET_OUT_OF_RANGE);
    append_more(c, all);
    all_there(c, all, &epoch);
    raw_close(c);
}

/* --- what producers did ---------------------------------------------------------------------- */

enum { PRODUCER = 4242 };

/* The topic it writes to; made, and its name put beside what is remembered, when missing. */
static struct topic windows(struct raw *c, bool make)
{
    struct topic t = { .id = OD_UUID_ZERO };
    struct od_metadata_rsp_topic known;
    char path[300];
    FILE *f;

    snprintf(path, sizeof(path), "%s.windows", getenv("SURVIVAL"));
    f = fopen(path, make ? "w" : "r");
    CHECK(f);
    if (make) {
        t = ask_create(c, "windows", 1, NULL);
        fprintf(f, "%s\n", t.name);
    } else {
        CHECK_EQ(fscanf(f, "%63s", t.name), 1);
        CHECK(ask_topic(c, t.name, &known));
        t.id = known.topic_id;
    }
    fclose(f);
    return t;
}

static struct od_produce_rsp_partition send(struct raw *c, const struct topic *t, int32_t sequence)
{
    struct batch plain = batch_of(1), b = batch_of_producer(&plain, PRODUCER, 0, sequence);

    return ask_produce(c, t, 0, &b);
}

/* Each of the last five is known by its offset, and the next one follows. */
static void last_five_are_known(struct raw *c)
{
    struct topic t = windows(c, false);
    int64_t end = ask_end(c, &t);

    for (int64_t i = end - 5; i < end; i++) {
        struct od_produce_rsp_partition out = send(c, &t, (int32_t)i);

        CHECK_EQ(out.error_code, OD_NONE);
        CHECK_EQ(out.base_offset, i);
    }
    CHECK_EQ(ask_end(c, &t), end);
    CHECK_EQ(send(c, &t, (int32_t)end + 1).error_code, OD_OUT_OF_ORDER_SEQUENCE_NUMBER);
    CHECK_EQ(send(c, &t, (int32_t)end).base_offset, end);
}

TEST(before_an_idempotent_producer_writes)
{
    struct raw *c = raw_open();
    struct topic t = windows(c, true);

    for (int i = 0; i < 7; i++)
        CHECK_EQ(send(c, &t, i).base_offset, i);
    raw_close(c);
}

TEST(stopped_its_last_five_batches_are_known)
{
    struct raw *c = raw_open();

    last_five_are_known(c);
    raw_close(c);
}

TEST(killed_its_last_five_batches_are_known)
{
    struct raw *c = raw_open();

    last_five_are_known(c);
    raw_close(c);
}
