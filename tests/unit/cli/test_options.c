/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines by the rows of a table made for the test. */
#include "cli/options.h"
#include "test.h"

#include <string.h>

enum { WORDS_MAX = 16 };

static const struct od_option own[] = {
    { .name = "partitions", .letter = 'p', .value = "N", .help = "" },
    { .name = "config", .letter = 'c', .value = "K=V", .repeated = true, .help = "" },
    { .name = "exit", .letter = 'e', .help = "" },
    { .name = "internal", .letter = 'i', .help = "" },
    { .name = "codec", .value = "C", .candidates = OD_CANDIDATES_WORDS, .words = "none|zstd",
      .help = "" },
    { 0 },
};
static const struct od_cli_command create = { .name = "topic create",
                                              .arguments = "TOPIC...",
                                              .args_min = 1,
                                              .args_max = 2,
                                              .uses = OD_USES_CLUSTER,
                                              .options = own };
static const struct od_cli_command list = { .name = "topic list" };
static const struct od_cli_command secret = { .name = "topic lift", .hidden = true };
static const struct od_cli_command produce = { .name = "produce", .args_max = OD_ARGS_ANY };
static const struct od_cli_command *const rows[] = { &create, &secret, &list, &produce };
static const struct od_cli_commands table = { rows, OD_COUNT(rows) };

/* What came of a line whose words are separated by blanks. */
static const char *parsed(const char *line)
{
    static char out[512];
    static char copy[256];
    char *argv[WORDS_MAX];
    struct od_options o;
    struct od_text why = { 0 }, all = { 0 };
    const char *noun;
    int argc = 0;

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *save = NULL, *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    if (!od_options_parse(&table, argc, argv, &o, &noun, &why))
        od_text_add(&all, "error: %s", od_text_get(&why));
    else if (o.wants_help)
        od_text_add(&all, "help: %s", o.command ? o.command->name : noun ? noun : "all");
    else
        od_text_add(&all, "%s:", o.command->name);
    for (int i = 0; !why.len && !o.wants_help && i < o.given_count; i++)
        od_text_add(&all, " %s=%s", o.given[i].option->name,
                    o.given[i].value ? o.given[i].value : "yes");
    for (int i = 0; !why.len && !o.wants_help && i < o.arg_count; i++)
        od_text_add(&all, " [%s]", o.args[i]);
    snprintf(out, sizeof(out), "%s", od_text_get(&all));
    od_options_deinit(&o);
    od_text_reset(&why);
    od_text_reset(&all);
    return out;
}

TEST(values_stand_beside_or_behind_their_option)
{
    CHECK_STR(parsed("topic create -p3 a"), "topic create: partitions=3 [a]");
    CHECK_STR(parsed("topic create -p 3 a"), "topic create: partitions=3 [a]");
    CHECK_STR(parsed("topic create --partitions=3 a"), "topic create: partitions=3 [a]");
    CHECK_STR(parsed("topic create --partitions 3 a"), "topic create: partitions=3 [a]");
    CHECK_STR(parsed("topic create --partitions= a"), "topic create: partitions= [a]");
    CHECK_STR(parsed("topic create a -p -1"), "topic create: partitions=-1 [a]");
}

TEST(options_stand_anywhere_and_repeat)
{
    CHECK_STR(parsed("topic create a -c x=1 b -c y=2"),
              "topic create: config=x=1 config=y=2 [a] [b]");
    CHECK_STR(parsed("-b h:1 topic create a"), "topic create: bootstrap=h:1 [a]");
    CHECK_STR(parsed("--bootstrap=h:1 topic create a"), "topic create: bootstrap=h:1 [a]");
    CHECK_STR(parsed("--bootstrap h:1 -X k=v topic create a"),
              "topic create: bootstrap=h:1 property=k=v [a]");
}

