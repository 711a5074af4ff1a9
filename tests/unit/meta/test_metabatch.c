/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of the metadata log: the control batch of a term, records in and out, refusals. */
#include "meta/metabatch.h"

#include "base/mem.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct od_metadata_record record(enum od_record_type type)
{
    struct od_metadata_record r;

    od_metadata_record_init(&r, type, OD_METADATA_VERSION);
    return r;
}

TEST(a_term_begins_with_the_control_batch_of_kraft)
{
    static const char want[] =
        "0000000000000007" "0000004f" "00000003" "02" "crc-----" "0020" "00000000" /* control */
        "0000018bcfe56800" "0000018bcfe56800" "ffffffffffffffff" "ffff" "ffffffff" "00000001"
        "3a" "00" "00" "00" "08" "00000002" /* key: version 0, type 2 */
        "26" "0000" "00000001" "02" "00000001" "00" "02" "00000001" "00" "00" /* value */
        "00";
    struct od_metabatch b = { 0 };
    char text[512] = "";

    CHECK_OK(od_metabatch_leader_change(&b, 1, 7, 3, INT64_C(1700000000000)));
    CHECK_EQ(b.count, 1);
    for (size_t i = 0; i < b.len; i++)
        snprintf(text + 2 * i, 3, "%02x", b.data[i]);
    memcpy(text + 2 * 17, "crc-----", 8);
    CHECK_STR(text, want);
    od_metabatch_deinit(&b);
}

/* Builds one batch of the records and applies it to an empty image. */
static enum od_err carry(struct od_metadata_record *v, int n, struct od_edit *e,
                         struct od_text *why)
{
    struct od_record_list records = { v, n, n };
    struct od_metabatch b = { 0 };
    struct od_batch_header h;
    enum od_err err;

    CHECK_OK(od_metabatch_build(&b, &records, 5, 2, 1000));
    CHECK_OK(od_batch_parse(b.data, b.len, &h));
    CHECK_OK(od_batch_check(b.data, &h));
    CHECK_EQ(od_batch_bytes(&h), b.len);
    CHECK_EQ(h.leader_epoch, 2);
    CHECK_EQ(od_batch_last_offset(&h), 5 + n - 1);
    CHECK_EQ(h.max_timestamp, 1000);
    err = od_metabatch_apply(b.data, &h, e, why);
    od_metabatch_deinit(&b);
    return err;
}

TEST(the_records_of_a_batch_are_applied_in_order)
{
    struct od_metadata_record v[] = { record(OD_RECORD_TOPIC), record(OD_RECORD_CONFIG),
                                      record(OD_RECORD_CONFIG) };
    struct od_image *empty = od_image_new(NULL, 1);
    struct od_edit *e = od_edit_new(empty);
    const struct od_image_resource *r;
    struct od_text why = { 0 };

    v[0].topic.name = OD_STR("t");
    v[0].topic.topic_id.bytes[3] = 1;
    for (int i = 1; i < 3; i++) {
        v[i].config.resource_type = OD_RESOURCE_TOPIC;
        v[i].config.resource_name = OD_STR("t");
        v[i].config.name = OD_STR("a");
        v[i].config.value = i == 1 ? OD_STR("1") : OD_STR("2");
    }
    CHECK_OK(carry(v, 3, e, &why));
    r = od_image_resource_find(od_edit_image(e), OD_RESOURCE_TOPIC, OD_STR("t"));
    CHECK(od_str_is(od_image_setting_find(r, OD_STR("a")), "2"));
    od_edit_free(e);
    od_image_unref(empty);
}

TEST(a_record_that_cannot_be_applied_stops_the_batch)
{
    struct od_metadata_record v[] = { record(OD_RECORD_NO_OP), record(OD_RECORD_REMOVE_TOPIC) };
    struct od_image *empty = od_image_new(NULL, 1);
    struct od_edit *e = od_edit_new(empty);
    struct od_text why = { 0 };

    CHECK_EQ(carry(v, 2, e, &why), OD_E_CORRUPT);
    CHECK_STR(why.data, "metadata record contradicts the image: an unknown topic is removed");
    od_text_reset(&why);
    od_edit_free(e);
    od_image_unref(empty);
}

TEST(a_batch_beyond_the_limit_is_refused)
{
    enum { HUGE_BYTES = 1 << 20, RECORDS = OD_METABATCH_BYTES_MAX / HUGE_BYTES + 1 };
    static char filler[HUGE_BYTES];
    static struct od_metadata_record v[RECORDS];
    struct od_record_list records = { v, RECORDS, RECORDS };
    struct od_metabatch b = { 0 };

    memset(filler, 'x', sizeof(filler));
    for (int i = 0; i < RECORDS; i++) {
        v[i] = record(OD_RECORD_CONFIG);
        v[i].config.value = (struct od_str){ filler, sizeof(filler) };
        v[i].config.name = v[i].config.resource_name = OD_STR("n");
    }
    CHECK_EQ(od_metabatch_build(&b, &records, 0, 1, 0), OD_E_LIMIT);
    CHECK(!b.data);
    od_metabatch_deinit(&b);
}
