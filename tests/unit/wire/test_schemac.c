/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema compiler: its output for two sample messages is pinned (REWRITE=1 writes it anew, to
 * be read as a diff), and what a person can get wrong is refused with its line.
 */
#include "base/text.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/unit/wire/golden/"

static int run(const char *arguments, struct od_text *output)
{
    struct od_text command = {0};
    char line[512];
    FILE *p;

    od_text_add(&command, "build/tools/schemac %s 2>&1", arguments);
    p = popen(od_text_get(&command), "r");
    CHECK(p != NULL);
    while (fgets(line, sizeof(line), p))
        od_text_add(output, "%s", line);
    od_text_reset(&command);
    return pclose(p);
}

static void read_file(const char *path, struct od_text *out)
{
    FILE *in = fopen(path, "r");
    char line[512];

    CHECK(in != NULL);
    while (fgets(line, sizeof(line), in))
        od_text_add(out, "%s", line);
    fclose(in);
}

static void compare(const char *generated, const char *golden)
{
    struct od_text is = {0}, wanted = {0};

    read_file(generated, &is);
    if (getenv("REWRITE")) {
        FILE *out = fopen(golden, "w");

        CHECK(out != NULL);
        fputs(od_text_get(&is), out);
        fclose(out);
    }
    read_file(golden, &wanted);
    CHECK_STR(od_text_get(&is), od_text_get(&wanted));
    od_text_reset(&is);
    od_text_reset(&wanted);
}

TEST(the_code_of_two_sample_messages_is_as_reviewed)
{
    static const char *const files[][2] = {
        {"wire/api/sample.h", GOLDEN "sample.h.txt"},
        {"wire/api/sample.c", GOLDEN "sample.c.txt"},
        {"wire/records/sample_record.h", GOLDEN "sample_record.h.txt"},
        {"wire/records/sample_record.c", GOLDEN "sample_record.c.txt"},
        {"wire/codecs.c", GOLDEN "codecs.c.txt"},
    };
    struct od_text arguments = {0}, output = {0};

    od_text_add(&arguments, "--out %s " GOLDEN "42_sample.msg " GOLDEN "sample_record.msg",
                test_dir());
    CHECK_EQ(run(od_text_get(&arguments), &output), 0);
    for (size_t i = 0; i < OD_COUNT(files); i++) {
        struct od_text path = {0};

        od_text_add(&path, "%s/%s", test_dir(), files[i][0]);
        compare(od_text_get(&path), files[i][1]);
        od_text_reset(&path);
    }
    od_text_reset(&arguments);
    od_text_reset(&output);
}

TEST(mistakes_are_refused_with_their_line)
{
    static const struct {
        const char *text;
        const char *complaint; /* ":line: ..." */
    } cases[] = {
        {"data x versions 0 flexible 0+\na int33\n", ":2: 'int33' is neither a type nor"},
        {"data x versions 0-2 flexible 1+\na int32\na int8\n", ":3: field 'a' exists already"},
        {"data x versions 0-2 flexible 1+\na int32 tag 0\n", ":2: 'a' is tagged in a version"},
        {"data x versions 0-2 flexible 1+\na int32 1+ tag 0\nb int8 1+ tag 0\n", ":3: tag 0"},
        {"data x versions 0-2 flexible 1+\na int32 3+\n", ":2: 'a' exists in no version"},
        {"data x versions 0-2 flexible 1+\na int8 = 128\n", ":2: the default of 'a'"},
        {"data x versions 0-2 flexible 1+\na string = null\n", ":2: the default of 'a'"},
        {"data x versions 0-2 flexible 1+\na int32?\n", ":2: 'a' cannot be nullable"},
        {"data x versions 0-2 flexible 1+\na b?\n  c int8\n", ":2: a nullable struct needs"},
        {"data x versions 0-2 flexible none\na [b]\n  c int8 1+\n", "may take no byte"},
        {"data x versions 0 flexible 0+\na int32\n   b int8\n", ":3: indent"},
        {"data x versions 0 flexible 0+\na int32\n  b int8\n", ":3: indented too far"},
        {"data x versions 0 flexible 0+\nint int32\n", ":2: 'int' is a keyword"},
        {"data x versions 0 flexible 0+\nA int32\n", ":2: 'A' is no snake_case name"},
        {"data x versions 0 flexible 0+\na int32 often\n", ":2: 'often' is not understood"},
        {"data x versions 0\na int32\n", ":1: expected"},
        {"struct y\n", ":1: expected"},
        {"data x versions 0 flexible 0+\nstruct y\n  a int32\nb int8\n", ":2: struct 'y' is never"},
    };

    for (size_t i = 0; i < OD_COUNT(cases); i++) {
        struct od_text path = {0}, arguments = {0}, output = {0};
        FILE *out;

        od_text_add(&path, "%s/x.msg", test_dir());
        out = fopen(od_text_get(&path), "w");
        CHECK(out != NULL);
        fputs(cases[i].text, out);
        fclose(out);
        od_text_add(&arguments, "--check %s", od_text_get(&path));
        CHECK(run(od_text_get(&arguments), &output) != 0);
        if (!strstr(od_text_get(&output), cases[i].complaint))
            CHECK_STR(od_text_get(&output), cases[i].complaint);
        od_text_reset(&path);
        od_text_reset(&arguments);
        od_text_reset(&output);
    }
}
