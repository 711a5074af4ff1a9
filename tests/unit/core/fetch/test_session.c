/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch sessions: who gets one, what an incremental answer names, in which order. */
#include "core/fetch/session.h"
#include "test.h"

enum { SLOTS = 2 };

static struct od_budget budget;
static struct od_fetch_cache cache;
static int dropped;

static void drop(struct od_fetch_cursor *c)
{
    (void)c;
    dropped++;
}

static void open_cache(uint32_t shard, uint32_t shards)
{
    struct od_fetch_config config = { .slots = SLOTS, .shard = shard, .shards = shards, .seed = 7,
                                      .budget = &budget, .drop = drop };

    od_budget_init(&budget, 1 << 20);
    dropped = 0;
    od_fetch_cache_init(&cache, &config);
}

/* Whatever a test did, all memory comes back. */
static void close_cache(void)
{
    od_fetch_cache_deinit(&cache);
    CHECK_EQ(budget.used_bytes, 0);
}

static struct od_fetch_key key(int topic, int32_t partition)
{
    return (struct od_fetch_key){ .topic_id = { { (uint8_t)topic } }, .partition = partition };
}

static struct od_fetch_session *begin(int32_t id, int32_t epoch)
{
    struct od_fetch_start start = { .session_id = id, .epoch = epoch, .by_id = true };
    struct od_fetch_session *s;

    CHECK_OK(od_fetch_begin(&cache, &start, &s));
    return s;
}

static enum od_err refused(int32_t id, int32_t epoch, bool by_id)
{
    struct od_fetch_start start = { .session_id = id, .epoch = epoch, .by_id = by_id };
    struct od_fetch_session *s;

    return od_fetch_begin(&cache, &start, &s);
}

static void want(struct od_fetch_session *s, int topic, int32_t partition, int64_t offset)
{
    struct od_fetch_params p = { .fetch_offset = offset, .max_bytes = 1000,
                                 .current_leader_epoch = -1, .last_fetched_epoch = -1 };
    struct od_fetch_key k = key(topic, partition);

    CHECK_OK(od_fetch_want(s, &k, &p));
}

/* Serves all that is ready with this result; the partitions named, as decimal digits in order. */
static int serve(struct od_fetch_session *s, struct od_fetch_result r)
{
    struct od_fetch_cursor *c;
    int named = 0;

    od_fetch_round(s);
    while ((c = od_fetch_next(s)) != NULL)
        if (od_fetch_put(s, c, &r))
            named = named * 10 + c->key.partition;
    return named;
}

/* A session of partitions 1 to n of topic 1, told that all marks are 5. */
static int32_t open_session(int n, bool follower, int64_t now_ms)
{
    struct od_fetch_start start = { .by_id = true, .follower = follower, .now_ms = now_ms };
    struct od_fetch_session *s;
    int32_t id;

    CHECK_OK(od_fetch_begin(&cache, &start, &s));
    for (int i = 1; i <= n; i++)
        want(s, 1, i, 5);
    id = od_fetch_admit(s, now_ms, (uint32_t)(n * 1000 + now_ms));
    (void)serve(s, (struct od_fetch_result){ .high_watermark = 5 });
    od_fetch_end(s);
    return id;
}

static struct od_fetch_cursor *cursor(struct od_fetch_session *s, int32_t partition)
{
    struct {
        uint32_t topic;
        int32_t partition;
    } k = { 0, partition };

    return od_map_get(&s->cursors, &k, sizeof(k));
}

TEST(a_full_answer_names_every_partition)
{
    struct od_fetch_session *s;

    open_cache(0, 1);
    s = begin(0, 0);
    want(s, 1, 3, 0);
    want(s, 1, 1, 0);
    want(s, 1, 3, 9); /* named twice: the last one counts, in the first one's place */
    CHECK(od_fetch_admit(s, 0, 1) != 0);
    CHECK_EQ(cursor(s, 3)->want.fetch_offset, 9);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = -1, .log_start = -1 }), 31);
    od_fetch_end(s);
    close_cache();
}

TEST(an_unchanged_partition_is_left_out)
{
    struct od_fetch_session *s;
    int32_t id;

    open_cache(0, 1);
    id = open_session(3, false, 0);
    s = begin(id, 1);
    CHECK_EQ(od_fetch_admit(s, 0, 0), id);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 6 }), 0); /* none is ready */
    want(s, 1, 2, 5);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 5 }), 0);
    od_fetch_mark(s, cursor(s, 2), 0, false);
    od_fetch_mark(s, cursor(s, 1), 0, false);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 6 }), 21);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 7 }), 0); /* told once */
    od_fetch_end(s);
    close_cache();
}

