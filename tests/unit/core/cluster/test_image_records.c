/* SPDX-License-Identifier: Apache-2.0 */
/* The records of an image make the same image again. */
#include "core/cluster/image_records.h"

#include "base/mem.h"
#include "fixture.h"
#include "wire/writer.h"

#include <string.h>

/* Every record of the image, encoded one behind the other; owned by the caller. */
static uint8_t *encode_all(const struct od_image *image, int piece, size_t *len)
{
    struct od_image_records w = od_image_records_begin(image);
    struct od_record_list records;
    struct od_arena arena = { 0 };
    uint8_t *out = NULL;

    *len = 0;
    while (od_image_records_next(&w, piece, &arena, &records)) {
        for (int i = 0; i < records.n; i++) {
            struct od_writer writer;
            size_t size;

            CHECK_OK(od_metadata_record_size(&records.v[i], &size));
            out = od_realloc(out, *len + size);
            writer = od_writer_of(out + *len, size);
            CHECK_OK(od_metadata_record_encode(&records.v[i], &writer));
            *len += size;
        }
        od_arena_reset(&arena);
    }
    CHECK(!od_image_records_next(&w, piece, &arena, &records));
    return out;
}

static struct od_image *rebuilt(const struct od_image *image)
{
    struct od_image_records w = od_image_records_begin(image);
    struct od_image *empty = od_image_new(NULL, 5), *again;
    struct od_edit *e = od_edit_new(empty);
    struct od_record_list records;
    struct od_image_delta delta;
    struct od_arena arena = { 0 };
    struct od_text why = { 0 };

    while (od_image_records_next(&w, 3, &arena, &records))
        for (int i = 0; i < records.n; i++)
            CHECK_OK(od_edit_apply(e, &records.v[i], &why));
    again = od_edit_finish(e, image->offset, image->epoch, &delta);
    od_image_delta_deinit(&delta);
    od_image_unref(empty);
    od_arena_reset(&arena);
    return again;
}

static void check_same(const struct od_image *image)
{
    struct od_image *again = rebuilt(image);
    size_t len, len_again;
    uint8_t *bytes = encode_all(image, 1000, &len), *bytes_again = encode_all(again, 1, &len_again);

    CHECK_EQ(len, len_again);
    CHECK_MEM(bytes, bytes_again, len);
    CHECK_EQ(again->metadata_version, image->metadata_version);
    CHECK_EQ(again->partition_count, image->partition_count);
    CHECK_EQ(again->topics_by_id.count, image->topics_by_id.count);
    CHECK_EQ(again->topics_by_name.count, image->topics_by_name.count);
    CHECK_EQ(again->brokers.count, image->brokers.count);
    CHECK_EQ(again->resources.count, image->resources.count);
    CHECK_EQ(again->next_producer_id, image->next_producer_id);
    od_free(bytes);
    od_free(bytes_again);
    od_image_unref(again);
}

static void apply_one(struct fixture *f, struct od_metadata_record *r)
{
    f->records = (struct od_record_list){ r, 1, 1 };
    fixture_apply(f);
}

static void set(struct fixture *f, enum od_resource_type type, const char *resource,
                const char *name, const char *value)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, OD_RECORD_CONFIG, OD_METADATA_VERSION);
    r.config.resource_type = (int8_t)type;
    r.config.resource_name = od_str_of(resource);
    r.config.name = od_str_of(name);
    r.config.value = od_str_of(value);
    apply_one(f, &r);
}

TEST(an_empty_image_has_no_records)
{
    struct od_image *image = od_image_new(NULL, 5);
    struct od_image_records w = od_image_records_begin(image);
    struct od_record_list records;
    struct od_arena arena = { 0 };

    CHECK(!od_image_records_next(&w, 10, &arena, &records));
    check_same(image);
    od_image_unref(image);
}

TEST(brokers_topics_settings_and_ids_come_back)
{
    struct fixture f = fixture_live(3);
    struct od_grown_topic growth = { OD_STR("t7"), 9, -1, NULL };
    struct od_metadata_record r;
    char name[16];

    check_same(f.image);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        fixture_topic(&f, name, 1 + i % 5, (int16_t)(1 + i % 3));
    }
    CHECK_OK(fixture_run(&f, (struct od_command){ .kind = OD_COMMAND_CREATE_PARTITIONS,
                                                  .create_partitions = { 1, &growth, false } })
                 ->items[0]
                 .err);
    set(&f, OD_RESOURCE_TOPIC, "t3", "a", "1");
    set(&f, OD_RESOURCE_TOPIC, "t3", "b", "");
    set(&f, OD_RESOURCE_BROKER, "", "c", "2");
    set(&f, OD_RESOURCE_GROUP, "g", "d", "3");
    od_metadata_record_init(&r, OD_RECORD_PRODUCER_IDS, OD_METADATA_VERSION);
    r.producer_ids.next_producer_id = 7000;
    apply_one(&f, &r);
    fixture_beat(&f, 2, od_image_broker_find(f.image, 2)->epoch, true); /* fenced, shut down */
    check_same(f.image);
    fixture_free(&f);
}

TEST(eligible_leaders_come_back_at_the_levels_that_have_them)
{
    static int32_t elr[] = { 2 };
    struct fixture f = fixture_live(2);
    struct od_feature_update u = { OD_STR("metadata.version"), OD_METADATA_VERSION_MAX,
                                   OD_UPGRADE };
    const struct od_image_partition *p;
    struct od_metadata_record r;
    struct od_image *again;

    fixture_topic(&f, "t", 1, 2);
    CHECK_OK(fixture_run(&f, (struct od_command){ .kind = OD_COMMAND_UPDATE_FEATURES,
                                                  .update_features = { 1, &u, false } })
                 ->err);
    od_metadata_record_init(&r, OD_RECORD_PARTITION_CHANGE, OD_METADATA_VERSION_MAX);
    r.partition_change.topic_id = od_image_topic_find(f.image, OD_STR("t"))->id;
    r.partition_change.partition_id = 0;
    r.partition_change.eligible_leader_replicas.n = 1;
    r.partition_change.eligible_leader_replicas.v = elr;
    apply_one(&f, &r);
    check_same(f.image);
    again = rebuilt(f.image);
    p = od_image_partition_find(od_image_topic_find(again, OD_STR("t")), 0);
    CHECK(p->has_elr);
    CHECK_EQ(p->elr_count, 1);
    CHECK_EQ(p->elr[0], 2);
    CHECK_EQ(again->metadata_version, OD_METADATA_VERSION_MAX);
    od_image_unref(again);
    fixture_free(&f);
}
