/* SPDX-License-Identifier: Apache-2.0 */
/* The listing of a log's segments by the time of their last change. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { BATCHES = 25 }; /* ten to a segment: 0, 10, 20 */

static char path[256];

static void set_modified(int64_t base, int64_t ms)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 } };
    char name[512];

    snprintf(name, sizeof(name), "%s/events-0/%020lld.log", path, (long long)base);
    CHECK_EQ(utimensat(AT_FDCWD, name, times, 0), 0);
}

TEST(segments_are_listed_in_order_with_the_time_of_their_last_change)
{
    struct od_plog_config config = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog_retention r = { 1 << 30, 1, -1, 10 };
    struct od_plog_listing l;
    struct od_plog_trash trash;
    struct od_storage *s;
    struct od_plog *p;

    config.segment_bytes = 1000;
    snprintf(path, sizeof(path), "%s/list", test_dir());
    CHECK_OK(store_open(path, &s));
    CHECK_OK(log_open(s, &config, &p));
    od_plog_list(p, &l);
    CHECK_EQ(l.n, 1);
    CHECK(!l.has_bytes);
    CHECK_OK(od_plog_listing_run(&l));
    CHECK(l.segments[0].modified_ms > 0); /* of the directory: there is no file yet */
    od_plog_listing_release(&l);

    for (int i = 0; i < BATCHES; i++)
        CHECK_OK(append_one(p, 1, 0, 1000, 100 - OD_BATCH_HEAD_BYTES));
    CHECK_OK(flush_now(p));
    od_plog_set_start_offset(p, 3);
    set_modified(0, 5001);
    set_modified(10, 7002);
    set_modified(20, 9003);
    od_plog_list(p, &l);
    CHECK_EQ(l.n, 3);
    CHECK(l.has_bytes);
    CHECK_EQ(l.start_offset, 3);
    CHECK_EQ(l.end_offset, BATCHES);
    CHECK_OK(od_plog_listing_run(&l));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(l.segments[i].base_offset, i * 10);
        CHECK_EQ(l.segments[i].modified_ms, 5001 + i * 2001);
    }
    CHECK(od_plog_retain(p, &r, &trash));
    CHECK_OK(od_plog_trash_run(&trash));
    CHECK_OK(od_plog_listing_run(&l)); /* what was deleted meanwhile is left out */
    CHECK_EQ(l.segments[0].modified_ms, -1);
    CHECK_EQ(l.segments[1].modified_ms, 7002);
    od_plog_listing_release(&l);
    od_storage_abandon(s);
}
