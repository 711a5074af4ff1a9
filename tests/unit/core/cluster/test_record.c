/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of metadata records, byte for byte as level 21 has them, and what is refused. */
#include "core/cluster/record.h"

#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void hex(const struct od_metadata_record *r, char *out)
{
    uint8_t frame[512];
    struct od_writer w = od_writer_of(frame, sizeof(frame));
    size_t len;

    CHECK_OK(od_metadata_record_size(r, &len));
    CHECK_OK(od_metadata_record_encode(r, &w));
    CHECK_EQ(od_writer_len(&w), len);
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", frame[i]);
}

static void check_bytes(const struct od_metadata_record *r, const char *want)
{
    char text[1100];

    hex(r, text);
    CHECK_STR(text, want);
}

TEST(the_records_of_a_first_start_and_a_topic_have_kafkas_bytes)
{
    struct fixture f = { .image = od_image_new(NULL, 5) };
    struct od_new_topic topic = { .name = OD_STR("t"),
                                  .partitions = 1,
                                  .replication_factor = 1,
                                  .setting_count = 1,
                                  .settings = &(struct od_image_setting){ OD_STR("good"),
                                                                          OD_STR("1") } };

    od_cluster_bootstrap(&f.arena, &f.records);
    /* frame 1, type 12, version 0; compact string; int16 level; no tags */
    check_bytes(&f.records.v[0], "010c00"
                                 "11" "6d657461646174612e76657273696f6e" "0015" "00");
    check_bytes(&f.records.v[1], "010c00" "0e" "67726f75702e76657273696f6e" "0001" "00");
    fixture_apply(&f);

    fixture_register(&f, 1, -1);
    check_bytes(&f.records.v[0],
                "010003" "00000001" "00"              /* type 0 v3, id, not migrating */
                "55000000000000000000000000000007"    /* incarnation */
                "0000000000000002"                    /* epoch = offset of this record */
                "02" "0a504c41494e54455854" "0268" "2384" "0000" "00" /* one endpoint */
                "01" "00" "01" "00" /* no features, no rack, fenced, not stopping */
                "01" "00" "11" "02" "55000000000000000000000000000065"); /* tag 0: directories */

    fixture_beat(&f, 1, 2, false);
    /* type 17 v2, id, epoch; tag 0, one byte: unfenced */
    check_bytes(&f.records.v[0], "011102" "00000001" "0000000000000002" "01" "00" "01" "ff");

    fixture_run(&f, fixture_create(&topic, 1));
    f.records.v[0].topic.topic_id = fixture_uuid(3);
    check_bytes(&f.records.v[0], "010200" "0274" "55000000000000000000000000000003" "00");
    check_bytes(&f.records.v[1], "010400" "02" "0274" "05676f6f64" "0231" "00");
    f.records.v[2].partition.topic_id = fixture_uuid(3);
    check_bytes(&f.records.v[2],
                "010301" "00000000" "55000000000000000000000000000003"
                "02" "00000001" "02" "00000001" "01" "01" /* replicas, isr, removing, adding */
                "00000001" "00000000" "00000000" /* leader, leader epoch, partition epoch */
                "02" "55000000000000000000000000000065" "00");
    fixture_free(&f);
}

TEST(a_new_leader_epoch_is_a_change_that_names_the_leader)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, OD_RECORD_PARTITION_CHANGE, OD_METADATA_VERSION);
    r.partition_change.partition_id = 2;
    r.partition_change.topic_id = fixture_uuid(3);
    r.partition_change.leader = 1;
    check_bytes(&r, "010501" "00000002" "55000000000000000000000000000003"
                    "01" "01" "04" "00000001"); /* tag 1, four bytes */
}

TEST(what_is_encoded_decodes_to_the_same_bytes)
{
    struct fixture f = fixture_live(1);
    struct od_new_topic topic = { .name = OD_STR("t"), .partitions = 3, .replication_factor = 1 };
    char before[1100], after[1100];

    fixture_step(&f, fixture_create(&topic, 1));
    for (int i = 0; i < f.records.n; i++) {
        uint8_t frame[512];
        struct od_writer w = od_writer_of(frame, sizeof(frame));
        struct od_metadata_record again;
        struct od_text why = { 0 };

        CHECK_OK(od_metadata_record_encode(&f.records.v[i], &w));
        CHECK_OK(od_metadata_record_decode((struct od_bytes){ frame, od_writer_len(&w) }, &f.arena,
                                           &again, &why));
        hex(&f.records.v[i], before);
        hex(&again, after);
        CHECK_STR(after, before);
    }
    fixture_free(&f);
}

static void check_refused(const char *bytes, size_t len, enum od_err err, const char *message)
{
    struct od_metadata_record r;
    struct od_arena arena = { 0 };
    struct od_text why = { 0 };

    CHECK_EQ(od_metadata_record_decode((struct od_bytes){ (const uint8_t *)bytes, len }, &arena, &r,
                                       &why),
             err);
    CHECK_STR(od_text_get(&why), message);
    od_text_reset(&why);
    od_arena_reset(&arena);
}

TEST(what_is_unknown_or_malformed_is_refused_by_name)
{
    check_refused("", 0, OD_E_CORRUPT, "a metadata record without its frame");
    check_refused("\x01\x02", 2, OD_E_CORRUPT, "a metadata record without its frame");
    check_refused("\x01\x12\x00", 3, OD_UNSUPPORTED_VERSION,
                  "metadata record of type 18 (access_control_entry_record), version 0, frame 1: "
                  "not known here");
    check_refused("\x01\x63\x00", 3, OD_UNSUPPORTED_VERSION,
                  "metadata record of type 99 (unnamed), version 0, frame 1: not known here");
    check_refused("\x01\x02\x01", 3, OD_UNSUPPORTED_VERSION,
                  "metadata record of type 2 (topic_record), version 1, frame 1: not known here");
    check_refused("\x02\x14\x00\x00", 4, OD_UNSUPPORTED_VERSION,
                  "metadata record of type 20 (no_op_record), version 0, frame 2: not known here");
    check_refused("\x01\x02\x00\x02t", 5, OD_E_CORRUPT,
                  "metadata record topic_record version 0: input ends too early");
    check_refused("\x01\x14\x00\x00\x00", 5, OD_E_CORRUPT,
                  "metadata record no_op_record version 0: bytes are left over");
}
