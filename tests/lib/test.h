/* SPDX-License-Identifier: Apache-2.0 */
/* TEST registers itself; CHECK_* compare and stop the test.  One binary per file, on cmocka. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct test_entry {
    const char *name;
    void (*run)(void **state);
    struct test_entry *next;
};

void test_register(struct test_entry *entry);

#define TEST(claim)                                                                                \
    static void claim(void **state);                                                               \
    static struct test_entry claim##_entry = { #claim, claim, NULL };                              \
    __attribute__((constructor)) static void claim##_register(void)                                \
    {                                                                                              \
        test_register(&claim##_entry);                                                             \
    }                                                                                              \
    static void claim(void **state __attribute__((unused)))

#define CHECK(expression) assert_true(expression)
#define CHECK_EQ(a, b) assert_int_equal((uintmax_t)(intmax_t)(a), (uintmax_t)(intmax_t)(b))
#define CHECK_OK(call) assert_int_equal((call), 0) /* OD_NONE */
#define CHECK_STR(a, b) assert_string_equal(a, b)
#define CHECK_MEM(a, b, len) assert_memory_equal(a, b, len)

/* A fresh directory under the build's temporary folder, removed with all it holds at exit. */
const char *test_dir(void);
