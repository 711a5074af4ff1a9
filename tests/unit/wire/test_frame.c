/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of requests and responses, byte by byte. */
#include "test.h"
#include "wire/frame.h"

TEST(a_header_of_version_1_has_no_tags_and_2_keeps_the_old_client_id)
{
    static const uint8_t v1[] = {0, 3, 0, 8, 0, 0, 0, 9, 0, 2, 'm', 'e', 42};
    static const uint8_t v2[] = {0, 3, 0, 9, 0, 0, 0, 9, 0, 2, 'm', 'e', 1, 7, 1, 5, 42};
    struct od_request_frame f;
    struct od_reader r = od_reader_of(v1, sizeof(v1));

    CHECK_OK(od_frame_read_request(&r, &f));
    CHECK_EQ(f.api->key, 3);
    CHECK_EQ(f.api_version, 8);
    CHECK_EQ(f.correlation_id, 9);
    CHECK(od_str_is(f.client_id, "me"));
    CHECK_EQ(od_read_i8(&r), 42);
    r = od_reader_of(v2, sizeof(v2));
    CHECK_OK(od_frame_read_request(&r, &f));
    CHECK(od_str_is(f.client_id, "me"));
    CHECK_EQ(od_read_i8(&r), 42);
}

TEST(api_versions_of_an_unknown_version_still_has_a_header)
{
    static const uint8_t v99[] = {0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0};
    struct od_request_frame f;
    struct od_reader r = od_reader_of(v99, sizeof(v99));

    CHECK_OK(od_frame_read_request(&r, &f));
    CHECK_EQ(f.api_version, 99);
    CHECK(!f.client_id.data);
    CHECK_EQ(od_reader_left(&r), 0);
}

TEST(an_unknown_key_yields_what_the_log_line_needs)
{
    static const uint8_t bytes[] = {0x7f, 0xff, 0, 1, 0, 0, 0, 5, 0, 0};
    struct od_request_frame f;
    struct od_reader r = od_reader_of(bytes, sizeof(bytes));

    CHECK_EQ(od_frame_read_request(&r, &f), OD_UNSUPPORTED_VERSION);
    CHECK(!f.api);
    CHECK_EQ(f.api_key, 0x7fff);
    CHECK_EQ(f.correlation_id, 5);
}

TEST(every_truncated_header_is_refused)
{
    static const uint8_t v2[] = {0, 3, 0, 9, 0, 0, 0, 9, 0, 2, 'm', 'e', 1, 7, 1, 5};

    for (size_t cut = 0; cut < sizeof(v2); cut++) {
        struct od_request_frame f;
        struct od_reader r = od_reader_of(v2, cut);

        CHECK(od_frame_read_request(&r, &f) != OD_NONE);
    }
}

TEST(flexible_responses_have_tags_except_those_of_api_versions)
{
    const struct od_api *metadata = od_api_find(3), *versions = od_api_find(18);
    uint8_t out[5];
    struct od_writer w = od_writer_of(out, sizeof(out));

    CHECK_EQ(od_frame_response_bytes(metadata, 8), 4);
    CHECK_EQ(od_frame_response_bytes(metadata, 9), 5);
    CHECK_EQ(od_frame_response_bytes(versions, 0), 4);
    CHECK_EQ(od_frame_response_bytes(versions, 3), 4);
    od_frame_write_response(&w, metadata, 9, 0x01020304);
    CHECK_EQ(od_writer_len(&w), 5);
    CHECK_MEM(out, "\1\2\3\4\0", 5);
}

TEST(the_table_is_sorted_and_every_entry_is_found)
{
    for (int32_t i = 0; i < od_api_count; i++) {
        CHECK(od_api_find(od_apis[i].key) == &od_apis[i]);
        CHECK(od_api_named(od_apis[i].name) == &od_apis[i]);
        CHECK(i == 0 || od_apis[i - 1].key < od_apis[i].key);
    }
    CHECK(!od_api_find(-1));
    CHECK(!od_api_named("none"));
}
