/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every registered test of the binary through cmocka; TEST_FILTER, a pattern, limits them. */
#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TESTS_MAX = 512 };

static struct test_entry *first, **last = &first;
static char dir[256];

void test_register(struct test_entry *entry)
{
    *last = entry;
    last = &entry->next;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void remove_dir(void)
{
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
    const char *base = getenv("TMPDIR");

    if (dir[0])
        return dir;
    snprintf(dir, sizeof(dir), "%s/odradek-test.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        abort();
    }
    atexit(remove_dir);
    return dir;
}

int main(void)
{
    static struct CMUnitTest tests[TESTS_MAX];
    size_t n = 0;

    if (getenv("TEST_FILTER") && *getenv("TEST_FILTER"))
        cmocka_set_test_filter(getenv("TEST_FILTER"));
    for (struct test_entry *e = first; e; e = e->next) {
        if (n == TESTS_MAX)
            abort();
        tests[n].name = e->name;
        tests[n++].test_func = e->run;
    }
    return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}
