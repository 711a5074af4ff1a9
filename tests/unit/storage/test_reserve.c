/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk: what goes on with the help of the reserve, what is refused, and until when. */
#include "fixture.h"
#include "storage/reserve.h"

enum { RESERVE_BYTES = 1 << 20 };

enum od_err __real_od_file_write(struct od_file *f, const struct od_span *spans, int n, int64_t pos,
                                 size_t *put);
enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n, int64_t pos,
                                 size_t *put);
enum od_err __real_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __wrap_od_file_preallocate(struct od_file *f, int64_t len);
enum od_err __wrap_od_dir_space(const char *path, int64_t *free_bytes, int64_t *total_bytes);

/* A disk that others fill.  Cutting a file to nothing makes room while something is kept back. */
static struct {
    bool full;
    bool kept; /* something is preallocated */
    int writes;
    int64_t free_bytes;
    struct od_reserve *spent_meanwhile; /* by another thread, during the next preallocation */
} disk;

enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n, int64_t pos,
                                 size_t *put)
{
    disk.writes++;
    if (!disk.full)
        return __real_od_file_write(f, spans, n, pos, put);
    *put = 0;
    return OD_E_NO_SPACE;
}

enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len)
{
    if (len == 0 && disk.kept)
        disk.full = disk.kept = false;
    return __real_od_file_truncate(f, len);
}

enum od_err __wrap_od_file_preallocate(struct od_file *f, int64_t len)
{
    (void)f;
    if (len < RESERVE_BYTES)
        return OD_NONE;
    if (disk.full)
        return OD_E_NO_SPACE;
    disk.kept = true;
    if (disk.spent_meanwhile)
        (void)od_reserve_spend(disk.spent_meanwhile);
    return OD_NONE;
}

enum od_err __wrap_od_dir_space(const char *path, int64_t *free_bytes, int64_t *total_bytes)
{
    (void)path;
    *free_bytes = disk.free_bytes;
    *total_bytes = disk.free_bytes;
    return OD_NONE;
}

static char path[256];
static int number;

static struct od_storage *open_with(int64_t reserve_bytes)
{
    struct od_storage_options o = { .path = path, .node_id = 1, .reserve_bytes = reserve_bytes };
    struct od_storage *s;

    memset(&disk, 0, sizeof(disk));
    disk.free_bytes = INT64_C(1) << 40;
    snprintf(path, sizeof(path), "%s/r%d", test_dir(), number++);
    CHECK_OK(od_storage_open(&o, &s));
    return s;
}

static struct od_plog *open_log(struct od_storage *s, const char *topic, bool vital)
{
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;

    c.vital = vital;
    CHECK_OK(od_plog_open(s, od_str_of(topic), 0, topic_id(), &c, true, &p));
    return p;
}

static enum od_err append(struct od_plog *p)
{
    return append_one(p, 1, 0, 1000, 100);
}

TEST(a_vital_log_goes_on_when_the_disk_is_full_and_others_wait_for_room)
{
    struct od_storage *s = open_with(RESERVE_BYTES);
    struct od_plog *vital = open_log(s, "vital", true), *plain = open_log(s, "plain", false);
    int writes;

    CHECK_OK(append(plain));
    disk.full = true;
    CHECK_EQ(append(plain), OD_E_NO_SPACE);
    CHECK(od_storage_has_room(s)); /* what is not vital does not use the reserve */
    CHECK_OK(append(vital));
    CHECK(!od_storage_has_room(s));
    writes = disk.writes;
    CHECK_EQ(append(plain), OD_E_NO_SPACE);
    CHECK_EQ(disk.writes, writes); /* it does not eat what was given up */
    CHECK_OK(append(vital));
    disk.free_bytes = 2 * RESERVE_BYTES - 1;
    od_storage_make_room(s);
    CHECK_EQ(append(plain), OD_E_NO_SPACE);
    disk.free_bytes = 2 * RESERVE_BYTES;
    od_storage_make_room(s);
    CHECK(od_storage_has_room(s) && disk.kept);
    CHECK_OK(append(plain));
    CHECK_EQ(od_plog_end_offset(plain), 2);
    CHECK_EQ(od_plog_end_offset(vital), 2);
    CHECK(!od_storage_fenced(s));
    CHECK_OK(od_storage_close(s, 1));
}

TEST(the_manifest_and_small_files_go_on_when_the_disk_is_full)
{
    struct od_storage *s = open_with(RESERVE_BYTES);
    struct od_plog *p = open_log(s, "plain", false);

    CHECK_OK(append(p));
    CHECK_OK(flush_now(p));
    disk.full = true;
    CHECK_OK(od_storage_checkpoint(s));
    CHECK(!od_storage_has_room(s));
    od_storage_make_room(s);
    disk.full = true;
    CHECK_OK(od_storage_replace(s, path, "small", OD_STR("text")));
    CHECK(!od_storage_has_room(s));
    CHECK_OK(od_storage_close(s, 1)); /* a clean stop, too */
}

TEST(what_was_spent_while_it_was_made_is_not_held)
{
    struct od_storage *s = open_with(RESERVE_BYTES);

    CHECK(od_reserve_spend(&s->reserve));
    disk.spent_meanwhile = &s->reserve;
    od_storage_make_room(s);
    CHECK(!od_storage_has_room(s));
    disk.spent_meanwhile = NULL;
    od_storage_make_room(s);
    CHECK(od_storage_has_room(s));
    od_storage_abandon(s);
}

