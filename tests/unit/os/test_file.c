/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories, and each way they fail that a test can bring about. */
#include "os/file.h"

#include "base/mem.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", test_dir(), name);
    return path;
}

static struct od_file *opened(const char *name, unsigned flags)
{
    struct od_file *f = NULL;

    CHECK_OK(od_file_open(path_of(name), flags, &f));
    return f;
}

TEST(spans_are_written_one_after_the_other_and_read_back)
{
    struct od_file *f = opened("spans", OD_FILE_WRITE | OD_FILE_CREATE);
    struct od_span spans[] = { { "one", 3 }, { "", 0 }, { "twelve", 6 }, { NULL, 0 } };
    char got[16] = "";
    size_t n = 0;
    int64_t len = 0;

    CHECK_OK(od_file_write(f, spans, 4, 5, &n));
    CHECK_EQ(n, 9);
    CHECK_OK(od_file_size(f, &len));
    CHECK_EQ(len, 14);
    CHECK_OK(od_file_read(f, got, 9, 5, &n));
    CHECK_EQ(n, 9);
    CHECK_MEM(got, "onetwelve", 9);
    CHECK_OK(od_file_sync(f));
    od_file_close(f);
}

TEST(a_read_stops_at_the_end_of_the_file)
{
    struct od_file *f = opened("short", OD_FILE_WRITE | OD_FILE_CREATE);
    struct od_span span = { "abc", 3 };
    char got[8];
    size_t n = 0;

    CHECK_OK(od_file_write(f, &span, 1, 0, &n));
    CHECK_OK(od_file_read(f, got, sizeof(got), 1, &n));
    CHECK_EQ(n, 2);
    CHECK_OK(od_file_read(f, got, sizeof(got), 3, &n));
    CHECK_EQ(n, 0);
    od_file_close(f);
}

TEST(the_most_spans_there_may_be_are_written_in_order)
{
    struct od_file *f = opened("many", OD_FILE_WRITE | OD_FILE_CREATE);
    static struct od_span spans[OD_FILE_SPANS_MAX];
    static char out[OD_FILE_SPANS_MAX], in[OD_FILE_SPANS_MAX];
    size_t n = 0;

    for (int i = 0; i < OD_FILE_SPANS_MAX; i++) {
        out[i] = (char)i;
        spans[i] = (struct od_span){ &out[i], 1 };
    }
    CHECK_OK(od_file_write(f, spans, OD_FILE_SPANS_MAX, 0, &n));
    CHECK_OK(od_file_read(f, in, sizeof(in), 0, &n));
    CHECK_EQ(n, OD_FILE_SPANS_MAX);
    CHECK_MEM(in, out, sizeof(in));
    od_file_close(f);
}

TEST(a_write_that_ends_in_the_middle_of_a_span_says_how_far_it_came)
{
    struct od_file *f = opened("limited", OD_FILE_WRITE | OD_FILE_CREATE);
    struct rlimit old, small;
    static char bytes[5000];
    struct od_span spans[] = { { bytes, 5000 }, { bytes, 5000 }, { bytes, 5000 } };
    enum od_err err;
    size_t n = 0;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){ 8192, old.rlim_max };
    setrlimit(RLIMIT_FSIZE, &small);
    err = od_file_write(f, spans, 3, 0, &n);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK_EQ(err, OD_E_IO);
    CHECK_EQ(n, 8192);
    od_file_close(f);
}

TEST(a_full_device_is_told_from_other_failures)
{
    struct od_span span = { "x", 1 };
    struct od_file *f = NULL;
    size_t n = 1;

    CHECK_OK(od_file_open("/dev/full", OD_FILE_WRITE, &f));
    CHECK_EQ(od_file_write(f, &span, 1, 0, &n), OD_E_NO_SPACE);
    CHECK_EQ(n, 0);
    od_file_close(f);
}

TEST(flags_of_open_do_what_they_say)
{
    struct od_span span = { "abc", 3 };
    struct od_file *f = NULL;
    int64_t len = -1;
    size_t n;

    CHECK_EQ(od_file_open(path_of("flags"), OD_FILE_READ, &f), OD_E_NOT_FOUND);
    CHECK_EQ(od_file_open(path_of("flags"), OD_FILE_READ | OD_FILE_QUIET, &f), OD_E_NOT_FOUND);
    f = opened("flags", OD_FILE_WRITE | OD_FILE_CREATE | OD_FILE_EXCLUSIVE);
    CHECK_OK(od_file_write(f, &span, 1, 0, &n));
    od_file_close(f);
    CHECK_EQ(od_file_open(path_of("flags"), OD_FILE_WRITE | OD_FILE_CREATE | OD_FILE_EXCLUSIVE, &f),
             OD_E_EXISTS);
    f = opened("flags", OD_FILE_WRITE | OD_FILE_TRUNCATE);
    CHECK_OK(od_file_size(f, &len));
    CHECK_EQ(len, 0);
    od_file_close(f);
    f = opened("flags", OD_FILE_READ);
    CHECK_EQ(od_file_write(f, &span, 1, 0, &n), OD_E_IO);
    CHECK_EQ(od_file_truncate(f, 0), OD_E_IO);
    od_file_close(f);
    CHECK_EQ(od_file_open(test_dir(), OD_FILE_WRITE, &f), OD_E_IO);
}

