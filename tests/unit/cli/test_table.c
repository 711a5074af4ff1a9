/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in each form. */
#include "cli/table.h"
#include "test.h"

#include <string.h>

static const struct od_column columns[] = {
    { "name", "NAME", 0 },
    { "n", "N", OD_COLUMN_RIGHT },
    { "rare", "RARE", OD_COLUMN_OPTIONAL },
    { "id", "ID", OD_COLUMN_WIDE },
    { "list", "LIST", 0 },
};

static void fill(struct od_table *t)
{
    static const int32_t numbers[] = { 1, 2, 3 };
    json_t *row;

    od_table_init(t, columns, OD_COUNT(columns));
    row = od_table_row(t);
    od_row_text(row, "name", "a");
    od_row_int(row, "n", 7);
    od_row_text(row, "id", "x");
    od_row_ints(row, "list", numbers, 3);
    row = od_table_row(t);
    od_row_text(row, "name", "l\xc3\xa4nger");
    od_row_int(row, "n", 1234);
    od_row_text(row, "id", NULL);
    od_row_list(row, "list");
}

static const char *shown(struct od_look look)
{
    static char out[1024];
    struct od_text text = { 0 }, why = { 0 };
    struct od_table t;

    fill(&t);
    snprintf(out, sizeof(out), "%s",
             od_table_print(&t, &look, &text, &why) ? od_text_get(&text) : od_text_get(&why));
    od_table_deinit(&t);
    od_text_reset(&text);
    od_text_reset(&why);
    return out;
}

TEST(columns_are_aligned_by_characters_not_bytes)
{
    CHECK_STR(shown((struct od_look){ 0 }), "NAME       N  LIST\n"
                                            "a          7  1,2,3\n"
                                            "l\xc3\xa4nger  1234  -\n");
}

TEST(wide_shows_more_and_titles_can_go)
{
    CHECK_STR(shown((struct od_look){ .output = OD_OUTPUT_WIDE, .no_headers = true }),
              "a          7  x  1,2,3\n"
              "l\xc3\xa4nger  1234  -  -\n");
}

TEST(columns_are_chosen_in_the_order_asked_for)
{
    CHECK_STR(shown((struct od_look){ .columns = "id,name" }), "ID  NAME\n"
                                                               "x   a\n"
                                                               "-   l\xc3\xa4nger\n");
    CHECK_STR(shown((struct od_look){ .columns = "id,nome" }),
              "there is no column \"nome\"; there are name,n,rare,id,list");
    CHECK_STR(shown((struct od_look){ .output = OD_OUTPUT_JSON, .columns = "n" }),
              "[\n  {\n    \"n\": 7\n  },\n  {\n    \"n\": 1234\n  }\n]\n");
}

TEST(csv_has_all_columns_and_quotes_what_needs_it)
{
    CHECK_STR(shown((struct od_look){ .output = OD_OUTPUT_CSV }),
              "name,n,rare,id,list\n"
              "a,7,,x,\"1,2,3\"\n"
              "l\xc3\xa4nger,1234,,,\n");
}

TEST(names_stand_alone)
{
    CHECK_STR(shown((struct od_look){ .output = OD_OUTPUT_NAME }), "a\nl\xc3\xa4nger\n");
}

TEST(yaml_nests_by_two_blanks)
{
    CHECK_STR(shown((struct od_look){ .output = OD_OUTPUT_YAML }),
              "- name: \"a\"\n  n: 7\n  id: \"x\"\n  list:\n    - 1\n    - 2\n    - 3\n"
              "- name: \"l\xc3\xa4nger\"\n  n: 1234\n  id: null\n  list: []\n");
}

TEST(the_last_column_wraps_behind_commas)
{
    static const struct od_column two[] = { { "k", "K", 0 }, { "v", "V", 0 } };
    struct od_look look = { .width = 20 };
    struct od_text text = { 0 }, why = { 0 };
    struct od_table t;
    json_t *row;

    od_table_init(&t, two, 2);
    row = od_table_row(&t);
    od_row_text(row, "k", "key");
    od_row_text(row, "v", "aaaa,bbbb,cccc,dddd,eeeeeeeeeeeeeeeeeeee");
    CHECK(od_table_print(&t, &look, &text, &why));
    CHECK_STR(od_text_get(&text), "K    V\n"
                                  "key  aaaa,bbbb,cccc,\n"
                                  "     dddd,\n"
                                  "     eeeeeeeeeeeeeee\n"
                                  "     eeeee\n");
    od_table_deinit(&t);
    od_text_reset(&text);
}

TEST(control_characters_and_bad_utf_8_do_not_reach_a_terminal)
{
    static const struct od_column one[] = { { "k", "K", 0 } };
    struct od_look look = { .no_headers = true };
    struct od_text text = { 0 }, why = { 0 };
    struct od_table t;
    json_t *row;

    od_table_init(&t, one, 1);
    row = od_table_row(&t);
    od_row_str(row, "k", OD_STR("a\033[2J\0z\x7f"));
    row = od_table_row(&t);
    od_row_str(row, "k", OD_STR("\xff\xc3"));
    CHECK(od_table_print(&t, &look, &text, &why));
    CHECK_STR(od_text_get(&text), "a\\x1b[2J\\x00z\\x7f\n\xef\xbf\xbd\xef\xbf\xbd\n");
    od_table_deinit(&t);
    od_text_reset(&text);
}