TEST(without_a_reserve_a_full_disk_refuses_all_and_fences_nothing)
{
    struct od_storage *s = open_with(0);
    struct od_plog *vital = open_log(s, "vital", true), *plain = open_log(s, "plain", false);

    disk.full = true;
    CHECK_EQ(append(vital), OD_E_NO_SPACE);
    CHECK_EQ(append(plain), OD_E_NO_SPACE);
    disk.full = false;
    CHECK_OK(append(vital));
    CHECK_OK(append(plain));
    od_storage_abandon(s);
}

TEST(the_durable_end_moves_on_a_full_disk_whatever_number_of_indexes_waits)
{
    enum { SEGMENTS = 3 * OD_PLOG_FLUSH_SEGMENTS };
    struct od_storage *s = open_with(RESERVE_BYTES);
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;
    int waiting = 0;

    c.segment_bytes = 1000;
    c.index_interval_bytes = 100;
    c.vital = true;
    CHECK_OK(od_plog_open(s, OD_STR("many"), 0, topic_id(), &c, true, &p));
    CHECK(od_reserve_spend(&s->reserve)); /* until it is made again no index is written */
    for (int i = 0; i < SEGMENTS; i++) {
        for (int j = 0; j < 6; j++)
            CHECK_OK(append(p));
        CHECK_OK(flush_now(p));
        CHECK_EQ(od_plog_durable_end(p), od_plog_end_offset(p));
    }
    CHECK(p->n_segments >= SEGMENTS);
    for (int i = 0; i < p->n_segments; i++)
        waiting += p->segments[i]->index != NULL;
    CHECK(waiting > OD_PLOG_FLUSH_SEGMENTS);
    od_storage_make_room(s);
    for (int i = 0; i < SEGMENTS; i++) { /* then they are, a few with each flush */
        CHECK_OK(append(p));
        CHECK_OK(flush_now(p));
    }
    waiting = 0;
    for (int i = 0; i + 1 < p->n_segments; i++)
        waiting += p->segments[i]->index != NULL;
    CHECK_EQ(waiting, 0);
    CHECK_OK(od_storage_close(s, 1));
}

/* As after the process was killed. */
static struct od_storage *killed_and_opened(struct od_storage *s)
{
    struct od_storage_options o = { .path = path, .node_id = 1 };

    od_storage_abandon(s);
    CHECK_OK(od_storage_open(&o, &s));
    return s;
}

TEST(what_had_no_room_in_the_manifest_is_written_when_there_is_room)
{
    struct od_storage *s = open_with(0);
    struct od_plog *p = open_log(s, "plain", false);
    struct od_manifest_entry *e;

    CHECK_OK(append(p));
    CHECK_OK(flush_now(p));
    disk.full = true;
    CHECK_EQ(od_storage_checkpoint(s), OD_E_NO_SPACE);
    CHECK_EQ(od_storage_checkpoint(s), OD_E_NO_SPACE); /* nothing has changed since, or for ever */
    CHECK(!od_storage_fenced(s));
    disk.full = false;
    CHECK_OK(od_storage_checkpoint(s));
    s = killed_and_opened(s);
    e = od_manifest_find(&s->manifest, OD_STR("plain-0"));
    CHECK(e && e->recovery.offset == 1);
    od_storage_abandon(s);
}

TEST(a_flush_without_room_for_the_epochs_is_done_later)
{
    struct od_storage *s = open_with(0);
    struct od_plog *p = open_log(s, "plain", false);

    CHECK_OK(append(p));
    disk.full = true;
    CHECK_EQ(flush_now(p), OD_E_NO_SPACE);
    CHECK(!od_storage_fenced(s));
    CHECK_EQ(od_plog_durable_end(p), 0);
    disk.full = false;
    CHECK_OK(flush_now(p));
    CHECK_EQ(od_plog_durable_end(p), 1);
    s = killed_and_opened(s);
    CHECK_EQ(od_manifest_find(&s->manifest, OD_STR("plain-0"))->epochs.n, 1);
    od_storage_abandon(s);
}

TEST(a_name_that_a_full_disk_kept_can_be_used_again_when_there_is_room)
{
    struct od_uuid other = od_uuid_from_random(1, 2);
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_storage *s = open_with(0);
    struct od_plog *p = open_log(s, "again", false);
    struct od_plog_trash trash;

    CHECK_OK(append(p));
    CHECK_OK(flush_now(p));
    disk.full = true;
    od_plog_delete(p, &trash);
    CHECK_OK(od_plog_trash_rename(&trash, 1));
    CHECK_OK(od_plog_trash_run(&trash)); /* which makes room */
    CHECK_EQ(od_plog_open(s, OD_STR("again"), 0, other, &c, true, &p), OD_E_NO_SPACE);
    CHECK_EQ(od_plog_open(s, OD_STR("again"), 0, other, &c, true, &p), OD_E_NO_SPACE);
    disk.full = false;
    CHECK_OK(od_plog_open(s, OD_STR("again"), 0, other, &c, true, &p));
    CHECK_OK(append(p));
    s = killed_and_opened(s); /* the old entry is not taken for the new directory's */
    CHECK_OK(od_plog_open(s, OD_STR("again"), 0, other, &c, true, &p));
    CHECK_EQ(od_plog_end_offset(p), 1);
    od_storage_abandon(s);
}

TEST(a_directory_that_a_full_disk_left_half_made_is_made_later)
{
    struct od_storage *s = open_with(0);
    struct od_plog_config c = OD_PLOG_CONFIG_DEFAULT;
    struct od_plog *p;

    disk.full = true;
    CHECK_EQ(od_plog_open(s, OD_STR("half"), 0, topic_id(), &c, true, &p), OD_E_NO_SPACE);
    disk.full = false;
    CHECK_OK(od_plog_open(s, OD_STR("half"), 0, topic_id(), &c, true, &p));
    CHECK_OK(append(p));
    CHECK_OK(od_storage_close(s, 1));
}
