/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of the log tools: what the engine writes is right, and each damage is named. */
#include "cli/disk_check.h"
#include "../storage/disk_fixture.h"

#include <dirent.h>

static char path[256], dir[300];
static int number;
static struct od_disk_report report;

static void make(bool clean)
{
    snprintf(path, sizeof(path), "%s/v%d", test_dir(), number++);
    snprintf(dir, sizeof(dir), "%s/events-0", path);
    disk_make(path, OD_COMPRESS_LZ4, clean);
}

static const struct od_disk_report *verify(void)
{
    struct od_disk_root root;

    od_disk_report_free(&report);
    CHECK_OK(od_disk_root_open(path, false, &root));
    CHECK_EQ(root.n, 1);
    CHECK_STR(root.partitions[0], "events-0");
    od_disk_check_root(&root, &report);
    if (!report.broken) {
        od_disk_report_free(&report);
        CHECK_OK(od_disk_check_partition(&root, "events-0", &report));
    }
    od_disk_root_close(&root);
    return &report;
}

static uint8_t bytes[1 << 16];

static size_t load(const char *folder, const char *name)
{
    char file[600];
    size_t len;
    FILE *f;

    snprintf(file, sizeof(file), "%s/%s", folder, name);
    f = fopen(file, "rb");
    CHECK(f != NULL);
    len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    return len;
}