TEST(each_kind_of_news_names_the_partition)
{
    static const struct od_fetch_result news[] = {
        { .high_watermark = 5, .records_bytes = 1 },
        { .high_watermark = 4 },
        { .high_watermark = 5, .log_start = 1 },
        { .high_watermark = 5, .preferred = true },
        { .high_watermark = 5, .diverging = true },
        { .high_watermark = 5, .err = OD_NOT_LEADER_OR_FOLLOWER },
    };

    for (size_t i = 0; i < OD_COUNT(news); i++) {
        struct od_fetch_session *s;

        open_cache(0, 1);
        s = begin(open_session(1, false, 0), 1);
        od_fetch_mark(s, cursor(s, 1), 0, false);
        CHECK_EQ(serve(s, news[i]), 1);
        od_fetch_end(s);
        close_cache();
    }
}

TEST(after_an_error_the_partition_is_named_again)
{
    struct od_fetch_session *s;
    struct od_fetch_result well = { .high_watermark = 5 }, ill = well;

    open_cache(0, 1);
    s = begin(open_session(1, false, 0), 1);
    ill.err = OD_KAFKA_STORAGE_ERROR;
    od_fetch_mark(s, cursor(s, 1), 0, true);
    CHECK_EQ(serve(s, ill), 1);
    CHECK_EQ(serve(s, ill), 1); /* for as long as it lasts */
    CHECK_EQ(serve(s, well), 1);
    CHECK_EQ(serve(s, well), 0);
    od_fetch_end(s);
    close_cache();
}

TEST(what_got_records_goes_to_the_end_and_what_was_not_reached_comes_first)
{
    struct od_fetch_session *s;
    struct od_fetch_result some = { .high_watermark = 9, .records_bytes = 10 };
    int32_t id;

    open_cache(0, 1);
    id = open_session(3, false, 0);
    s = begin(id, 1);
    for (int i = 1; i <= 3; i++)
        od_fetch_mark(s, cursor(s, i), 100, false);
    od_fetch_round(s);
    CHECK_EQ(od_fetch_next(s)->key.partition, 1);
    CHECK(od_fetch_put(s, od_fetch_next(s), &some));
    od_fetch_end(s); /* the answer is full */
    s = begin(id, 2);
    CHECK_EQ(serve(s, some), 231);
    od_fetch_end(s);
    close_cache();
}

TEST(min_bytes_counts_up_to_each_partitions_limit)
{
    struct od_fetch_session *s;

    open_cache(0, 1);
    s = begin(open_session(2, false, 0), 1);
    CHECK(od_fetch_due(s, 0));
    CHECK(!od_fetch_due(s, 1));
    od_fetch_mark(s, cursor(s, 1), 5000, false); /* limit 1000 */
    od_fetch_mark(s, cursor(s, 2), 10, false);
    CHECK(od_fetch_due(s, 1010));
    CHECK(!od_fetch_due(s, 1011));
    od_fetch_mark(s, cursor(s, 2), 11, false); /* instead of 10 */
    CHECK(od_fetch_due(s, 1011));
    CHECK(!od_fetch_due(s, 1012));
    od_fetch_mark(s, cursor(s, 2), 0, true);
    CHECK(od_fetch_due(s, INT32_MAX));
    od_fetch_mark(s, cursor(s, 2), 0, false);
    CHECK(!od_fetch_due(s, 1001));
    od_fetch_end(s);
    close_cache();
}

TEST(a_forgotten_partition_is_gone_with_its_watch)
{
    struct od_fetch_session *s;
    struct od_fetch_key gone = key(1, 2), unknown = key(2, 2);
    int32_t id;

    open_cache(0, 1);
    id = open_session(2, false, 0);
    s = begin(id, 1);
    cursor(s, 2)->watch = &budget;
    od_fetch_mark(s, cursor(s, 2), 500, true);
    od_fetch_forget(s, &gone);
    od_fetch_forget(s, &gone);
    od_fetch_forget(s, &unknown);
    CHECK_EQ(dropped, 1);
    CHECK(!od_fetch_due(s, 1));
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 9 }), 0);
    want(s, 1, 2, 5); /* and anew */
    CHECK_EQ(od_fetch_admit(s, 0, 0), id);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 5 }), 2);
    od_fetch_end(s);
    close_cache();
}