TEST(flags_share_one_word_and_the_last_letter_may_take_a_value)
{
    CHECK_STR(parsed("topic create -ei a"), "topic create: exit=yes internal=yes [a]");
    CHECK_STR(parsed("topic create -eip7 a"),
              "topic create: exit=yes internal=yes partitions=7 [a]");
    CHECK_STR(parsed("topic create -eeeeeeee a"),
              "topic create: exit=yes exit=yes exit=yes exit=yes exit=yes exit=yes exit=yes "
              "exit=yes [a]");
}

TEST(after_two_dashes_all_words_are_arguments)
{
    CHECK_STR(parsed("topic create -- -p --exit"), "topic create: [-p] [--exit]");
    CHECK_STR(parsed("topic create - a"), "topic create: [-] [a]");
}

TEST(mistakes_are_named)
{
    CHECK_STR(parsed("topic create"), "error: TOPIC... is missing");
    CHECK_STR(parsed("topic create a b c"), "error: one word too many: \"c\"");
    CHECK_STR(parsed("topic create a -p"), "error: --partitions needs a value: N");
    CHECK_STR(parsed("topic create a --partitions"), "error: --partitions needs a value: N");
    CHECK_STR(parsed("topic create a --exit=yes"), "error: --exit takes no value");
    CHECK_STR(parsed("topic create a --codec lz5"),
              "error: --codec is one of none|zstd, not \"lz5\"");
    CHECK_STR(parsed("topic create a --partition 3"),
              "error: there is no option --partition; is it --partitions?");
    CHECK_STR(parsed("topic create a --zzzzzzzzz"), "error: there is no option --zzzzzzzzz");
    CHECK_STR(parsed("topic create a -z"), "error: there is no option -z");
    CHECK_STR(parsed("topic lisst"),
              "error: there is no command \"topic lisst\"; is it \"odradek topic list\"?");
    CHECK_STR(parsed("prodce x"),
              "error: there is no command \"prodce\"; is it \"odradek produce\"?");
    CHECK_STR(parsed("nothing"), "error: there is no command \"nothing\"");
    CHECK_STR(parsed("-b h:1"), "error: a command is missing");
    CHECK_STR(parsed("-b"), "error: a command is missing");
}

TEST(help_is_wanted_at_each_level)
{
    CHECK_STR(parsed(""), "help: all");
    CHECK_STR(parsed("--help"), "help: all");
    CHECK_STR(parsed("-h"), "help: all");
    CHECK_STR(parsed("topic"), "help: topic");
    CHECK_STR(parsed("topic --help"), "help: topic");
    CHECK_STR(parsed("topic create -h"), "help: topic create");
    CHECK_STR(parsed("produce x --help"), "help: produce");
}

TEST(numbers_keep_to_their_bounds)
{
    char *argv[] = { "topic", "create", "a", "-p", "5" };
    struct od_options o;
    struct od_text why = { 0 };
    const char *noun;
    int64_t v;

    CHECK(od_options_parse(&table, OD_COUNT(argv), argv, &o, &noun, &why));
    CHECK(od_options_number(&o, "partitions", 5, 5, 0, &v, &why) && v == 5);
    CHECK(!od_options_number(&o, "partitions", 6, 9, 0, &v, &why));
    CHECK_STR(od_text_get(&why), "--partitions is a number from 6 to 9, not \"5\"");
    od_text_reset(&why);
    CHECK(!od_options_number(&o, "partitions", 1, 4, 0, &v, &why));
    CHECK(od_options_number(&o, "codec", 1, 4, 77, &v, &why) && v == 77);
    od_options_deinit(&o);
    od_text_reset(&why);
}

TEST(the_last_of_an_option_counts)
{
    char *argv[] = { "topic", "create", "a", "-p", "5", "-p6" };
    struct od_options o;
    struct od_text why = { 0 };
    const char *noun;

    CHECK(od_options_parse(&table, OD_COUNT(argv), argv, &o, &noun, &why));
    CHECK_STR(od_options_get(&o, "partitions"), "6");
    CHECK_STR(od_options_nth(&o, "partitions", 0), "5");
    CHECK(!od_options_nth(&o, "partitions", 2));
    CHECK(!od_options_has(&o, "exit"));
    od_options_deinit(&o);
}