static void save(const char *folder, const char *name, size_t len)
{
    char file[600];
    FILE *f;

    snprintf(file, sizeof(file), "%s/%s", folder, name);
    f = fopen(file, "wb");
    CHECK(f != NULL);
    CHECK_EQ(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static void turn(const char *folder, const char *name, size_t at)
{
    size_t len = load(folder, name);

    CHECK(at < len);
    bytes[at] ^= 1;
    save(folder, name, len);
}

static void shorten(const char *folder, const char *name, size_t by)
{
    save(folder, name, load(folder, name) - by);
}

static void expect(const char *file, const char *what)
{
    const struct od_disk_report *r = verify();

    CHECK(r->broken);
    CHECK_STR(r->file, file);
    if (!strstr(r->what, what))
        fail_msg("\"%s\" does not say \"%s\"", r->what, what);
}

/* The first file with that suffix that holds at least len bytes. */
static const char *a_file(const char *suffix, size_t len)
{
    static char name[300];
    DIR *d = opendir(dir);

    name[0] = '\0';
    for (struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(e->d_name);

        if (n > strlen(suffix) && !strcmp(e->d_name + n - strlen(suffix), suffix) &&
            load(dir, e->d_name) >= len && (!name[0] || strcmp(e->d_name, name) < 0))
            snprintf(name, sizeof(name), "%s", e->d_name);
    }
    closedir(d);
    CHECK(name[0] != '\0');
    return name;
}

static const char *in_partition(const char *name)
{
    static char file[400];

    snprintf(file, sizeof(file), "events-0/%s", name);
    return file;
}

TEST(what_the_engine_writes_is_right_after_a_clean_stop_and_after_a_crash)
{
    const struct od_disk_report *r;

    make(true);
    r = verify();
    if (r->broken)
        fail_msg("%s at %lld: %s", r->file, (long long)r->pos, r->what);
    CHECK_EQ(r->notes.len, 0);
    CHECK(r->segments > 2);
    CHECK_EQ(r->batches, DISK_BATCHES);
    CHECK_EQ(r->records, 18 * DISK_PER_BATCH + 6);
    CHECK_EQ(r->end_offset, 60);
    CHECK_EQ(r->leader_epoch, 1);
    CHECK_EQ(r->producers, 2);
    make(false);
    r = verify();
    if (r->broken)
        fail_msg("%s at %lld: %s", r->file, (long long)r->pos, r->what);
    CHECK_EQ(r->end_offset, 66);
}

TEST(a_turned_byte_of_a_batch_is_named)
{
    static const char first[] = "00000000000000000000.log";

    make(true);
    turn(dir, first, 100);
    expect("events-0/00000000000000000000.log", "the CRC of offset 0 is wrong");
    CHECK_EQ(report.pos, 0);
    make(true);
    turn(dir, first, 7);
    expect("events-0/00000000000000000000.log", "offsets 0 to 0 are missing");
    make(true);
    turn(dir, first, 14);
    expect("events-0/00000000000000000000.log", "of leader epoch 256");
    make(true);
    turn(dir, first, 16);
    expect("events-0/00000000000000000000.log", "not a batch's header");
}

TEST(a_short_segment_is_named)
{
    const char *name;

    make(true);
    shorten(dir, "00000000000000000000.log", 1);
    expect("events-0/00000000000000000000.log", "a batch longer than the file");
    make(true);
    name = a_file(".log", 1);
    load(dir, name);
    save(dir, name, 0);
    CHECK(verify()->broken);
}

TEST(a_torn_tail_after_a_crash_is_a_note)
{
    struct od_disk_list list;
    char last[300];

    make(false);
    CHECK_OK(od_disk_list_read(dir, &list));
    for (size_t i = 0; i < list.n && list.v[i].kind == OD_DISK_LOG; i++)
        snprintf(last, sizeof(last), "%s", list.v[i].name);
    od_disk_list_free(&list);
    shorten(dir, last, 1);
    CHECK(!verify()->broken);
    CHECK(strstr(od_text_get(&report.notes), "a torn tail at") != NULL);
    CHECK_EQ(report.end_offset, 63);
    shorten(dir, last, 400);
    CHECK(verify()->broken);
}

TEST(wrong_entries_of_indexes_are_named)
{
    const char *name;

    make(true);
    name = a_file(".index", 8);
    turn(dir, name, 7);
    expect(in_partition(name), "where no batch begins");
    make(true);
    name = a_file(".index", 8);
    turn(dir, name, 3);
    expect(in_partition(name), "for the batch that ends with");
    make(true);
    name = a_file(".timeindex", 12);
    turn(dir, name, 7);
    expect(in_partition(name), "where the greatest timestamp is");
    make(true);
    name = a_file(".txnindex", 34);
    turn(dir, name, 9);
    expect(in_partition(name), "where the marker is of");
    make(true);
    name = a_file(".txnindex", 34);
    turn(dir, name, 17);
    expect(in_partition(name), "that a transaction began at");
    make(true);
    name = a_file(".txnindex", 34);
    turn(dir, name, 33);
    expect(in_partition(name), "for the last stable offset");
    make(true);
    name = a_file(".txnindex", 34);
    save(dir, name, 0);
    CHECK(verify()->broken);
    CHECK(strstr(report.what, "lacks the transaction of producer 7") != NULL);
}

TEST(missing_index_entries_are_named_by_the_manifest)
{
    const char *name;

    make(true);
    name = a_file(".index", 8);
    shorten(dir, name, 8);
    expect("odradek.manifest", "the number of index entries");
    make(true);
    name = a_file(".timeindex", 12);
    shorten(dir, name, 3);
    CHECK(verify()->broken);
}

TEST(damaged_small_files_are_named)
{
    const char *name;

    make(true);
    name = a_file(".snapshot", 60);
    turn(dir, name, 20);
    expect(in_partition(name), "its CRC is wrong");
    make(true);
    turn(dir, "leader-epoch-checkpoint", 2);
    expect("events-0/leader-epoch-checkpoint", "cannot be");
    make(true);
    turn(dir, "partition.metadata", 3);
    expect("events-0/partition.metadata", "is not two lines");
    make(true);
    turn(dir, "partition.metadata", 25);
    CHECK(verify()->broken);
    make(true);
    turn(path, "odradek.manifest", 40);
    expect("odradek.manifest", "the frame's CRC is wrong");
    CHECK_EQ(report.pos, 8);
    make(true);
    shorten(path, "log-start-offset-checkpoint", 12);
    expect("log-start-offset-checkpoint", "cannot be");
    make(true);
    load(dir, "partition.metadata");
    save(dir, "00000000000000000003.index", 0);
    expect("events-0/00000000000000000003.index", "belongs to no segment");
    make(true);
    save(dir, "00000000000000000000.log.swap", 0);
    expect("events-0/00000000000000000000.log.swap", "unfinished");
}

TEST(a_directory_in_use_is_refused_unless_live)
{
    struct od_disk_root root;
    struct od_storage *s;

    make(true);
    CHECK_OK(store_open(path, &s));
    CHECK_EQ(od_disk_root_open(path, false, &root), OD_E_BUSY);
    od_disk_root_close(&root);
    CHECK_EQ(od_disk_root_open(dir, false, &root), OD_E_BUSY);
    od_disk_root_close(&root);
    CHECK_OK(od_disk_root_open(path, true, &root));
    CHECK(root.live);
    od_disk_root_close(&root);
    od_storage_abandon(s);
    CHECK_OK(od_disk_root_open(dir, false, &root));
    CHECK(root.single);
    CHECK_STR(root.partitions[0], "events-0");
    od_disk_root_close(&root);
    CHECK_EQ(od_disk_root_open(test_dir(), false, &root), OD_E_NOT_FOUND);
    od_disk_root_close(&root);
}

/* No input may crash the reader, and whatever it says is broken has a name. */
TEST(no_turned_byte_of_any_file_crashes_the_reader)
{
    struct od_disk_list list;
    int broken = 0, states = 0;

    make(true);
    CHECK_OK(od_disk_list_read(dir, &list));
    for (size_t i = 0; i < list.n; i++)
        for (size_t at = 0; at < (size_t)list.v[i].bytes; at += 13) {
            turn(dir, list.v[i].name, at);
            states++;
            broken += verify()->broken;
            turn(dir, list.v[i].name, at);
        }
    od_disk_list_free(&list);
    CHECK_EQ(broken, states); /* after a clean stop every byte is vouched for */
    CHECK(states > 300);
}