TEST(a_session_without_partitions_ends)
{
    struct od_fetch_session *s;
    struct od_fetch_key only = key(1, 1);
    int32_t id;

    open_cache(0, 1);
    id = open_session(1, false, 0);
    s = begin(id, 1);
    od_fetch_forget(s, &only);
    CHECK_EQ(od_fetch_admit(s, 0, 0), 0);
    CHECK(od_fetch_due(s, INT32_MAX));
    od_fetch_end(s);
    CHECK_EQ(refused(id, 2, true), OD_FETCH_SESSION_ID_NOT_FOUND);
    s = begin(0, 0);
    CHECK_EQ(od_fetch_admit(s, 0, 0), 0);
    od_fetch_end(s);
    close_cache();
}

TEST(epochs_follow_one_another)
{
    int32_t id;

    open_cache(0, 1);
    id = open_session(1, false, 0);
    CHECK_EQ(refused(id, 2, true), OD_INVALID_FETCH_SESSION_EPOCH);
    CHECK_EQ(refused(id, -2, true), OD_INVALID_FETCH_SESSION_EPOCH);
    CHECK_EQ(refused(id + 1, 1, true), OD_FETCH_SESSION_ID_NOT_FOUND);
    CHECK_EQ(refused(0, 1, true), OD_FETCH_SESSION_ID_NOT_FOUND);
    CHECK_EQ(refused(id, 1, false), OD_FETCH_SESSION_TOPIC_ID_ERROR);
    od_fetch_end(begin(id, 1));
    CHECK_EQ(refused(id, 1, true), OD_INVALID_FETCH_SESSION_EPOCH); /* a repeated request */
    struct od_fetch_session *s = begin(id, 2);

    CHECK_EQ(refused(id, 3, true), OD_INVALID_FETCH_SESSION_EPOCH); /* one request at a time */
    s->epoch = INT32_MAX;
    od_fetch_end(s);
    od_fetch_end(begin(id, INT32_MAX));
    od_fetch_end(begin(id, 1)); /* 0 is skipped */
    close_cache();
}

TEST(full_requests_replace_or_close_the_session_they_name)
{
    struct od_fetch_session *s;
    int32_t id;

    open_cache(0, 1);
    id = open_session(1, false, 0);
    s = begin(id, -1);
    want(s, 1, 1, 0);
    CHECK_EQ(od_fetch_admit(s, 0, 5), 0);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 5 }), 1);
    od_fetch_end(s);
    CHECK_EQ(cache.count, 0);
    id = open_session(1, false, 0);
    s = begin(id, 0);
    CHECK_EQ(cache.count, 0);
    want(s, 1, 1, 0);
    CHECK(od_fetch_admit(s, 0, 5) != 0);
    od_fetch_end(s);
    close_cache();
}

TEST(a_full_cache_gives_up_only_the_less_valuable)
{
    int32_t small, big;

    open_cache(0, 1);
    small = open_session(1, false, 0);
    big = open_session(3, false, 0);
    CHECK_EQ(open_session(4, false, 120000), 0); /* both are young */
    CHECK(open_session(2, true, 120000) != 0);   /* a follower may, and takes the smallest */
    CHECK_EQ(refused(small, 1, true), OD_FETCH_SESSION_ID_NOT_FOUND);
    od_fetch_end(begin(big, 1));
    CHECK_EQ(cache.evictions, 1);
    close_cache();
}

TEST(after_two_minutes_unused_anyone_may_take_the_place)
{
    open_cache(0, 1);
    CHECK(open_session(3, true, 0) != 0);
    CHECK(open_session(3, true, 0) != 0);
    CHECK_EQ(open_session(1, false, 120000), 0);
    CHECK(open_session(1, false, 120001) != 0);
    close_cache();
}

TEST(among_consumers_more_partitions_win_after_two_minutes)
{
    struct od_fetch_session *s;
    int32_t used, other;

    open_cache(0, 1);
    used = open_session(2, false, 0);
    other = open_session(2, false, 0);
    for (int i = 0; i < 2; i++) { /* both in use, so not stale */
        s = begin(i ? other : used, 1);
        CHECK(od_fetch_admit(s, 100000, 0) != 0);
        od_fetch_end(s);
    }
    CHECK_EQ(open_session(3, false, 120000), 0);
    CHECK_EQ(open_session(1, false, 120001), 0);
    CHECK(open_session(3, false, 120001) != 0);
    close_cache();
}