TEST(without_descriptors_open_says_limit)
{
    struct rlimit old, none;
    struct od_file *f = NULL;
    enum od_err err;
    int next = dup(0);

    close(next);
    getrlimit(RLIMIT_NOFILE, &old);
    none = (struct rlimit){ (rlim_t)next, old.rlim_max };
    setrlimit(RLIMIT_NOFILE, &none);
    err = od_file_open("/dev/null", OD_FILE_READ, &f);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK_EQ(err, OD_E_LIMIT);
}

TEST(truncate_cuts_and_preallocation_keeps_the_size)
{
    struct od_file *f = opened("sized", OD_FILE_WRITE | OD_FILE_CREATE);
    struct od_span span = { "abcdef", 6 };
    int64_t len = 0;
    size_t n;

    CHECK_OK(od_file_write(f, &span, 1, 0, &n));
    CHECK_OK(od_file_truncate(f, 4));
    CHECK_OK(od_file_preallocate(f, 1 << 20));
    CHECK_OK(od_file_size(f, &len));
    CHECK_EQ(len, 4);
    CHECK_EQ(od_file_preallocate(f, -1), OD_E_IO);
    od_file_close(f);
}

TEST(bytes_just_written_are_resident_and_a_hole_in_the_cache_is_seen)
{
    struct od_file *f = opened("cached", OD_FILE_WRITE | OD_FILE_CREATE);
    static char bytes[3 * 4096];
    struct od_span span = { bytes, sizeof(bytes) };
    size_t n;

    CHECK_OK(od_file_write(f, &span, 1, 0, &n));
    CHECK_OK(od_file_write_back(f, 0, sizeof(bytes)));
    CHECK(od_file_resident(f, 0, sizeof(bytes)));
    CHECK(od_file_resident(f, 4095, 2));
    CHECK(od_file_resident(f, 100, 0));
    CHECK(!od_file_resident(f, 0, sizeof(bytes) + 1)); /* the page behind the end */
    od_file_close(f);
}

struct listing {
    int files, dirs, left;
};

static enum od_err list_one(void *arg, const char *name, bool is_dir)
{
    struct listing *l = arg;

    (void)name;
    *(is_dir ? &l->dirs : &l->files) += 1;
    return --l->left == 0 ? OD_E_BUSY : OD_NONE;
}

TEST(directories_are_made_with_parents_and_listed)
{
    struct listing all = { .left = -1 }, first = { .left = 1 };

    CHECK_OK(od_dir_make(path_of("d/e//f/")));
    CHECK_OK(od_dir_make(path_of("d/e/f")));
    od_file_close(opened("d/file", OD_FILE_WRITE | OD_FILE_CREATE));
    CHECK_OK(od_dir_list(path_of("d"), list_one, &all));
    CHECK_EQ(all.files, 1);
    CHECK_EQ(all.dirs, 1);
    CHECK_EQ(od_dir_list(path_of("d"), list_one, &first), OD_E_BUSY);
    CHECK_EQ(first.files + first.dirs, 1);
    CHECK_EQ(od_dir_list(path_of("nowhere"), list_one, &all), OD_E_NOT_FOUND);
    CHECK_EQ(od_dir_make(path_of("d/file")), OD_E_EXISTS);
    CHECK_EQ(od_dir_make(path_of("d/file/x")), OD_E_EXISTS);
    CHECK_OK(od_dir_sync(path_of("d")));
    CHECK_EQ(od_dir_sync(path_of("nowhere")), OD_E_NOT_FOUND);
}

TEST(rename_and_remove_report_what_is_missing_or_in_the_way)
{
    od_file_close(opened("from", OD_FILE_WRITE | OD_FILE_CREATE));
    CHECK_OK(od_path_rename(path_of("from"), path_of("to")));
    CHECK_EQ(od_path_rename(path_of("from"), path_of("to")), OD_E_NOT_FOUND);
    CHECK_OK(od_path_remove(path_of("to")));
    CHECK_EQ(od_path_remove(path_of("to")), OD_E_NOT_FOUND);
    CHECK_OK(od_dir_make(path_of("full")));
    od_file_close(opened("full/x", OD_FILE_WRITE | OD_FILE_CREATE));
    CHECK_EQ(od_path_remove(path_of("full")), OD_E_EXISTS);
}

TEST(a_locked_directory_is_busy_until_it_is_closed)
{
    struct od_file *first = NULL, *second = NULL;

    CHECK_OK(od_dir_lock(test_dir(), &first));
    CHECK_EQ(od_dir_lock(test_dir(), &second), OD_E_BUSY);
    CHECK(!second);
    od_file_close(first);
    CHECK_OK(od_dir_lock(test_dir(), &second));
    od_file_close(second);
    CHECK_EQ(od_dir_lock(path_of("nowhere"), &second), OD_E_NOT_FOUND);
}

TEST(space_is_told_and_paths_are_bounded)
{
    int64_t free_bytes = -1, total_bytes = -1;
    char *long_path = od_zalloc(OD_PATH_MAX + 1);

    CHECK_OK(od_dir_space(test_dir(), &free_bytes, &total_bytes));
    CHECK(free_bytes >= 0 && total_bytes >= free_bytes);
    CHECK_EQ(od_dir_space(path_of("nowhere"), &free_bytes, &total_bytes), OD_E_NOT_FOUND);
    memset(long_path, 'x', OD_PATH_MAX);
    CHECK_EQ(od_dir_make(long_path), OD_E_IO);
    od_free(long_path);
}

TEST(closing_no_file_is_fine)
{
    od_file_close(NULL);
}
