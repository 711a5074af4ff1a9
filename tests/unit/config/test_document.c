/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md is what the key table prints; REWRITE=1 brings it up to date. */
#include "config/config.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "docs/configuration.md"; /* tests run in the tree's root */

TEST(the_document_is_what_the_table_prints)
{
    static char file[1 << 18];
    struct od_text want = { 0 };
    FILE *f;

    od_config_document(&want);
    if (getenv("REWRITE")) {
        f = fopen(path, "w");
        CHECK(f != NULL);
        CHECK_EQ(fwrite(want.data, 1, want.len, f), want.len);
        CHECK_EQ(fclose(f), 0);
    }
    f = fopen(path, "r");
    CHECK(f != NULL);
    CHECK(fread(file, 1, sizeof(file) - 1, f) < sizeof(file) - 1);
    fclose(f);
    CHECK_STR(file, want.data);
    od_text_reset(&want);
}