TEST(a_session_evicted_in_use_lives_to_the_end_of_its_request)
{
    struct od_fetch_session *s;
    int32_t id;

    open_cache(0, 1);
    id = open_session(1, false, 0);
    CHECK(open_session(2, false, 0) != 0);
    s = begin(id, 1);
    cursor(s, 1)->watch = &budget;
    CHECK(open_session(2, true, 0) != 0);
    CHECK_EQ(dropped, 0);
    od_fetch_mark(s, cursor(s, 1), 1, false);
    CHECK_EQ(serve(s, (struct od_fetch_result){ .high_watermark = 6 }), 1);
    od_fetch_end(s);
    CHECK_EQ(dropped, 1);
    close_cache();
}

TEST(ids_are_positive_unused_and_of_the_shard)
{
    static const uint32_t randoms[] = { 0, 0, UINT32_MAX, INT32_MAX };

    for (uint32_t shard = 0; shard < 3; shard++)
        for (size_t i = 0; i + 1 < OD_COUNT(randoms); i++) {
            struct od_fetch_session *a, *b;
            int32_t first, second;

            open_cache(shard, 3);
            a = begin(0, 0);
            want(a, 1, 1, 0);
            b = begin(0, 0);
            want(b, 1, 1, 0);
            first = od_fetch_admit(a, 0, randoms[i]);
            second = od_fetch_admit(b, 0, randoms[i + 1]);
            CHECK(first > 0 && second > 0 && first != second);
            CHECK_EQ(first % 3, shard);
            CHECK_EQ(second % 3, shard);
            od_fetch_end(a);
            od_fetch_end(b);
            close_cache();
        }
}

TEST(topics_by_name_are_copied_and_kept_apart)
{
    struct od_fetch_start start = { 0 };
    struct od_fetch_params p = { .max_bytes = 10 };
    struct od_fetch_session *s;
    char name[] = "ab";
    struct od_fetch_key k = { .topic = { name, 2 }, .partition = 1 };

    open_cache(0, 1);
    CHECK_OK(od_fetch_begin(&cache, &start, &s));
    CHECK_OK(od_fetch_want(s, &k, &p));
    name[0] = 'x';
    CHECK_OK(od_fetch_want(s, &k, &p));
    CHECK_EQ(s->cursors.count, 2);
    od_fetch_round(s);
    CHECK(od_str_is(od_fetch_next(s)->topic->name, "ab"));
    od_fetch_end(s);
    close_cache();
}

TEST(a_thousand_partitions_come_and_go)
{
    struct od_fetch_session *s;

    open_cache(0, 1);
    s = begin(0, 0);
    for (int i = 0; i < 1000; i++)
        want(s, 1 + i % 7, i, i);
    CHECK_EQ(s->cursors.count, 1000);
    for (int i = 0; i < 1000; i += 2) {
        struct od_fetch_key k = key(1 + i % 7, i);

        od_fetch_forget(s, &k);
    }
    CHECK_EQ(s->cursors.count, 500);
    for (int i = 0; i < 1000; i++)
        want(s, 1 + i % 7, i, i);
    CHECK_EQ(s->cursors.count, 1000);
    od_fetch_end(s);
    close_cache();
}

TEST(without_memory_it_refuses_and_leaves_nothing)
{
    struct od_fetch_session *s;
    struct od_fetch_params p = { 0 };
    struct od_fetch_key k = key(1, 1);

    open_cache(0, 1);
    s = begin(0, 0);
    budget.limit_bytes = budget.used_bytes + (int64_t)sizeof(struct od_fetch_topic);
    CHECK_EQ(od_fetch_want(s, &k, &p), OD_E_NO_MEMORY); /* a topic, but no cursor */
    CHECK_EQ(s->topics.count, 0);
    budget.limit_bytes = budget.used_bytes;
    CHECK_EQ(od_fetch_want(s, &k, &p), OD_E_NO_MEMORY);
    CHECK_EQ(refused(0, 0, true), OD_E_NO_MEMORY);
    od_fetch_close(s);
    od_fetch_end(s);
    close_cache();
}
