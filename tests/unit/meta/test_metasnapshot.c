/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot files: whole ones are read, all others are refused, names are Kafka's. */
#include "meta/metasnapshot.h"

#include "base/mem.h"
#include "os/file.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[300];

static void fresh(const char *name)
{
    snprintf(dir, sizeof(dir), "%s/%s", test_dir(), name);
    CHECK_OK(od_dir_make(dir));
}

/* An image of so many topics, as of the record at this offset. */
static struct od_image *image_of(int topics, int64_t offset, int32_t epoch)
{
    struct od_image *empty = od_image_new(NULL, 5), *image;
    struct od_edit *e = od_edit_new(empty);
    struct od_image_delta delta;
    struct od_record_list bootstrap = { 0 };
    struct od_arena arena = { 0 };
    struct od_text why = { 0 };

    od_cluster_bootstrap(&arena, &bootstrap);
    CHECK_OK(od_edit_apply(e, &bootstrap.v[0], &why));
    for (int i = 0; i < topics; i++) {
        struct od_metadata_record r;
        char name[16];

        snprintf(name, sizeof(name), "t%d", i);
        od_metadata_record_init(&r, OD_RECORD_TOPIC, OD_METADATA_VERSION);
        r.topic.name = od_str_of(name);
        r.topic.topic_id = (struct od_uuid){ { (uint8_t)i, (uint8_t)(i >> 8), 1 } };
        CHECK_OK(od_edit_apply(e, &r, &why));
    }
    image = od_edit_finish(e, offset, epoch, &delta);
    od_image_delta_deinit(&delta);
    od_image_unref(empty);
    od_arena_reset(&arena);
    return image;
}

static void write_one(int topics, int64_t offset, int32_t epoch)
{
    struct od_image *image = image_of(topics, offset, epoch);

    CHECK_OK(od_metasnapshot_write(dir, image, 1234567));
    od_image_unref(image);
}

/* How many topics come out, or -1 when it is refused. */
static int read_one(int64_t end_offset, int32_t epoch)
{
    struct od_image *empty = od_image_new(NULL, 5);
    struct od_edit *e = od_edit_new(empty);
    enum od_err err =
        od_metasnapshot_read(dir, (struct od_metasnapshot_id){ end_offset, epoch }, e);
    int topics = err ? -1 : (int)od_edit_image(e)->topics_by_id.count;

    CHECK(!err || err == OD_E_CORRUPT);
    od_edit_free(e);
    od_image_unref(empty);
    return topics;
}

TEST(a_snapshot_is_named_by_end_offset_and_epoch_and_read_again)
{
    char path[400];

    fresh("named");
    write_one(2500, 4321, 7); /* three pieces */
    snprintf(path, sizeof(path), "%s/00000000000000004322-0000000007.checkpoint", dir);
    CHECK_EQ(access(path, R_OK), 0);
    CHECK_EQ(read_one(4322, 7), 2500);
}

TEST(snapshots_are_listed_newest_first_and_unfinished_ones_removed)
{
    struct od_metasnapshot_list list;
    char path[400];
    FILE *f;

    fresh("listed");
    write_one(1, 9, 2);
    write_one(1, 99, 2);
    write_one(1, 9, 3);
    snprintf(path, sizeof(path), "%s/00000000000000000200-0000000003.checkpoint.part", dir);
    f = fopen(path, "w");
    CHECK(f);
    fclose(f);
    CHECK_OK(od_metasnapshots_find(dir, &list));
    CHECK_EQ(list.n, 3);
    CHECK_EQ(list.v[0].end_offset, 100);
    CHECK_EQ(list.v[1].epoch, 3);
    CHECK_EQ(list.v[2].end_offset, 10);
    CHECK_EQ(list.v[2].epoch, 2);
    CHECK(access(path, F_OK) != 0);
    od_metasnapshots_deinit(&list);
    CHECK_OK(od_metasnapshot_remove(dir, (struct od_metasnapshot_id){ 100, 2 }));
    CHECK_OK(od_metasnapshots_find(dir, &list));
    CHECK_EQ(list.n, 2);
    od_metasnapshots_deinit(&list);
}

TEST(no_piece_of_a_snapshot_is_taken_for_the_whole)
{
    char path[400];
    struct stat st;

    fresh("cut");
    write_one(30, 59, 1);
    snprintf(path, sizeof(path), "%s/00000000000000000060-0000000001.checkpoint", dir);
    CHECK_EQ(stat(path, &st), 0);
    for (off_t len = st.st_size - 1; len >= 0; len--) {
        CHECK_EQ(truncate(path, len), 0);
        CHECK_EQ(read_one(60, 1), -1);
    }
}

TEST(no_bit_of_a_snapshot_may_change)
{
    char path[400];
    struct stat st;

    fresh("flipped");
    write_one(3, 59, 1);
    snprintf(path, sizeof(path), "%s/00000000000000000060-0000000001.checkpoint", dir);
    CHECK_EQ(stat(path, &st), 0);
    for (off_t pos = 0; pos < st.st_size; pos++) {
        FILE *f = fopen(path, "r+");
        int byte, topics;

        CHECK(f);
        fseek(f, pos, SEEK_SET);
        byte = fgetc(f);
        fseek(f, pos, SEEK_SET);
        fputc(byte ^ 0x10, f);
        fclose(f);
        topics = read_one(60, 1);
        /* Offsets and epoch of a batch are outside of its checksum and of no use here. */
        CHECK(topics == -1 || topics == 3);
        f = fopen(path, "r+");
        CHECK(f);
        fseek(f, pos, SEEK_SET);
        fputc(byte, f);
        fclose(f);
    }
    CHECK_EQ(read_one(60, 1), 3);
}
